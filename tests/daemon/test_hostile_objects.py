"""What a tenant may write in a namespace of its own holds up nobody, the tenant's own gateways among them."""

import json
from typing import Any

import psutil

from gateway_components.kube.resources import CONFIG_MAPS, CUSTOM_RESOURCES, DEPLOYMENTS, Resource
from tests.daemon.harness import PATCH_ANNOTATION, Daemon, Namespace
from tests.daemon.manifests import gateway


def create(place: Namespace, resource: Resource, text: str) -> None:
    """Create an object as it is written; kubectl reads nothing of it."""
    place.lab.kubectl("create", "--raw", resource.collection(place.name), "-f", "-", input=text)


def with_fields(manifest: dict[str, Any], manager: str, fields: str) -> str:
    """Return an object with what it says about the fields of a manager."""
    entry = {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": manifest["apiVersion"],
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": "FIELDS",
    }
    metadata = {**manifest["metadata"], "managedFields": [entry]}
    return json.dumps({**manifest, "metadata": metadata}).replace('"FIELDS"', fields)


def config_map(name: str) -> dict[str, Any]:
    patch = "litellm_settings:\n  request_timeout: 77\n"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {"patch.yaml": patch},
    }


def deep(levels: int) -> str:
    return '{"f:data":' * levels + "{}" + "}" * levels


def deployment(name: str, value: str) -> dict[str, Any]:
    container = {"name": "c", "image": "example.com/image", "env": [{"name": "LARGE", "value": value}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
    }


def test_deep_and_large_objects_hold_up_nobody(namespace: Namespace, daemon: Daemon) -> None:
    create(namespace, CONFIG_MAPS, with_fields(config_map("deep"), "anybody", deep(1100)))
    create(namespace, CONFIG_MAPS, with_fields(config_map("deeper"), "litellm-gateways", deep(9900)))
    create(
        namespace,
        CONFIG_MAPS,
        with_fields(config_map("deep-value"), "litellm-gateways", json.dumps({f"v:{'[' * 3000}": {}})),
    )
    create(namespace, DEPLOYMENTS, json.dumps(deployment("large", "<" * 800_000)))

    namespace.apply(gateway("patched", annotations={PATCH_ANNOTATION: "deep"}), gateway("plain"))
    namespace.wait_ready("plain")
    namespace.wait_config("patched", "request_timeout: 77")
    assert daemon.process.poll() is None

    namespace.kubectl("patch", "configmap", "deep", "--type=merge", "-p", json.dumps({"data": {"x": "y"}}))
    namespace.apply(gateway("patched", "edited", annotations={PATCH_ANNOTATION: "deeper"}))
    namespace.wait_config("patched", "openai/edited")
    assert "Traceback" not in daemon.text()
    assert not daemon.events("internal error")
    reported = {event["name"] for event in daemon.events("unreadable object")}
    assert {"deep", "deeper"} <= reported, "what cannot be read of an object is said"


def nested(levels: int, name: str, leaves: int) -> str:
    fields: dict[str, Any] = {f"f:{number}": {} for number in range(leaves)}
    for _ in range(levels):
        fields = {f"f:{name}": fields}
    return json.dumps(fields)


def test_what_grows_in_memory_is_left_out_and_reported(namespace: Namespace, daemon: Daemon) -> None:
    paths = nested(90, "a" * 10_000, 20_000)
    create(namespace, CONFIG_MAPS, with_fields(config_map("paths"), "litellm-gateways", paths))
    items = gateway("items")
    items["spec"]["envFrom"] = [{}] * 400_000
    create(namespace, CUSTOM_RESOURCES["AiGateway"], json.dumps(items))

    namespace.apply(gateway("plain"))
    namespace.wait_ready("plain")
    message = "it holds more than 20000 values"
    namespace.wait_reason("items", "ConfigGenerationFailed", contains=message)
    memory = psutil.Process(daemon.process.pid).memory_info().rss
    assert memory < 1024**3, "each took gigabytes"
