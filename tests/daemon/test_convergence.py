"""Every change of a gateway, or of what it depends on, reaches the cluster without a restart."""

import hashlib
import json

import yaml

from lab import wait_until
from tests.daemon.harness import PATCH_ANNOTATION, SECONDS, Daemon, Namespace
from tests.daemon.manifests import config_map, gateway, secret


def test_a_new_gateway_becomes_three_objects_and_turns_ready(namespace: Namespace) -> None:
    namespace.apply(gateway("fresh", "gpt-4o", port=4000))
    namespace.wait_ready("fresh")

    owner = namespace.existing("AiGateway", "fresh")["metadata"]["uid"]
    config = namespace.existing("ConfigMap", "fresh-config")
    deployment = namespace.existing("Deployment", "fresh")
    service = namespace.existing("Service", "fresh")
    for made in (config, deployment, service):
        (reference,) = made["metadata"]["ownerReferences"]
        assert (reference["uid"], reference["controller"]) == (owner, True)
    assert yaml.safe_load(config["data"]["config.yaml"])["model_list"][0]["model_name"] == "gpt-4o"
    assert service["spec"]["ports"][0] | {"protocol": "TCP"} == {
        "name": "http",
        "port": 4000,
        "targetPort": 4000,
        "protocol": "TCP",
    }
    assert service["spec"]["type"] == "ClusterIP"
    digest = hashlib.sha256(config["data"]["config.yaml"].encode()).hexdigest()[:16]
    assert namespace.hashes("fresh")["runtime.agentic-layer.ai/config-hash"] == digest


def test_an_edit_reaches_config_deployment_and_status(namespace: Namespace) -> None:
    namespace.apply(gateway("edited", "old-model"))
    namespace.wait_ready("edited")
    before = namespace.hashes("edited")

    namespace.apply(gateway("edited", "new-model"))
    namespace.wait_config("edited", "openai/new-model")
    namespace.wait_ready("edited")

    assert "old-model" not in namespace.config("edited")
    assert namespace.hashes("edited") != before


def test_transition_time_stays_while_the_status_does(namespace: Namespace) -> None:
    namespace.apply(gateway("steady", "one"))
    namespace.wait_ready("steady")
    before = namespace.conditions("steady")["AiGatewayConfigured"]

    namespace.apply(gateway("steady", "two"))
    namespace.wait_ready("steady")

    after = namespace.conditions("steady")["AiGatewayConfigured"]
    assert after["lastTransitionTime"] == before["lastTransitionTime"]
    assert after["observedGeneration"] == before["observedGeneration"] + 1


def test_a_changed_secret_rolls_the_pods(namespace: Namespace) -> None:
    namespace.apply(gateway("keyed"))
    namespace.wait_ready("keyed")
    key = "runtime.agentic-layer.ai/secret-hash"
    empty = namespace.hashes("keyed")[key]

    namespace.apply(secret("api-key-secrets", OPENAI_API_KEY="sk-first"))
    wait_until(lambda: namespace.hashes("keyed")[key] != empty, timeout=SECONDS, what="a new secret-hash")
    first = namespace.hashes("keyed")[key]
    namespace.apply(secret("api-key-secrets", OPENAI_API_KEY="sk-second"))
    wait_until(
        lambda: namespace.hashes("keyed")[key] not in (empty, first), timeout=SECONDS, what="a newer one"
    )

    assert empty == hashlib.sha256(b"").hexdigest()[:16]
    namespace.wait_ready("keyed")


def test_changed_references_of_the_environment_roll_the_pods(namespace: Namespace) -> None:
    source = {"name": "FLAG", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "flag"}}}
    namespace.apply(config_map("flags", flag="on"), gateway("flagged", env=[source]))
    namespace.wait_ready("flagged")
    key = "runtime.agentic-layer.ai/env-hash"
    before = namespace.hashes("flagged")[key]

    namespace.apply(config_map("flags", flag="off"))

    wait_until(lambda: namespace.hashes("flagged")[key] != before, timeout=SECONDS, what="a new env-hash")


def test_a_patch_is_followed_through_all_of_its_states(namespace: Namespace) -> None:
    namespace.apply(gateway("patched", "kept-model"))
    namespace.wait_ready("patched")

    namespace.kubectl("annotate", "aigateway", "patched", f"{PATCH_ANNOTATION}=tuning")
    message = namespace.wait_reason("patched", "ConfigPatchInvalid")
    assert 'configmap "tuning" not found' in message
    assert "openai/kept-model" in namespace.config("patched"), "the last good objects must stay"

    namespace.apply(config_map("tuning", patch_yaml="router_settings: {a: 1, a: 2}"))
    wait_until(
        lambda: "duplicate key" in namespace.conditions("patched")["AiGatewayConfigured"]["message"],
        timeout=SECONDS,
        what="the duplicate key in the message",
    )

    namespace.apply(config_map("tuning", patch_yaml="router_settings: {num_retries: 3}"))
    namespace.wait_config("patched", "num_retries: 3")
    namespace.wait_ready("patched")

    namespace.apply(config_map("tuning", patch_yaml="router_settings: {num_retries: 7}"))
    namespace.wait_config("patched", "num_retries: 7")
    namespace.kubectl("annotate", "aigateway", "patched", f"{PATCH_ANNOTATION}-")
    wait_until(lambda: "router_settings" not in namespace.config("patched"), timeout=SECONDS, what="no patch")
    namespace.wait_ready("patched")


def test_a_deleted_gateway_takes_its_objects_along(namespace: Namespace) -> None:
    namespace.apply(gateway("leaving"), gateway("staying"))
    namespace.wait_ready("leaving")
    namespace.wait_ready("staying")

    namespace.kubectl("delete", "aigateway", "leaving")

    wait_until(
        lambda: (
            not any(
                namespace.get(kind, name)
                for kind, name in (
                    ("ConfigMap", "leaving-config"),
                    ("Deployment", "leaving"),
                    ("Service", "leaving"),
                )
            )
        ),
        timeout=SECONDS,
        what="no object of the deleted gateway",
    )
    assert namespace.get("Deployment", "staying")


def test_a_gateway_recreated_under_its_old_name_works(namespace: Namespace) -> None:
    namespace.apply(gateway("phoenix", "first-life"))
    namespace.wait_ready("phoenix")

    namespace.kubectl("delete", "aigateway", "phoenix")
    namespace.apply(gateway("phoenix", "second-life"))

    namespace.wait_config("phoenix", "second-life")
    namespace.wait_ready("phoenix")
    uid = namespace.existing("AiGateway", "phoenix")["metadata"]["uid"]

    def owned_by_the_new_one() -> bool:
        deployment = namespace.get("Deployment", "phoenix")
        return deployment is not None and [
            ref["uid"] for ref in deployment["metadata"]["ownerReferences"]
        ] == [uid]

    wait_until(owned_by_the_new_one, timeout=SECONDS, what="a Deployment of the new gateway")


def test_an_object_deleted_by_hand_comes_back(namespace: Namespace) -> None:
    namespace.apply(gateway("healed"))
    namespace.wait_ready("healed")

    namespace.kubectl("delete", "deployment/healed", "service/healed", "configmap/healed-config")

    for kind, name in (("ConfigMap", "healed-config"), ("Deployment", "healed"), ("Service", "healed")):
        wait_until(lambda k=kind, n=name: namespace.get(k, n), timeout=SECONDS, what=f"{kind} {name}")  # type: ignore[misc]
    namespace.wait_ready("healed")


def test_readiness_follows_the_deployment(namespace: Namespace) -> None:
    namespace.apply(gateway("scaled"))
    namespace.wait_ready("scaled")
    selector = {"spec": {"template": {"spec": {"nodeSelector": {"nowhere": "to-run"}}}}}

    namespace.patch("Deployment", "scaled", selector)
    wait_until(
        lambda: namespace.reason("scaled", "AiGatewayReady") == "DeploymentRollingOut",
        timeout=SECONDS,
        what="a rollout that cannot finish",
    )
    assert namespace.reason("scaled") == "ConfigurationApplied"

    namespace.patch("Deployment", "scaled", {"spec": {"template": {"spec": {"nodeSelector": None}}}})
    namespace.wait_ready("scaled")


def test_replicas_belong_to_whoever_scales(namespace: Namespace) -> None:
    namespace.apply(gateway("wide", "before"))
    namespace.wait_ready("wide")

    namespace.kubectl("scale", "deployment", "wide", "--replicas=3")
    namespace.apply(gateway("wide", "after"))
    namespace.wait_config("wide", "openai/after")
    namespace.wait_ready("wide")

    assert namespace.existing("Deployment", "wide")["spec"]["replicas"] == 3


def test_many_gateways_at_once_share_few_engine_runs(namespace: Namespace, daemon: Daemon) -> None:
    names = [f"crowd-{number}" for number in range(8)]

    namespace.apply(*(gateway(name) for name in names))
    for name in names:
        namespace.wait_ready(name)

    runs = daemon.events("engine ran", namespace=namespace.name)
    assert sorted(name for run in runs for name in run["applied"]) == sorted(names), "each is applied once"
    assert len(runs) <= 3, json.dumps(runs)


def test_nothing_runs_without_a_change(namespace: Namespace, daemon: Daemon) -> None:
    namespace.apply(gateway("quiet"))
    namespace.wait_ready("quiet")
    runs = len(daemon.events("engine ran", namespace=namespace.name))

    namespace.kubectl("label", "aigateway", "quiet", "team=red")
    namespace.kubectl("annotate", "deployment", "quiet", "note=mine")
    namespace.apply(gateway("marker"))
    namespace.wait_ready("marker")

    later = daemon.events("engine ran", namespace=namespace.name)[runs:]
    assert [run["applied"] for run in later] == [["marker"]]
    assert namespace.existing("Deployment", "quiet")["metadata"]["annotations"]["note"] == "mine"
