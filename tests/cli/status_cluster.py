"""A control plane on which statuses stay as they are written, and what a command against it leaves."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab import ControlPlane
from tests.daemon.manifests import gateway, guard, provider, tool_gateway, tool_route, tool_server
from tests.graph.make import both, condition

DEPLOY = Path(__file__).parents[2] / "deploy"
READER = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "reader"},
    "rules": [{"apiGroups": ["runtime.agentic-layer.ai"], "resources": ["*"], "verbs": ["list", "watch"]}],
}


@dataclass(frozen=True)
class Done:
    """What a command has left."""

    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Done]


@contextmanager
def reported_cluster() -> Iterator[ControlPlane]:
    """Start a control plane without a daemon, so that statuses stay as they are written here."""
    with ControlPlane.start(crds=[DEPLOY / "crds"], users={"nobody": [], "alice": []}) as lab:
        lab.kubectl("apply", "-f", str(DEPLOY / "classes"))
        for namespace in ("team", "other"):
            lab.kubectl("create", "namespace", namespace)
        apply(lab, "team", READER)
        lab.kubectl("create", "rolebinding", "alice", "--role=reader", "--user=alice", "-n", "team")
        apply(
            lab,
            "team",
            gateway("chat", guardrails=[{"name": "pii"}]),
            guard("pii", "presidio"),
            provider("presidio"),
            tool_route("docs", "other/tools", server="docs"),
            tool_server("docs"),
        )
        apply(lab, "other", tool_gateway("tools"))
        _report(lab, "team", "aigateway/chat", *both("AiGateway", reason="AiGatewayReady"))
        _report(lab, "team", "toolroute/docs", condition("Ready", "False", "UpstreamUnresolved", "no server"))
        yield lab


def apply(lab: ControlPlane, namespace: str, *objects: dict[str, Any]) -> None:
    """Create or change objects of a namespace."""
    lab.kubectl("apply", "-n", namespace, "-f", "-", input=yaml.safe_dump_all(objects))


def _report(lab: ControlPlane, namespace: str, what: str, *conditions: dict[str, Any]) -> None:
    """Write conditions as a controller does."""
    current = [{**entry, "observedGeneration": 1} for entry in conditions]
    patch = json.dumps({"status": {"conditions": current}})
    lab.kubectl("patch", what, "-n", namespace, "--subresource=status", "--type=merge", "-p", patch)
