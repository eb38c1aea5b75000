"""The daemon's permissions and their reasons, from which the roles in deploy/ are generated.

They include those of the engine's Kubernetes provider, which uses the daemon's credentials.
"""

from dataclasses import dataclass
from enum import Enum

from gateway_components.api.kinds import GATEWAY_KINDS, KINDS
from gateway_components.kube.install_secrets import PASSPHRASE_SECRET
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

LEASE = "litellm-gateways"
"""Name of the Lease of leader election."""

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
    """Verbs on resources, and in one line why they are needed.

    Attributes
    ----------
    subresource
        The part of the object that is meant, such as ``status``; empty for the object.
    names
        Names of the only objects that are meant; none for all.
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
