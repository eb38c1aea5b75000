"""The objects that run a gateway, field by field."""

from collections.abc import Mapping
from typing import Any

import pytest

from gateway_components.api.gateways import AiGateway
from gateway_components.identity import Identity
from gateway_components.plan.generate import generate
from gateway_components.plan.objects import GatewayObjects
from gateway_components.plan.snapshot import Content
from tests.plan.make import API_VERSION, gateway, patch_contents

CONFIG_HASH = "runtime.agentic-layer.ai/config-hash"
SECRET_HASH = "runtime.agentic-layer.ai/secret-hash"
CONFINED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
OWNERS = [
    {
        "apiVersion": API_VERSION,
        "kind": "AiGateway",
        "name": "example",
        "uid": "uid-1",
        "controller": True,
        "blockOwnerDeletion": True,
    }
]


def _objects(found: AiGateway | None = None) -> GatewayObjects:
    return generate(found or gateway(), {}, {}, {}).objects


def _template(objects: GatewayObjects) -> Mapping[str, Any]:
    template: Mapping[str, Any] = objects.deployment["spec"]["template"]
    return template


def _probe(path: str, delay: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http"},
        "initialDelaySeconds": delay,
        "periodSeconds": 10,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def test_config_map_has_exactly_the_fields_of_the_specification() -> None:
    config_map = _objects().config_map
    assert list(config_map.pop("data") if isinstance(config_map, dict) else ()) == ["config.yaml"]
    assert config_map == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "example-config",
            "namespace": "team",
            "labels": {"app": "example"},
            "ownerReferences": OWNERS,
        },
    }


def test_service_has_exactly_the_fields_of_the_specification() -> None:
    assert _objects().service == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "example",
            "namespace": "team",
            "labels": {"app": "example"},
            "ownerReferences": OWNERS,
        },
        "spec": {
            "type": "ClusterIP",
            "selector": {"app": "example"},
            "ports": [{"name": "http", "port": 80, "targetPort": 80}],
        },
    }


def test_during_a_handover_the_service_targets_a_named_port() -> None:
    own = _objects()
    both = own.handing_over
    assert both.service["spec"]["ports"] == [{"name": "http", "port": 80, "targetPort": "http"}]
    assert both.deployment["metadata"]["annotations"] == {"runtime.agentic-layer.ai/handing-over": "true"}
    assert both.deployment["spec"] == own.deployment["spec"], "the pods are those that stay"
    assert both.config_map == own.config_map
    assert both.digest != own.digest
    assert own.packed.handing_over == both
    assert own.packed.handing_over.packed_bytes, "what is kept of it is small all the same"


def test_deployment_has_exactly_the_fields_of_the_specification() -> None:
    deployment = _objects().deployment
    template = deployment["spec"]["template"]
    assert deployment == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "example",
            "namespace": "team",
            "labels": {"app": "example"},
            "ownerReferences": OWNERS,
        },
        "spec": {"selector": {"matchLabels": {"app": "example"}}, "template": template},
    }
    assert template["metadata"]["labels"] == {"app": "example"}
    assert set(template["metadata"]["annotations"]) == {CONFIG_HASH, SECRET_HASH}
    assert template["spec"] == {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": template["spec"]["containers"],
        "volumes": [
            {"name": "config", "configMap": {"name": "example-config"}},
            {"name": "prometheus-multiproc", "emptyDir": {}},
            {"name": "litellm-tmp", "emptyDir": {}},
        ],
        "securityContext": {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]},
    }


def test_container_has_exactly_the_fields_of_the_specification() -> None:
    (container,) = _template(_objects())["spec"]["containers"]
    env = container.pop("env")
    assert [entry["name"] for entry in env] == ["OPENAI_API_KEY", "PROMETHEUS_MULTIPROC_DIR"]
    assert container == {
        "name": "litellm",
        "image": "ghcr.io/berriai/litellm:v1.83.14-stable.patch.2",
        "command": ["litellm", "--config", "/app/config/config.yaml", "--port", "80"],
        "ports": [{"name": "http", "containerPort": 80}],
        "resources": {
            "requests": {"memory": "250M", "cpu": "100m"},
            "limits": {"memory": "2G", "cpu": "500m"},
        },
        "livenessProbe": _probe("/health/liveliness", 30, 10),
        "readinessProbe": _probe("/health/readiness", 5, 3),
        "volumeMounts": [
            {"name": "config", "mountPath": "/app/config", "readOnly": True},
            {"name": "prometheus-multiproc", "mountPath": "/prometheus_multiproc"},
            {"name": "litellm-tmp", "mountPath": "/tmp"},  # noqa: S108
        ],
        "securityContext": {
            **CONFINED,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "runAsGroup": 65534,
        },
    }


SOURCE = Identity("Secret", "team", "more")
DATABASES: tuple[tuple[dict[str, Any], Mapping[Identity, Content], str], ...] = (
    ({"env": [{"name": "DATABASE_URL", "value": "postgresql://a"}]}, {}, "a variable"),
    ({"env": [{"name": "DATABASE_HOST", "value": "a"}]}, {}, "a part of the address"),
    (
        {"envFrom": [{"secretRef": {"name": "more"}}]},
        {SOURCE: Content("d", keys=frozenset({"DATABASE_URL"}))},
        "a key of a source",
    ),
    ({"envFrom": [{"secretRef": {"name": "more"}}]}, {}, "a source of which nothing is known"),
    (
        {"patch": "patch"},
        patch_contents("general_settings: {database_url: os.environ/DB}"),
        "the configuration",
    ),
    (
        {"patch": "patch"},
        patch_contents("environment_variables: {DATABASE_URL: 'postgresql://a'}"),
        "a variable that the configuration sets",
    ),
)


@pytest.mark.parametrize(("spec", "contents", "why"), DATABASES, ids=[case[2] for case in DATABASES])
def test_a_proxy_with_a_database_keeps_its_user_and_folder(
    spec: dict[str, Any], contents: Mapping[Identity, Content], why: str
) -> None:
    pod = _template(generate(gateway(**spec), contents, {}, {}).objects)["spec"]
    (container,) = pod["containers"]
    assert container["securityContext"] == CONFINED, why
    assert [volume["name"] for volume in pod["volumes"]] == ["config", "prometheus-multiproc"]
    assert [mount["name"] for mount in container["volumeMounts"]] == ["config", "prometheus-multiproc"]


NO_DATABASES: tuple[tuple[dict[str, Any], Mapping[Identity, Content], str], ...] = (
    (
        {"envFrom": [{"secretRef": {"name": "more"}}]},
        {SOURCE: Content("d", keys=frozenset({"TOKEN"}))},
        "a source without one",
    ),
    (
        {"envFrom": [{"secretRef": {"name": "more"}, "prefix": "MY_"}]},
        {},
        "an unknown source with another prefix",
    ),
    (
        {"patch": "patch"},
        patch_contents("general_settings: {database_url: null}"),
        "none in the configuration",
    ),
    ({"patch": "patch"}, patch_contents("general_settings: []"), "a configuration of another shape"),
)


@pytest.mark.parametrize(("spec", "contents", "why"), NO_DATABASES, ids=[case[2] for case in NO_DATABASES])
def test_a_proxy_without_a_database_runs_as_nobody(
    spec: dict[str, Any], contents: Mapping[Identity, Content], why: str
) -> None:
    (container,) = _template(generate(gateway(**spec), contents, {}, {}).objects)["spec"]["containers"]
    assert container["securityContext"]["runAsUser"] == 65534, why


def test_an_unprivileged_port_needs_no_sysctl() -> None:
    assert "securityContext" not in _template(_objects(gateway(port=1024)))["spec"]
    assert "securityContext" in _template(_objects(gateway(port=1023)))["spec"]


def test_replicas_are_left_to_the_autoscaler() -> None:
    assert "replicas" not in _objects().deployment["spec"]


def test_port_reaches_container_command_service_and_url() -> None:
    objects = _objects(gateway(port=4000))
    (container,) = _template(objects)["spec"]["containers"]
    assert container["ports"] == [{"name": "http", "containerPort": 4000}]
    assert container["command"][-2:] == ["--port", "4000"]
    assert objects.service["spec"]["ports"] == [{"name": "http", "port": 4000, "targetPort": 4000}]
    assert objects.url == "http://example.team.svc.cluster.local:4000"


def test_url_leaves_out_the_port_of_http() -> None:
    assert _objects().url == "http://example.team.svc.cluster.local"


def test_without_a_uid_nothing_owns_the_objects() -> None:
    for manifest in _objects(gateway(uid=None)).manifests:
        assert "ownerReferences" not in manifest["metadata"]


def test_env_from_stays_verbatim_and_in_its_order() -> None:
    origins = [
        {"prefix": "P_", "secretRef": {"name": "z", "optional": True}},
        {"configMapRef": {"name": "a"}},
        {"configMapRef": {"name": "a"}},
    ]
    (container,) = _template(_objects(gateway(envFrom=origins)))["spec"]["containers"]
    assert container["envFrom"] == origins


COMMON = {
    "labels": {"a": "common", "b": "common", "app": "mine"},
    "annotations": {"c": "common", "d": "common"},
}
POD = {"labels": {"b": "pod", "app": "mine too"}, "annotations": {"d": "pod", CONFIG_HASH: "mine"}}


def test_only_common_metadata_goes_to_deployment_and_service() -> None:
    objects = _objects(gateway(commonMetadata=COMMON, podMetadata=POD))
    for manifest in (objects.deployment, objects.service):
        assert manifest["metadata"]["labels"] == {"a": "common", "b": "common", "app": "example"}
        assert manifest["metadata"]["annotations"] == {"c": "common", "d": "common"}


def test_our_metadata_beats_pod_metadata_beats_common_metadata() -> None:
    objects = _objects(gateway(commonMetadata=COMMON, podMetadata=POD))
    metadata = _template(objects)["metadata"]
    assert metadata["labels"] == {"a": "common", "b": "pod", "app": "example"}
    annotations = dict(metadata["annotations"])
    assert annotations.pop(CONFIG_HASH) != "mine"
    assert annotations.pop(SECRET_HASH)
    assert annotations == {"c": "common", "d": "pod"}


def test_user_metadata_labels_the_config_map_but_no_selector() -> None:
    objects = _objects(gateway(commonMetadata=COMMON, podMetadata=POD))
    assert objects.deployment["spec"]["selector"] == {"matchLabels": {"app": "example"}}
    assert objects.service["spec"]["selector"] == {"app": "example"}
    assert objects.config_map["metadata"]["labels"] == {**COMMON["labels"], "app": "example"}
    assert "annotations" not in objects.config_map["metadata"]


def test_objects_are_created_in_the_order_they_need_one_another() -> None:
    kinds = [manifest["kind"] for manifest in _objects().manifests]
    assert kinds == ["ConfigMap", "Deployment", "Service"]


@pytest.mark.parametrize(
    "change", [{"port": 81}, {"env": [{"name": "A"}]}, {"podMetadata": {"labels": {"a": "b"}}}]
)
def test_digest_changes_with_any_object_and_only_then(change: dict[str, Any]) -> None:
    assert _objects(gateway(**change)).digest != _objects().digest == _objects(gateway()).digest
