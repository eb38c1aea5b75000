"""What a graph is made of: the objects there are, from a cluster or from files."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from pydantic import ValidationError

from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.aigatewayclass import AiGatewayClass
from gateway_components.crds.guard import Guard
from gateway_components.crds.guardrailprovider import GuardrailProvider
from gateway_components.crds.kinds import KINDS
from gateway_components.crds.meta import ApiObject, ObjectMeta
from gateway_components.crds.parse import parse_as
from gateway_components.crds.toolgateway import ToolGateway
from gateway_components.crds.toolgatewayclass import ToolGatewayClass
from gateway_components.crds.toolserver import ToolServer
from gateway_components.errors import InputError
from gateway_components.graph.model import NodeKey
from gateway_components.plan.keys import Reference
from gateway_components.plan.snapshot import (
    RESOURCE_KINDS,
    Gateway,
    GatewayClass,
    Resource,
    Resources,
    Snapshot,
    Unreadable,
)

__all__ = ["Inventory", "UnreadableObject", "inventory_of_raw", "inventory_of_snapshot", "key_of"]

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class UnreadableObject:
    """An object that the models do not understand.

    Attributes
    ----------
    metadata
        What could be read of its metadata.
    message
        Why the rest could not, field by field.
    """

    metadata: ObjectMeta
    message: str


@dataclass(frozen=True)
class Inventory:
    """The objects of our kinds.

    Attributes
    ----------
    objects
        All that could be read.
    visible
        For each kind that was looked at, the namespace it was looked at in; None stands for all of them. A kind
        that is not among them may have objects that nobody knows of.
    """

    objects: Mapping[NodeKey, ApiObject | UnreadableObject] = field(default_factory=dict)
    visible: Mapping[str, str | None] = field(default_factory=lambda: dict.fromkeys(KINDS))

    def sees(self, key: NodeKey) -> bool:
        """Tell whether an object that is not among `objects` does not exist."""
        return key.kind in self.visible and self.visible[key.kind] in (None, key.namespace)

    def of(self, model: type[M]) -> Iterator[tuple[NodeKey, M]]:
        """Yield the objects of a model, in the order of their keys."""
        found = {key: known for key, known in self.objects.items() if isinstance(known, model)}
        yield from ((key, found[key]) for key in sorted(found))

    @property
    def gateways(self) -> Iterator[tuple[NodeKey, Gateway]]:
        """The gateways of either kind."""
        yield from self.of(AiGateway)
        yield from self.of(ToolGateway)

    @cached_property
    def classes(self) -> tuple[GatewayClass, ...]:
        """The classes of either kind."""
        ai_classes, tool_classes = self.of(AiGatewayClass), self.of(ToolGatewayClass)
        return (*(found for _, found in ai_classes), *(found for _, found in tool_classes))

    @cached_property
    def resources(self) -> Resources:
        """Guards, providers and ToolServers, as a plan takes them."""
        resources: dict[Reference, Resource] = {}
        for key, found in self.objects.items():
            kind = RESOURCE_KINDS.get(key.kind)
            if kind is None:
                continue
            reference = Reference(kind, key.namespace, key.name)
            if isinstance(found, Guard | GuardrailProvider | ToolServer):
                resources[reference] = found
            elif isinstance(found, UnreadableObject):
                resources[reference] = Unreadable(found.message)
        return resources


def inventory_of_raw(raws: Iterable[Mapping[str, Any]], visible: Mapping[str, str | None]) -> Inventory:
    """Return the inventory of objects in JSON types, each with its kind.

    One that cannot be parsed is an `UnreadableObject` there.
    """
    objects = (_parsed(raw) for raw in raws)
    return Inventory({key_of(kind, found.metadata): found for kind, found in objects}, visible)


def inventory_of_snapshot(snapshot: Snapshot) -> Inventory:
    """Return the inventory of a snapshot that holds all the objects there are, as one of manifest files does."""
    models = (*snapshot.gateways, *snapshot.classes, *snapshot.routes)
    objects: dict[NodeKey, ApiObject | UnreadableObject] = {
        key_of(found.kind, found.metadata): found for found in models
    }
    for gateway in snapshot.unreadable_gateways:
        metadata = ObjectMeta(name=gateway.key.name, namespace=gateway.key.namespace)
        objects[key_of(gateway.key.kind, metadata)] = UnreadableObject(metadata, gateway.message)
    for reference, resource in snapshot.resources.items():
        metadata = ObjectMeta(name=reference.name, namespace=reference.namespace)
        known = UnreadableObject(metadata, resource.message) if isinstance(resource, Unreadable) else resource
        objects[key_of(reference.kind, metadata)] = known
    return Inventory(objects)


def key_of(kind: str, metadata: ObjectMeta) -> NodeKey:
    """Return the key of an object; what belongs to the whole cluster has no namespace, whatever a file gives it."""
    return NodeKey(kind, (metadata.namespace or "") if KINDS[kind].namespaced else "", metadata.name)


def _parsed(raw: Mapping[str, Any]) -> tuple[str, ApiObject | UnreadableObject]:
    kind = str(raw["kind"])
    try:
        return kind, parse_as(KINDS[kind].model, raw)
    except InputError as error:
        return kind, UnreadableObject(_metadata(raw["metadata"]), str(error))


def _metadata(raw: Mapping[str, Any]) -> ObjectMeta:
    names = {name: raw[name] for name in ("name", "namespace", "creationTimestamp") if name in raw}
    try:
        return ObjectMeta.model_validate(names, by_alias=True, by_name=False)
    except ValidationError:
        return ObjectMeta(name=str(raw.get("name", "")), namespace=str(raw.get("namespace", "")))
