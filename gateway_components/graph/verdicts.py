"""The objects of a cluster or of files, and the state of each: as its status reports it, or as a plan finds it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, TypeVar

from gateway_components.api.gateways import (
    AiGateway,
    AiGatewayClass,
    AiGatewaySpec,
    ToolGateway,
    ToolGatewayClass,
)
from gateway_components.api.guardrails import Guard
from gateway_components.api.kinds import GATEWAY_KINDS, KINDS, READY, RESOURCE_KINDS, GatewayKind
from gateway_components.api.meta import Condition, ObjectMeta, ObjectReference
from gateway_components.api.parse import parse_as
from gateway_components.api.tools import ToolRoute
from gateway_components.errors import InputError
from gateway_components.identity import Identity
from gateway_components.plan.claims import claims, meant_class, nobody_claims, why_nobody_claims
from gateway_components.plan.findings import Failure, Reason
from gateway_components.plan.guardrails import resolve_guardrails
from gateway_components.plan.plan import Plan
from gateway_components.plan.references import gateway_of_route, guard_references, provider_reference
from gateway_components.plan.snapshot import (
    Gateway,
    GatewayClass,
    KnownObject,
    Resource,
    Resources,
    Unreadable,
)

M = TypeVar("M")


@dataclass(frozen=True)
class Inventory:
    """The objects of our kinds, as far as they could be read.

    `visible` has the namespace that each kind was listed in, None for all; kinds that are missing there may have
    unknown objects. `partial` is as in `Snapshot`.
    """

    objects: Mapping[Identity, KnownObject] = field(default_factory=dict)
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
        return {
            key: found
            for key, found in self.objects.items()
            if key.kind in RESOURCE_KINDS and isinstance(found, Resource)
        }


def inventory_of_raw(raws: Iterable[Mapping[str, Any]], visible: Mapping[str, str | None]) -> Inventory:
    """Return the inventory of objects in JSON types, each with its kind; `Unreadable` stands for what is no model."""
    return Inventory(dict(map(_parsed, raws)), visible)


def _parsed(raw: Mapping[str, Any]) -> tuple[Identity, KnownObject]:
    kind, metadata = str(raw["kind"]), raw["metadata"]
    key = Identity(kind, metadata.get("namespace") or "", metadata["name"])
    try:
        return key, parse_as(KINDS[kind].model, raw)
    except InputError as error:
        return key, Unreadable(str(error), str(metadata.get("creationTimestamp") or ""))


Ready = Literal["True", "False", "Unknown"]


class State(StrEnum):
    """State of an object."""

    OK = "ok"
    BROKEN = "broken"
    MISSING = "missing"
    FOREIGN = "foreign"
    """Another controller owns it."""
    UNKNOWN = "unknown"
    """It is not reconciled yet, is rolling out, or may not be read."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """State of one object, whether it is ready as a condition says it, and why.

    Reason and message are those of the condition. Without one, the reason is ``ClassNotFound``, ``OtherController``,
    ``NotGiven`` (its class or gateway is not among the files), ``NotAttached`` (a route without a gateway),
    ``NotReported`` (not reconciled yet), ``NotReadable`` (at fault) or ``NotVisible`` (forbidden).
    """

    state: State = State.OK
    reason: str = ""
    message: str = ""
    ready: Ready = "True"


Verdicts = Mapping[Identity, Verdict]

_NOT_REPORTED = Verdict(State.UNKNOWN, "NotReported", "no controller has handled it yet", "Unknown")
_NOT_ATTACHED = Verdict(State.UNKNOWN, "NotAttached", "it names no gateway in spec.toolGatewayRef", "Unknown")

_NOT_GIVEN = Verdict(State.FOREIGN, "NotGiven", "no gateway of ours among the files serves it", "Unknown")


def reported_verdicts(inventory: Inventory) -> Verdicts:
    """Return the verdicts on all objects of a cluster: gateways and routes as their statuses report.

    A condition that speaks of an older generation counts as none.
    """
    verdicts = _common(inventory)
    for key, gateway in inventory.gateways:
        kind = GATEWAY_KINDS[key.kind]
        current = _current(gateway.status.conditions, gateway.metadata.generation)
        reported = _first_fault(current.get(name) for name in (kind.configured, kind.ready))
        verdicts[key] = _unclaimed(kind, gateway, inventory) or reported
    for key, route in inventory.of(ToolRoute):
        reported = _first_fault([_current(route.status.conditions, route.metadata.generation).get(READY)])
        verdicts[key] = _route(route, reported, verdicts)
    return verdicts


def planned_verdicts(inventory: Inventory, plan: Plan) -> Verdicts:
    """Return the verdicts on all objects of manifest files: gateways and routes as `plan` finds them."""
    verdicts = _common(inventory)
    for key, gateway in inventory.gateways:
        planned = plan.gateways.get(key)
        failure = planned.failure if planned else None
        verdicts[key] = _unclaimed(GATEWAY_KINDS[key.kind], gateway, inventory) or _judged(failure)
    for key, route in inventory.of(ToolRoute):
        found = plan.routes.get(key)
        left_out = found is None and gateway_of_route(route)
        judged = _NOT_GIVEN if left_out else _judged(found.failure if found else None)
        verdicts[key] = _route(route, judged, verdicts)
    return verdicts


def _common(inventory: Inventory) -> dict[Identity, Verdict]:
    verdicts = {
        key: Verdict(State.BROKEN, "NotReadable", f"it cannot be read: {found.message}", "False")
        if isinstance(found, Unreadable)
        else Verdict()
        for key, found in inventory.objects.items()
    }
    controllers = {kind.class_kind: kind.controller for kind in GATEWAY_KINDS.values()}
    for found in inventory.classes:
        if found.spec.controller != controllers[found.kind]:
            key = Identity(found.kind, "", found.metadata.name)
            verdicts[key] = _other_controller(found.spec.controller)
    users = _users_of_guards(inventory)
    for key, guard in inventory.of(Guard):
        verdicts[key] = _guard(guard, users.get(key, ()), inventory)
    return verdicts


def _users_of_guards(inventory: Inventory) -> dict[Identity, list[Gateway]]:
    """Return the gateways that use each Guard; what another controller runs may take it in its own way."""
    users: dict[Identity, list[Gateway]] = {}
    for key, gateway in inventory.gateways:
        unclaimed = _unclaimed(GATEWAY_KINDS[key.kind], gateway, inventory)
        if unclaimed and unclaimed.state is State.FOREIGN:
            continue
        for used in guard_references(gateway):
            users.setdefault(used, []).append(gateway)
    return users


def _guard(guard: Guard, users: Iterable[Gateway], inventory: Inventory) -> Verdict:
    wanted = provider_reference(guard)
    if wanted and wanted not in inventory.resources and not inventory.sees(wanted):
        return Verdict(State.UNKNOWN, "NotVisible", f"{wanted} may not be read", "Unknown")
    return _judged(_guard_failure(guard, users, inventory.resources))


def _guard_failure(guard: Guard, users: Iterable[Gateway], resources: Resources) -> Failure | None:
    """Return why a Guard is not applied to its users; None where it is. Without users, one AiGateway is assumed."""
    reference = ObjectReference(name=guard.metadata.name, namespace=guard.metadata.namespace)
    for gateway in tuple(users) or (_anybody(guard),):
        alone = gateway.spec.model_copy(update={"guardrails": (reference,)})
        try:
            found = resolve_guardrails(gateway.model_copy(update={"spec": alone}), resources)
        except Failure as failure:
            # Its field is a place among the guards of a gateway, which here has this one alone.
            return Failure(failure.reason, failure.message, cure=failure.cure)
        for warning in found.warnings if not found.applied else ():
            return Failure(Reason.GUARDRAILS_RESOLUTION_FAILED, warning.message, cure=warning.cure)
    return None


def _anybody(guard: Guard) -> AiGateway:
    metadata = ObjectMeta(name=guard.metadata.name, namespace=guard.metadata.namespace)
    return AiGateway(metadata=metadata, spec=AiGatewaySpec.model_construct(ai_models=()))


def _unclaimed(kind: GatewayKind, gateway: Gateway, inventory: Inventory) -> Verdict | None:
    """Return why a gateway is not ours; None where it is, or where the classes may not be read."""
    name = gateway.spec.class_name
    if kind.class_kind not in inventory.visible or claims(kind, name, inventory.classes):
        return None
    if nobody_claims(kind, name, inventory.classes):
        if inventory.partial and not meant_class(kind, name, inventory.classes):
            return Verdict(State.FOREIGN, "NotGiven", f"{_given(name)} is not among the files", "Unknown")
        return Verdict(State.BROKEN, "ClassNotFound", why_nobody_claims(name), "False")
    owner = next(found for found in inventory.classes if not nobody_claims(kind, name, [found]))
    return _other_controller(owner.spec.controller)


def _given(class_name: str | None) -> str:
    return f"class {class_name}" if class_name else "a default class of ours"


def _other_controller(controller: str) -> Verdict:
    who = controller or "no controller"
    return Verdict(State.FOREIGN, "OtherController", f"{who} runs it", "Unknown")


def _route(route: ToolRoute, found: Verdict, verdicts: Verdicts) -> Verdict:
    gateway = gateway_of_route(route)
    if gateway is None:
        return _NOT_ATTACHED
    of_gateway = verdicts.get(gateway)
    if of_gateway and of_gateway.state is State.FOREIGN:
        return replace(of_gateway, message=f"its gateway is another's: {of_gateway.message}")
    return found


def _judged(failure: Failure | None) -> Verdict:
    return Verdict(State.BROKEN, str(failure.reason), str(failure), "False") if failure else Verdict()


def _current(conditions: Iterable[Condition], generation: int | None) -> dict[str, Condition]:
    return {
        condition.type: condition
        for condition in conditions
        if condition.observed_generation in (None, generation)
    }


def _first_fault(conditions: Iterable[Condition | None]) -> Verdict:
    verdict = _NOT_REPORTED
    for condition in conditions:
        if condition is None:
            return _NOT_REPORTED
        if condition.status != "True":
            rolling = condition.reason == Reason.DEPLOYMENT_ROLLING_OUT or condition.status == "Unknown"
            state = State.UNKNOWN if rolling else State.BROKEN
            return Verdict(state, condition.reason, condition.message, condition.status)
        verdict = Verdict(State.OK, condition.reason, condition.message)
    return verdict
