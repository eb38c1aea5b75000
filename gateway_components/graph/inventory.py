"""The objects of a graph, from a cluster or from files."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from pydantic import ValidationError

from gateway_components.api.gateways import AiGateway, AiGatewayClass, ToolGateway, ToolGatewayClass
from gateway_components.api.guardrails import Guard, GuardrailProvider
from gateway_components.api.kinds import KINDS, RESOURCE_KINDS
from gateway_components.api.meta import ApiObject, ObjectMeta
from gateway_components.api.parse import parse_as
from gateway_components.api.tools import ToolServer
from gateway_components.errors import InputError
from gateway_components.identity import Identity
from gateway_components.plan.snapshot import Gateway, GatewayClass, Resource, Resources, Snapshot, Unreadable

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class UnreadableObject:
    """An object that the models refuse: what could be read of its metadata, and why the rest could not."""

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
        For each kind that was listed, the namespace it was listed in; None for all. Kinds that are missing here may
        have unknown objects.
    partial
        As in `Snapshot`.
    """

    objects: Mapping[Identity, ApiObject | UnreadableObject] = field(default_factory=dict)
    visible: Mapping[str, str | None] = field(default_factory=lambda: dict.fromkeys(KINDS))
    partial: bool = False

    def sees(self, key: Identity) -> bool:
        """Return whether `objects` would hold an existing object of this key."""
        return key.kind in self.visible and self.visible[key.kind] in (None, key.namespace)

    def of(self, model: type[M]) -> Iterator[tuple[Identity, M]]:
        """Yield the objects of a model, in the order of their keys."""
        found = {key: known for key, known in self.objects.items() if isinstance(known, model)}
        yield from ((key, found[key]) for key in sorted(found))

    @property
    def gateways(self) -> Iterator[tuple[Identity, Gateway]]:
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
        resources: dict[Identity, Resource] = {}
        for key, found in self.objects.items():
            if isinstance(found, Guard | GuardrailProvider | ToolServer):
                resources[key] = found
            elif isinstance(found, UnreadableObject) and key.kind in RESOURCE_KINDS:
                resources[key] = Unreadable(found.message)
        return resources


def inventory_of_raw(raws: Iterable[Mapping[str, Any]], visible: Mapping[str, str | None]) -> Inventory:
    """Return the inventory of objects in JSON types, each with its kind.

    One that cannot be parsed is an `UnreadableObject` there.
    """
    objects = (_parsed(raw) for raw in raws)
    return Inventory({key_of(kind, found.metadata): found for kind, found in objects}, visible)


def inventory_of_snapshot(snapshot: Snapshot) -> Inventory:
    """Return the inventory of a snapshot of manifest files."""
    models = (*snapshot.gateways, *snapshot.classes, *snapshot.routes)
    objects: dict[Identity, ApiObject | UnreadableObject] = {
        key_of(found.kind, found.metadata): found for found in models
    }
    for gateway in snapshot.unreadable_gateways:
        metadata = ObjectMeta(name=gateway.key.name, namespace=gateway.key.namespace)
        objects[key_of(gateway.key.kind, metadata)] = UnreadableObject(metadata, gateway.message)
    for reference, resource in snapshot.resources.items():
        metadata = ObjectMeta(name=reference.name, namespace=reference.namespace)
        known = UnreadableObject(metadata, resource.message) if isinstance(resource, Unreadable) else resource
        objects[key_of(reference.kind, metadata)] = known
    return Inventory(objects, partial=snapshot.partial)


def key_of(kind: str, metadata: ObjectMeta) -> Identity:
    """Return the identity of an object; one of a cluster-scoped kind has no namespace, even if a file names one."""
    return Identity(kind, (metadata.namespace or "") if KINDS[kind].namespaced else "", metadata.name)


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
