"""The input of `plan`: everything it may look at, read beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.aigatewayclass import AiGatewayClass
from gateway_components.crds.guard import Guard
from gateway_components.crds.guardrailprovider import GuardrailProvider
from gateway_components.crds.toolgateway import ToolGateway
from gateway_components.crds.toolgatewayclass import ToolGatewayClass
from gateway_components.crds.toolroute import ToolRoute
from gateway_components.crds.toolserver import ToolServer
from gateway_components.plan.keys import GatewayKey, ObjectKey, Reference, ReferenceKind

__all__ = [
    "RESOURCE_KINDS",
    "Content",
    "ExistingObject",
    "Gateway",
    "GatewayClass",
    "Resource",
    "Resources",
    "Snapshot",
    "Unreadable",
    "UnreadableGateway",
]

Gateway = AiGateway | ToolGateway
"""A gateway of either kind."""

GatewayClass = AiGatewayClass | ToolGatewayClass
"""A class of either kind."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An object that the API server admitted and the models do not understand (a newer CRD, say).

    Attributes
    ----------
    message
        Why, field by field.
    """

    message: str


Resource = Guard | GuardrailProvider | ToolServer | Unreadable
"""An object of ours that a gateway or a route refers to."""

RESOURCE_KINDS: Mapping[str, ReferenceKind] = {
    "Guard": "Guard",
    "GuardrailProvider": "GuardrailProvider",
    "ToolServer": "ToolServer",
}
"""Kinds of these."""

Resources = Mapping[Reference, Resource]
"""What is referred to; a missing key means that the object does not exist."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a plan may know of a referenced Secret or ConfigMap.

    Attributes
    ----------
    digest
        `hashes.content_digest` of keys and values. Of a Secret this is all that is kept: no secret value
        ever reaches a plan.
    data
        Keys and values of a ConfigMap; empty for a Secret.
    """

    digest: str
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExistingObject:
    """An object on the cluster that bears a name some gateway wants.

    Attributes
    ----------
    controller
        ``(apiVersion, kind, name)`` of its controlling owner reference; None where it has none.
    applied
        Whether we applied it: nobody controls one whose owner reference somebody took off, and it is ours still.
    """

    controller: tuple[str, str, str] | None
    applied: bool = False


@dataclass(frozen=True, slots=True)
class UnreadableGateway:
    """A gateway that the API server admitted and the models do not understand (a newer CRD, say).

    Attributes
    ----------
    key, class_name, generation
        What could be read of it.
    message
        Why the rest could not, field by field.
    """

    key: GatewayKey
    class_name: str | None
    generation: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A consistent view of the cluster, or of manifest files, at one moment.

    Attributes
    ----------
    gateways
        The gateways to plan; objects that they own must be in their own namespace.
    classes
        Every class there is.
    routes
        The routes that refer to a gateway of a namespace at hand, and the routes of such a namespace that refer
        to none.
    unreadable_gateways
        Gateways whose content could not be parsed.
    resources
        Guards, providers and ToolServers that gateways and routes refer to (`references`).
    contents
        Secrets and ConfigMaps that the gateways refer to; a missing key means that the object does not exist.
    absent
        Those of them that were looked for on a cluster and do not exist; empty where there is no cluster.
    awaited
        Those of the absent ones that existed a moment ago, and may come back soon.
    running
        Annotations with hashes of the pod templates of existing Deployments, by their gateways.
    existing
        Objects on the cluster that bear a wanted name; empty where there is no cluster.
    undecided
        Gateways, not among the others, of which nobody can tell whether they still exist or are ours: they are
        neither planned nor released, and their routes are not among the others either.
    """

    gateways: tuple[Gateway, ...] = ()
    classes: tuple[GatewayClass, ...] = ()
    routes: tuple[ToolRoute, ...] = ()
    unreadable_gateways: tuple[UnreadableGateway, ...] = ()
    resources: Resources = field(default_factory=dict)
    contents: Mapping[Reference, Content] = field(default_factory=dict)
    absent: frozenset[Reference] = frozenset()
    awaited: frozenset[Reference] = frozenset()
    running: Mapping[GatewayKey, Mapping[str, str]] = field(default_factory=dict)
    existing: Mapping[ObjectKey, ExistingObject] = field(default_factory=dict)
    undecided: frozenset[GatewayKey] = frozenset()
