"""The resources that are read and written, and the only place that builds their paths."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NewType
from urllib.parse import quote

from gateway_components.api.kinds import KINDS
from gateway_components.api.meta import API_VERSION
from gateway_components.identity import Identity
from gateway_components.kube.errors import ImpossibleNameError

ApiPath = NewType("ApiPath", str)
"""Path of a request; the client accepts no plain text."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object in the API, below ``/api/v1`` or ``/apis/GROUP/VERSION``, and its name in paths.

    Paths raise ImpossibleNameError for a name that nothing can have.
    """

    kind: str
    group_path: str
    plural: str
    namespaced: bool = True

    @property
    def group(self) -> str:
        """Name of the API group as in roles; empty for the core group."""
        return self.group_path.removeprefix("/apis/").rpartition("/")[0].removeprefix("/api")

    @property
    def discovery(self) -> ApiPath:
        """Path of API discovery for the group."""
        return ApiPath(self.group_path)

    def collection(self, namespace: str | None = None) -> ApiPath:
        """Return the path of all objects, or of those in one namespace."""
        scope = f"/namespaces/{_segment(namespace)}" if namespace and self.namespaced else ""
        return ApiPath(f"{self.group_path}{scope}/{self.plural}")

    def item(self, namespace: str | None, name: str, subresource: str = "") -> ApiPath:
        """Return the path of one object, or of its subresource."""
        below = f"/{subresource}" if subresource else ""
        return ApiPath(f"{self.collection(namespace)}/{_segment(name)}{below}")


def _segment(name: str) -> str:
    # Even escaped, a proxy may resolve such a segment (RFC 3986, 5.2.4).
    if name in _WAYS:
        raise ImpossibleNameError(name)
    return quote(name, safe="", errors="surrogatepass")


_WAYS = frozenset(("", ".", ".."))
API_GROUPS = ApiPath("/apis")
"""Path of the list of API groups."""


CUSTOM_RESOURCES: Mapping[str, Resource] = MappingProxyType(
    {
        kind.kind: Resource(kind.kind, f"/apis/{API_VERSION}", kind.plural, kind.namespaced)
        for kind in KINDS.values()
    }
)
"""Our kinds by name."""

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
TOKEN_REVIEWS = Resource("TokenReview", "/apis/authentication.k8s.io/v1", "tokenreviews", namespaced=False)
SUBJECT_ACCESS_REVIEWS = Resource(
    "SubjectAccessReview", "/apis/authorization.k8s.io/v1", "subjectaccessreviews", namespaced=False
)

_RESOURCES = {
    **CUSTOM_RESOURCES,
    **{resource.kind: resource for resource in (CONFIG_MAPS, DEPLOYMENTS, SECRETS, SERVICES)},
}


def object_path(key: Identity) -> ApiPath:
    """Return the path of a custom resource, or of an object that one owns or refers to."""
    return _RESOURCES[key.kind].item(key.namespace, key.name)
