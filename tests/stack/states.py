"""States of `pulumi up` over manifests and of the daemon, so that they can be compared."""

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from gateway_components.components.objects import MADE_BY
from gateway_components.plan.objects import SETTINGS
from lab import ControlPlane
from tests.gatewayctl import gatewayctl

CONFIG_HASH = "runtime.agentic-layer.ai/config-hash"


def comparable(resources: Iterable[Mapping[str, Any]], namespace: str) -> dict[str, Any]:
    """Return the resources of gateways by type and name, without what only one way to apply them needs."""
    found = (_comparable(resource, namespace) for resource in resources)
    return {key: reported for key, reported in found if key.startswith("gateway-components:")}


def _comparable(resource: Mapping[str, Any], namespace: str) -> tuple[str, Any]:
    text = (
        json.dumps(resource).replace(namespace, "NAMESPACE").replace(namespace.replace("-", "_"), "NAMESPACE")
    )
    known = json.loads(text)
    *_, types, name = known["urn"].split("::")
    inputs = known.get("inputs", {})
    metadata, pods = (
        inputs.get("metadata", {}),
        inputs.get("spec", {}).get("template", {}).get("metadata", {}),
    )
    metadata.pop("ownerReferences", None)
    labels, annotations = metadata.get("labels", {}), metadata.get("annotations", {})
    labels.pop("app.kubernetes.io/managed-by", None)
    for key in (*SETTINGS, MADE_BY):
        annotations.pop(key, None)
    if not annotations:
        metadata.pop("annotations", None)
    # A digest of text that names the namespace.
    pods.get("annotations", {}).pop(CONFIG_HASH, None)
    outputs = None if known.get("custom") else known.get("outputs")
    parent = known.get("parent", "").partition("::")[2].partition("::")[2]
    below = parent if parent.startswith("gateway-components:") else ""
    return f"{types.replace('Patch', '')}::{name}", {"inputs": inputs, "outputs": outputs, "below": below}


def exported(lab: ControlPlane, namespace: str) -> Any:
    """Return the resources in the daemon's state of a namespace."""
    command = ("stack", "export", namespace, "--install-namespace", "default")
    done = gatewayctl(*command, env={**os.environ, "KUBECONFIG": str(lab.kubeconfig)})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["deployment"]["resources"]
