"""The daemon's permissions and their reasons, and the service account and roles that are generated from them.

They include those of the engine's Kubernetes provider, which uses the daemon's credentials.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from gateway_components.api.kinds import GATEWAY_KINDS, KINDS
from gateway_components.install.options import NAME, Installation, Manifest, manifest
from gateway_components.kube.install_secrets import PASSPHRASE_SECRET, record_name
from gateway_components.kube.lease import LEASE
from gateway_components.kube.resources import (
    CONFIG_MAPS,
    CUSTOM_RESOURCES,
    DEPLOYMENTS,
    EVENTS,
    LEASES,
    NAMESPACES,
    PODS,
    REPLICA_SETS,
    SECRETS,
    SERVICES,
    SUBJECT_ACCESS_REVIEWS,
    TOKEN_REVIEWS,
    Resource,
)

_OURS = tuple(CUSTOM_RESOURCES[kind.kind] for kind in KINDS.values() if kind.namespaced)
_CLASSES = tuple(CUSTOM_RESOURCES[kind.kind] for kind in KINDS.values() if not kind.namespaced)
_REPORTED = tuple(CUSTOM_RESOURCES[kind.kind] for kind in KINDS.values() if kind.conditions)
_GATEWAYS = tuple(CUSTOM_RESOURCES[kind] for kind in GATEWAY_KINDS)


class Place(Enum):
    """Where a permission is needed."""

    GATEWAYS = "in every watched namespace"
    NAMESPACES = "for every watched namespace, by its name"
    CLUSTER = "for cluster-scoped objects"
    INSTALL = "in the namespace of the daemon"
    NOTES = "in the namespace of the daemon, for every watched namespace"
    METRICS = "for the whole cluster, where metrics require authorization"


@dataclass(frozen=True, slots=True)
class Permission:
    """Verbs on resources, or a part of them such as ``status``, and in one line why they are needed.

    The `names` are those of the only objects that are meant; none for all.
    """

    resources: tuple[Resource, ...]
    verbs: tuple[str, ...]
    why: str
    place: Place = Place.GATEWAYS
    subresource: str = ""
    names: tuple[str, ...] = ()


PERMISSIONS = (
    Permission(
        _CLASSES,
        ("get", "list", "watch"),
        "which gateways are ours; missing classes are looked up",
        Place.CLUSTER,
    ),
    Permission((NAMESPACES,), ("list", "watch"), "whether a namespace is being deleted", Place.NAMESPACES),
    Permission(_OURS, ("list", "watch"), "the desired state"),
    Permission(_GATEWAYS, ("get",), "whether a gateway that is missing from a list is gone"),
    Permission(_REPORTED, ("patch",), "conditions and URLs", subresource="status"),
    Permission(
        _GATEWAYS,
        ("update",),
        "owner references that block deletion, where OwnerReferencesPermissionEnforcement is on",
        subresource="finalizers",
    ),
    Permission(
        (CONFIG_MAPS, DEPLOYMENTS, SERVICES),
        ("list", "watch"),
        "readiness, drift, and whose an object is; of ConfigMaps and Services the metadata alone",
    ),
    Permission(
        (CONFIG_MAPS, DEPLOYMENTS, SERVICES),
        ("get", "create", "patch"),
        "server-side apply of a gateway's objects; config patches are read",
    ),
    Permission((REPLICA_SETS, PODS), ("list",), "why the pods of a gateway that is not ready do not come"),
    Permission((SECRETS,), ("list", "watch"), "that a Secret changed: the metadata alone"),
    Permission(
        (SECRETS,),
        ("get",),
        "digests of the credentials that gateways use, so that pods restart with new ones; the state",
    ),
    Permission(
        (SECRETS,),
        ("create", "patch", "delete"),
        "the engine's state in Secrets litellm-gateways-state*; parts of a large one bear digests as names",
    ),
    Permission(
        (EVENTS,), ("create", "get", "patch"), "events about gateways and routes; repetitions are counted"
    ),
    Permission((LEASES,), ("create",), "leader election", Place.INSTALL),
    Permission((LEASES,), ("get", "patch"), "leader election", Place.INSTALL, names=(LEASE,)),
    Permission(
        (SECRETS,), ("create",), "the passphrase of the state; which states are the latest", Place.INSTALL
    ),
    Permission(
        (SECRETS,),
        ("get", "patch"),
        "the passphrase of the state; an emptied one is replaced",
        Place.INSTALL,
        names=(PASSPHRASE_SECRET,),
    ),
    Permission(
        (SECRETS,),
        ("get", "patch", "delete"),
        "which state of a namespace was written last",
        Place.NOTES,
    ),
    Permission((TOKEN_REVIEWS,), ("create",), "who asks for metrics", Place.METRICS),
    Permission((SUBJECT_ACCESS_REVIEWS,), ("create",), "whether they may see metrics", Place.METRICS),
)


_API = "rbac.authorization.k8s.io"


def service_account(installation: Installation) -> Manifest:
    """Return the service account of the daemon."""
    return manifest("ServiceAccount", installation.namespace)


def rbac(installation: Installation) -> list[Manifest]:
    """Return the least-privilege roles and bindings of an installation.

    For all namespaces there is one ClusterRole; for chosen ones a Role in each, and a ClusterRole for cluster-scoped
    objects.
    """
    chosen = installation.namespaces
    everywhere = [Place.CLUSTER, Place.NAMESPACES]
    if not chosen:
        everywhere.append(Place.GATEWAYS)
    if installation.metrics_auth:
        everywhere.append(Place.METRICS)
    objects = [
        _role("ClusterRole", None, [_for(permission, chosen) for permission in _of(*everywhere)]),
        _binding("ClusterRole", None, installation),
    ]
    # A namespace named twice gets one Role.
    for namespace in dict.fromkeys(chosen):
        objects += [
            _role("Role", namespace, _of(Place.GATEWAYS)),
            _binding("Role", namespace, installation),
        ]
    # The ClusterRole grants them otherwise.
    notes = [_for(permission, chosen) for permission in _of(Place.NOTES)] if chosen else []
    own = [*_of(Place.INSTALL), *notes]
    # With a name of its own: the daemon's namespace may be a chosen one.
    return [
        *objects,
        _role("Role", installation.namespace, own, f"{NAME}-daemon"),
        _binding("Role", installation.namespace, installation, f"{NAME}-daemon"),
    ]


def metrics_reader(installation: Installation) -> list[Manifest]:
    """Return the ClusterRole to bind to scrapers of the metrics; nothing if anybody may read them."""
    if not installation.metrics_auth:
        return []
    role = _role("ClusterRole", None, (), f"{NAME}-metrics-reader")
    return [{**role, "rules": [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]}]


def rules(permission: Permission) -> list[Manifest]:
    """Return the rules that grant a permission, one for each API group."""
    subresource = f"/{permission.subresource}" if permission.subresource else ""
    names = {"resourceNames": list(permission.names)} if permission.names else {}
    groups = dict.fromkeys(resource.group for resource in permission.resources)
    return [
        {
            "apiGroups": [group],
            "resources": [
                f"{resource.plural}{subresource}"
                for resource in permission.resources
                if resource.group == group
            ],
            **names,
            "verbs": list(permission.verbs),
        }
        for group in groups
    ]


def purpose(rule: Manifest) -> str:
    """Return the purpose of a rule of an installation; empty for any other rule."""
    if "nonResourceURLs" in rule:
        return "reading the metrics; bind it to scrapers"
    for permission in PERMISSIONS:
        # The table does not know the chosen namespaces.
        by_namespace = permission.place in (Place.NAMESPACES, Place.NOTES)
        names = rule.get("resourceNames") if by_namespace else permission.names
        if rule in rules(replace(permission, names=tuple(names or ()))):
            return permission.why
    return ""


def _of(*places: Place) -> list[Permission]:
    return [permission for permission in PERMISSIONS if permission.place in places]


def _for(permission: Permission, namespaces: tuple[str, ...]) -> Permission:
    names = tuple(dict.fromkeys(namespaces))
    if permission.place is Place.NOTES:
        return replace(permission, names=tuple(map(record_name, names)))
    return replace(permission, names=names) if permission.place is Place.NAMESPACES else permission


def _role(kind: str, namespace: str | None, permissions: Iterable[Permission], name: str = NAME) -> Manifest:
    granted = [rule for permission in permissions for rule in rules(permission)]
    return manifest(kind, namespace, name, api=f"{_API}/v1", rules=granted)


def _binding(role: str, namespace: str | None, installation: Installation, name: str = NAME) -> Manifest:
    subject = {"kind": "ServiceAccount", "name": NAME, "namespace": installation.namespace}
    reference = {"apiGroup": _API, "kind": role, "name": name}
    return manifest(
        f"{role}Binding", namespace, name, api=f"{_API}/v1", roleRef=reference, subjects=[subject]
    )
