"""A cluster without a server: its objects, and what their changes woke."""

from typing import Any

from gateway_components.daemon.watch.dependents import Callbacks, Dependents
from gateway_components.daemon.watch.projections import PROJECTIONS, object_state
from gateway_components.identity import Identity
from gateway_components.kube import resources
from gateway_components.kube.reflector import Change
from gateway_components.kube.resources import CUSTOM_RESOURCES, Resource
from tests.daemon.manifests import gateway, guard, provider, reference, tool_gateway, tool_route, tool_server

_OTHERS = {
    resource.kind: resource
    for resource in (resources.SECRETS, resources.CONFIG_MAPS, resources.SERVICES, resources.NAMESPACES)
}


class Cluster:
    """Objects, and what their changes woke."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Any] = {}
        self.manifests: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.dirty: list[str] = []
        self.leaving: list[str] = []
        self.gone: list[Identity] = []
        self.unused: list[Identity] = []
        self.stored: list[str] = []
        self.version = 0
        self.knows_namespaces = False
        self.triggers = Dependents(
            lambda ref: self.objects.get((ref.kind, ref.namespace, ref.name)),
            lambda key: self.objects.get((key.kind, key.namespace, key.name)),
            Callbacks(
                self.dirty.append,
                self.leaving.append,
                self.gone.append,
                self.stored.append,
            ),
            self.unused.append,
            exists=lambda name: not self.knows_namespaces or ("Namespace", "", name) in self.objects,
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
            self.write({**manifest, "metadata": metadata})

    def write(self, manifest: dict[str, Any]) -> None:
        """Create or change an object as it is written."""
        kind, namespace, name = (
            manifest["kind"],
            manifest["metadata"]["namespace"],
            manifest["metadata"]["name"],
        )
        self.manifests[kind, namespace, name] = manifest
        self._set(kind, namespace, name, PROJECTIONS.get(kind, object_state)(manifest))

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
