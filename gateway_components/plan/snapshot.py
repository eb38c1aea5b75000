"""The input of `plan`: everything it may look at, read beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.aigatewayclass import AiGatewayClass
from gateway_components.plan.keys import GatewayKey, ObjectKey, Reference

__all__ = ["Content", "ExistingObject", "Snapshot", "UnreadableGateway"]


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
    """

    controller: tuple[str, str, str] | None


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
    ai_gateways
        The gateways to plan; objects that they own must be in their own namespace.
    ai_gateway_classes
        Every class there is.
    unreadable_gateways
        Gateways whose content could not be parsed.
    contents
        Secrets and ConfigMaps that the gateways refer to (`references.references`); a missing key means
        that the object does not exist.
    existing
        Objects on the cluster that bear a wanted name; empty where there is no cluster.
    """

    ai_gateways: tuple[AiGateway, ...] = ()
    ai_gateway_classes: tuple[AiGatewayClass, ...] = ()
    unreadable_gateways: tuple[UnreadableGateway, ...] = ()
    contents: Mapping[Reference, Content] = field(default_factory=dict)
    existing: Mapping[ObjectKey, ExistingObject] = field(default_factory=dict)
