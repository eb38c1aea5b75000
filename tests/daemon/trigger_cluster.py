"""A cluster without a server: its objects, and what their changes woke."""

from typing import Any

from gateway_components.daemon.projections import PROJECTIONS, object_state
from gateway_components.daemon.triggers import Triggers, Wake
from gateway_components.kube import resources
from gateway_components.kube.reflector import Change
from gateway_components.kube.resources import CUSTOM_RESOURCES, Resource
from gateway_components.plan.keys import Reference, Subject
from tests.daemon.manifests import gateway, guard, provider, reference, tool_gateway, tool_route, tool_server

__all__ = ["Cluster", "filled_cluster", "plain", "tool_class"]

_OTHERS = {
    resource.kind: resource
    for resource in (resources.SECRETS, resources.CONFIG_MAPS, resources.SERVICES, resources.NAMESPACES)
}


class Cluster:
    """Objects, and what their changes woke."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Any] = {}
        self.dirty: list[str] = []
        self.leaving: list[str] = []
        self.gone: list[Subject] = []
        self.unused: list[Reference] = []
        self.stored: list[str] = []
        self.version = 0
        self.triggers = Triggers(
            lambda ref: self.objects.get((ref.kind, ref.namespace, ref.name)),
            lambda key: self.objects.get((key.kind, key.namespace, key.name)),
            Wake(
                self.dirty.append,
                self.leaving.append,
                self.gone.append,
                self.stored.append,
            ),
            self.unused.append,
        )

    def put(self, namespace: str, *manifests: dict[str, Any]) -> None:
        """Create or change objects."""
        for manifest in manifests:
            self.version += 1
            kind, name = manifest["kind"], manifest["metadata"]["name"]
            metadata = {
                "uid": f"{kind}/{namespace}/{name}",
                "generation": self.version,
                "resourceVersion": str(self.version),
                **manifest["metadata"],
                "namespace": namespace,
            }
            project = PROJECTIONS.get(kind, object_state)
            self._set(kind, namespace, name, project({**manifest, "metadata": metadata}))

    def delete(self, kind: str, namespace: str, name: str) -> None:
        self._set(kind, namespace, name, None)

    def set_namespace(self, name: str, leaving: bool | None) -> None:
        self._set("Namespace", "", name, leaving)

    def woken(self) -> list[str]:
        """Return the namespaces marked since the last time, sorted, each as often as it was marked."""
        woken, self.dirty[:] = sorted(self.dirty), []
        return woken

    def _set(self, kind: str, namespace: str, name: str, new: Any) -> None:
        resource: Resource = CUSTOM_RESOURCES.get(kind) or _OTHERS[kind]
        old = self.objects.pop((kind, namespace, name), None)
        if new is not None:
            self.objects[kind, namespace, name] = new
        self.triggers.changed(Change(resource, (namespace, name), old, new))


def plain(kind: str, name: str) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name}}


def tool_class(**metadata: Any) -> dict[str, Any]:
    return {
        "kind": "ToolGatewayClass",
        "metadata": {"name": "litellm", **metadata},
        "spec": {"controller": "c"},
    }


def filled_cluster() -> Cluster:
    """Return a cluster in which everything refers to something of another namespace."""
    filled = Cluster()
    guarded = [reference("guards/pii")]
    filled.put("tools", tool_gateway("main", guardrails=guarded), tool_gateway("bare"))
    filled.put("models", gateway("chat", guardrails=guarded))
    filled.put("guards", guard("pii", "providers/presidio"))
    filled.put("providers", provider("presidio"))
    filled.put("routes", tool_route("r", "tools/main", server="servers/s"), tool_route("detached"))
    filled.put("servers", tool_server("s"))
    filled.woken()
    return filled
