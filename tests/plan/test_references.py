"""What a gateway depends on."""

from gateway_components.plan.keys import Reference
from gateway_components.plan.references import environment_references, patch_reference, references
from tests.plan.make import gateway

KEYS = Reference("Secret", "team", "api-key-secrets")


def test_every_gateway_depends_on_the_api_keys_of_its_namespace() -> None:
    assert references(gateway()) == {KEYS}


def test_the_annotation_names_a_config_map_of_the_same_namespace() -> None:
    assert patch_reference(gateway(patch="extra")) == Reference("ConfigMap", "team", "extra")


def test_an_empty_annotation_names_nothing() -> None:
    assert patch_reference(gateway(patch="")) is None


def test_all_ways_into_the_environment_count_once() -> None:
    found = gateway(
        patch="extra",
        env=[
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s1", "key": "k"}}},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s1", "key": "l"}}},
            {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c1", "key": "k"}}},
            {"name": "D", "value": "plain"},
            {"name": "E", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        ],
        envFrom=[{"secretRef": {"name": "s2"}}, {"configMapRef": {"name": "c2"}}],
    )
    environment = {
        Reference("Secret", "team", "s1"),
        Reference("Secret", "team", "s2"),
        Reference("ConfigMap", "team", "c1"),
        Reference("ConfigMap", "team", "c2"),
    }
    assert environment_references(found) == environment
    assert references(found) == {*environment, KEYS, Reference("ConfigMap", "team", "extra")}


def test_the_api_key_secret_has_a_hash_of_its_own_and_does_not_count_twice() -> None:
    assert (
        environment_references(gateway(envFrom=[{"secretRef": {"name": "api-key-secrets"}}])) == frozenset()
    )


def test_references_without_a_name_lead_nowhere() -> None:
    env = [{"name": "A", "valueFrom": {"secretKeyRef": {"key": "k"}}}, {"name": "B", "valueFrom": {}}]
    assert references(gateway(env=env, envFrom=[{"secretRef": {}}, {}])) == {KEYS}
