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
    "NAMESPACES",
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
    """

    kind: str
    group_path: str
    plural: str

    def collection(self, namespace: str | None = None) -> str:
        """Return the path of all objects, or of those in one namespace."""
        scope = f"/namespaces/{namespace}" if namespace else ""
        return f"{self.group_path}{scope}/{self.plural}"

    def item(self, namespace: str | None, name: str) -> str:
        """Return the path of one object."""
        return f"{self.collection(namespace)}/{name}"


CUSTOM_RESOURCES: Mapping[str, Resource] = MappingProxyType(
    {kind.kind: Resource(kind.kind, f"/apis/{kind.api_version}", kind.plural) for kind in KINDS.values()}
)
"""Every kind of ours, by its name in manifests."""

AI_GATEWAYS = CUSTOM_RESOURCES["AiGateway"]
NAMESPACES = Resource("Namespace", "/api/v1", "namespaces")
CONFIG_MAPS = Resource("ConfigMap", "/api/v1", "configmaps")
SECRETS = Resource("Secret", "/api/v1", "secrets")
SERVICES = Resource("Service", "/api/v1", "services")
DEPLOYMENTS = Resource("Deployment", "/apis/apps/v1", "deployments")
EVENTS = Resource("Event", "/apis/events.k8s.io/v1", "events")
