"""Paths of the resources that are read and written."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway_components.crds.kinds import KINDS

__all__ = [
    "AI_GATEWAYS",
    "CONFIG_MAPS",
    "CUSTOM_RESOURCES",
    "DEPLOYMENTS",
    "EVENTS",
    "LEASES",
    "NAMESPACES",
    "PODS",
    "REPLICA_SETS",
    "SECRETS",
    "SERVICES",
    "Resource",
]


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object as the API server knows it.

    Attributes
    ----------
    kind
        Name of the kind.
    group_path
        ``/api/v1`` or ``/apis/GROUP/VERSION``.
    plural
        Name in paths.
    namespaced
        Whether its objects live in namespaces.
    """

    kind: str
    group_path: str
    plural: str
    namespaced: bool = True

    @property
    def group(self) -> str:
        """Name of the API group, as roles write it; empty for the oldest one."""
        return self.group_path.removeprefix("/apis/").rpartition("/")[0].removeprefix("/api")

    def collection(self, namespace: str | None = None) -> str:
        """Return the path of all objects, or of those in one namespace; what lives in none has one path alone."""
        scope = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"{self.group_path}{scope}/{self.plural}"

    def item(self, namespace: str | None, name: str) -> str:
        """Return the path of one object."""
        return f"{self.collection(namespace)}/{name}"


CUSTOM_RESOURCES: Mapping[str, Resource] = MappingProxyType(
    {
        kind.kind: Resource(kind.kind, f"/apis/{kind.api_version}", kind.plural, kind.namespaced)
        for kind in KINDS.values()
    }
)
"""Every kind of ours, by its name in manifests."""

AI_GATEWAYS = CUSTOM_RESOURCES["AiGateway"]
NAMESPACES = Resource("Namespace", "/api/v1", "namespaces", namespaced=False)
CONFIG_MAPS = Resource("ConfigMap", "/api/v1", "configmaps")
SECRETS = Resource("Secret", "/api/v1", "secrets")
SERVICES = Resource("Service", "/api/v1", "services")
PODS = Resource("Pod", "/api/v1", "pods")
REPLICA_SETS = Resource("ReplicaSet", "/apis/apps/v1", "replicasets")
DEPLOYMENTS = Resource("Deployment", "/apis/apps/v1", "deployments")
EVENTS = Resource("Event", "/apis/events.k8s.io/v1", "events")
LEASES = Resource("Lease", "/apis/coordination.k8s.io/v1", "leases")
