"""What `pulumi up` over manifests leaves in its state, beside what the daemon leaves of the same manifests."""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

from gateway_components.components.objects import MADE_BY
from gateway_components.plan.objects import SETTINGS
from lab import ControlPlane
from tests.daemon.harness import GATEWAYCTL, Daemon, fresh_namespace
from tests.pulumi_cli import PulumiProject
from tests.stack.texts import GROUP, ROUTES, TOOL_SERVER, tool_gateway

MANIFESTS = f"""\
apiVersion: {GROUP}
kind: AiGateway
metadata: {{name: chat}}
spec:
  aiGatewayClassName: litellm
  aiModels: [{{name: gpt-4o, provider: openai}}]
  commonMetadata: {{labels: {{team: a}}, annotations: {{seen: "yes"}}}}
---
{tool_gateway("tools")}---
{TOOL_SERVER}---
{ROUTES}"""

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
    done = subprocess.run(
        [GATEWAYCTL, "stack", "export", namespace, "--install-namespace", "default"],
        env={**os.environ, "KUBECONFIG": str(lab.kubeconfig)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["deployment"]["resources"]


def test_stack_and_daemon_have_the_same_state(
    cluster_project: PulumiProject, lab: ControlPlane, lab_namespace: str, daemon: Daemon
) -> None:
    file = cluster_project.folder / "manifests" / "all.yaml"
    file.write_text(MANIFESTS)
    cluster_project.up("--skip-preview")
    by_stack = comparable(cluster_project.resources().values(), lab_namespace)
    with fresh_namespace(lab) as place:
        place.kubectl("apply", "-f", str(file))
        place.wait_ready("tools", "ToolGateway")
        place.wait_ready("chat")
        for route in ("files", "weather"):
            place.wait_route(route, "Reconciled")
        by_daemon = comparable(exported(lab, place.name), place.name)
    kinds = sorted(key.partition("::")[0].rpartition(":")[2] for key in by_stack)
    twice = ["ConfigMap", "Deployment", "Service", "ToolRoute"]
    assert kinds == sorted(["AiGateway", "ToolGateway", *twice, *twice])
    assert by_stack == by_daemon
