"""How each object is doing: by what its status reports, or by what a plan says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from gateway_components.crds.guard import Guard
from gateway_components.crds.meta import Condition
from gateway_components.crds.toolroute import ToolRoute
from gateway_components.graph.guards import guard_failure
from gateway_components.graph.inventory import Inventory, UnreadableObject
from gateway_components.graph.model import NodeKey, State
from gateway_components.plan.classes import claims, nobody_claims, why_nobody_claims
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.keys import GatewayKey, RouteKey
from gateway_components.plan.kinds import GATEWAY_KINDS, GatewayKind
from gateway_components.plan.plan import Plan
from gateway_components.plan.references import gateway_of_route, guard_references, provider_reference
from gateway_components.plan.snapshot import Gateway
from gateway_components.plan.status import ROUTE_READY

__all__ = ["Ready", "Verdict", "Verdicts", "planned_verdicts", "reported_verdicts"]

Ready = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one object is doing.

    Attributes
    ----------
    state
        In a graph.
    reason, message
        Why, as conditions have it. Where no condition says anything, `reason` is ``ClassNotFound`` (no class runs
        the gateway), ``OtherController``, ``NotAttached`` (a route that names no gateway), ``NotReported`` (no
        controller has come to it yet), ``NotReadable`` or ``NotVisible`` (may not be read here).
    ready
        Whether it can be used, in the words of conditions.
    """

    state: State = State.OK
    reason: str = ""
    message: str = ""
    ready: Ready = "True"


Verdicts = Mapping[NodeKey, Verdict]

_NOT_REPORTED = Verdict(State.UNKNOWN, "NotReported", "no controller has come to it yet", "Unknown")
_NOT_ATTACHED = Verdict(State.UNKNOWN, "NotAttached", "it names no gateway in spec.toolGatewayRef", "Unknown")


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
        reported = _first_fault(
            [_current(route.status.conditions, route.metadata.generation).get(ROUTE_READY)]
        )
        verdicts[key] = _route(route, reported, verdicts)
    return verdicts


def planned_verdicts(inventory: Inventory, plan: Plan) -> Verdicts:
    """Return the verdicts on all objects of manifest files: gateways and routes as `plan` finds them."""
    verdicts = _common(inventory)
    for key, gateway in inventory.gateways:
        planned = plan.gateways.get(GatewayKey(key.kind, key.namespace, key.name))
        failure = planned.failure if planned else None
        verdicts[key] = _unclaimed(GATEWAY_KINDS[key.kind], gateway, inventory) or _judged(failure)
    for key, route in inventory.of(ToolRoute):
        found = plan.routes.get(RouteKey(key.namespace, key.name))
        verdicts[key] = _route(route, _judged(found.failure if found else None), verdicts)
    return verdicts


def _common(inventory: Inventory) -> dict[NodeKey, Verdict]:
    verdicts = {
        key: Verdict(State.BROKEN, "NotReadable", f"it cannot be read: {found.message}", "False")
        if isinstance(found, UnreadableObject)
        else Verdict()
        for key, found in inventory.objects.items()
    }
    controllers = {kind.class_kind: kind.controller for kind in GATEWAY_KINDS.values()}
    for found in inventory.classes:
        if found.spec.controller != controllers[found.kind]:
            key = NodeKey(found.kind, "", found.metadata.name)
            verdicts[key] = _other_controller(found.spec.controller)
    users = _users_of_guards(inventory)
    for key, guard in inventory.of(Guard):
        verdicts[key] = _guard(guard, users.get(key, ()), inventory)
    return verdicts


def _users_of_guards(inventory: Inventory) -> dict[NodeKey, list[Gateway]]:
    """Return the gateways that use each Guard; what another controller runs may take it in its own way."""
    users: dict[NodeKey, list[Gateway]] = {}
    for key, gateway in inventory.gateways:
        unclaimed = _unclaimed(GATEWAY_KINDS[key.kind], gateway, inventory)
        if unclaimed and unclaimed.state is State.FOREIGN:
            continue
        for used in guard_references(gateway):
            users.setdefault(NodeKey(used.kind, used.namespace, used.name), []).append(gateway)
    return users


def _guard(guard: Guard, users: Iterable[Gateway], inventory: Inventory) -> Verdict:
    wanted = provider_reference(guard)
    if wanted and wanted not in inventory.resources:
        provider = NodeKey(wanted.kind, wanted.namespace, wanted.name)
        if not inventory.sees(provider):
            return Verdict(State.UNKNOWN, "NotVisible", f"{wanted} may not be read", "Unknown")
    return _judged(guard_failure(guard, users, inventory.resources))


def _unclaimed(kind: GatewayKind, gateway: Gateway, inventory: Inventory) -> Verdict | None:
    """Return why a gateway is not ours; None where it is, or where the classes may not be read."""
    name = gateway.spec.class_name
    if kind.class_kind not in inventory.visible or claims(kind, name, inventory.classes):
        return None
    if nobody_claims(kind, name, inventory.classes):
        return Verdict(State.BROKEN, "ClassNotFound", why_nobody_claims(name), "False")
    owner = next(found for found in inventory.classes if not nobody_claims(kind, name, [found]))
    return _other_controller(owner.spec.controller)


def _other_controller(controller: str) -> Verdict:
    who = controller or "no controller"
    return Verdict(State.FOREIGN, "OtherController", f"{who} runs it", "Unknown")


def _route(route: ToolRoute, found: Verdict, verdicts: Verdicts) -> Verdict:
    gateway = gateway_of_route(route)
    if gateway is None:
        return _NOT_ATTACHED
    of_gateway = verdicts.get(NodeKey(gateway.kind, gateway.namespace, gateway.name))
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
