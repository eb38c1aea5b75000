from typing import Any

import pulumi

from gateway_components.components.companions import companion
from tests.components.recorder import SECRET, Recorder, run

METADATA = {"name": "keys", "namespace": "team-a", "labels": {"my_label": "a", "api_version": "b"}}


def registered(manifest: dict[str, Any]) -> Recorder:
    return run(lambda: companion(manifest, pulumi.ResourceOptions()).metadata)


def test_a_config_map_is_registered_as_it_is_written() -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": METADATA,
        "data": {"patch.yaml": "a: 1\n", "snake_key": "b"},
        "binaryData": {"b": "AA=="},
        "immutable": False,
    }
    assert registered(manifest).inputs("ConfigMap") == manifest


def test_values_of_a_secret_are_sent_as_secrets() -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": METADATA,
        "data": {"a": "aHVudGVyMg=="},
        "stringData": {"b": "hunter3"},
    }
    inputs = registered(manifest).inputs("Secret")
    assert SECRET in inputs["data"]
    assert SECRET in inputs["stringData"]
    assert {key: inputs[key] for key in ("type", "metadata")} == {"type": "Opaque", "metadata": METADATA}


def test_the_copy_that_kubectl_keeps_of_a_secret_is_dropped() -> None:
    copy = "kubectl.kubernetes.io/last-applied-configuration"
    annotations = {copy: '{"data": {"a": "aHVudGVyMg=="}}', "team": "a"}
    manifest = {"kind": "Secret", "metadata": {**METADATA, "annotations": annotations}}
    assert registered(manifest).inputs("Secret")["metadata"]["annotations"] == {"team": "a"}
