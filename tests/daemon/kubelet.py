"""A kubelet whose pods are as a test says."""

from collections.abc import Mapping
from typing import Any

from lab import wait_until
from tests.daemon.harness import SECONDS, Namespace


class Kubelet:
    """Stands in for the kubelet of a node that is not simulated: its pods are as a test says.

    Parameters
    ----------
    namespace, name
        A gateway; the pods of its newest template come to that node, and older ones stay where they are.
    """

    def __init__(self, namespace: Namespace, name: str) -> None:
        self._namespace = namespace
        self._name = name
        self._pods = f"/api/v1/namespaces/{namespace.name}/pods"
        self._choose_node({"lab": "elsewhere"})

    def bind(self) -> str:
        """Take the pod that no other node takes, and return its name."""
        name: str = wait_until(self._unscheduled, timeout=SECONDS, what="a pod without a node")
        self._namespace.lab.api.create(
            f"{self._pods}/{name}/binding",
            {
                "apiVersion": "v1",
                "kind": "Binding",
                "metadata": {"name": name},
                "target": {"apiVersion": "v1", "kind": "Node", "name": "elsewhere"},
            },
        )
        return name

    def report(self, pod: str, status: Mapping[str, Any]) -> None:
        """Write the status of a pod."""
        self._namespace.lab.api.merge(f"{self._pods}/{pod}/status", {"status": dict(status)}, "kubelet")

    def leave(self) -> None:
        """Let other nodes run the gateway again."""
        self._choose_node(None)

    def _choose_node(self, labels: Mapping[str, str] | None) -> None:
        pods = {"spec": {"template": {"spec": {"nodeSelector": labels}}}}
        self._namespace.patch("Deployment", self._name, pods)

    def _unscheduled(self) -> str | None:
        found = self._namespace.lab.api.get(f"{self._pods}?labelSelector=app={self._name}") or {"items": []}
        names = (pod["metadata"]["name"] for pod in found["items"] if not pod["spec"].get("nodeName"))
        return next(names, None)
