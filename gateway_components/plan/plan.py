"""`plan`: computes all desired objects and outcomes from a snapshot.

Read this module first. It is pure: no Pulumi, no client, no clock, no environment.
"""

from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from gateway_components.api.kinds import GATEWAY_KINDS
from gateway_components.errors import Finding
from gateway_components.identity import Identity
from gateway_components.plan.claims import (
    age,
    check_names,
    check_rival,
    claims,
    image_of,
    wanted_objects,
)
from gateway_components.plan.config import Shares, fitting, guest_bytes, least_bytes
from gateway_components.plan.environment import Absence
from gateway_components.plan.findings import Failure, Reason
from gateway_components.plan.generate import Generated, generate
from gateway_components.plan.guardrails import check_guards
from gateway_components.plan.loops import without_loops
from gateway_components.plan.objects import GatewayObjects
from gateway_components.plan.references import references
from gateway_components.plan.routes import (
    RoutePlan,
    documented_keys,
    mcp_servers,
    no_room,
    plan_routes,
    served_by_gateway,
    sharing_warnings,
    without,
    without_removed,
)
from gateway_components.plan.snapshot import Gateway, Snapshot, Unreadable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """What one of our gateways should become.

    Attributes
    ----------
    objects
        Its desired objects; None where there is a failure, and then the last good ones stay.
    failure
        Why there are no objects; None where there are.
    warnings
        What is not done as asked, though the gateway runs.
    removed
        Keys of ``mcp_servers`` that the config patch takes away again.
    """

    key: Identity
    uid: str | None
    generation: int | None
    objects: GatewayObjects | None
    failure: Failure | None
    warnings: tuple[Finding, ...] = ()
    removed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of every gateway and route that is ours; what is not among them is left untouched.

    `unfinished` says that some are to be planned again, for there was no time for all of them.
    """

    gateways: Mapping[Identity, GatewayPlan] = field(default_factory=dict)
    routes: Mapping[Identity, RoutePlan] = field(default_factory=dict)
    unfinished: bool = False


@dataclass(frozen=True, slots=True)
class _Planned:
    """The plan of a gateway that has objects, and those of its routes that its configuration has no room for.

    It holds where there is room for the bytes of the objects: at least, before they were made, and in fact.
    """

    plan: GatewayPlan
    left_out: Collection[RoutePlan]
    least_bytes: int
    bytes: int


class PlanMemo:
    """Plans of unchanged gateways: an edit of one among thousands costs little for each of the others.

    Each plan is valid for the facts that it was made of, and all of them in one context.
    """

    def __init__(self) -> None:
        self._context: object = None
        self._planned: dict[Identity, tuple[object, _Planned]] = {}

    def begin(self, context: object, keys: Container[Identity]) -> None:
        """Set the context; drop all plans if it is another than before, else those of other gateways than `keys`."""
        same = self._context == context
        self._context = context
        self._planned = {key: known for key, known in self._planned.items() if same and key in keys}

    def recall(self, key: Identity, facts: object) -> _Planned | None:
        """Return the plan that was made of these facts; None where there is none."""
        known = self._planned.get(key)
        return known[1] if known and known[0] == facts else None

    def note(self, key: Identity, facts: object, planned: _Planned) -> None:
        """Keep a plan; it replaces an earlier one of this gateway."""
        self._planned[key] = facts, planned


Make = Callable[..., Generated]
"""`generate`, or a replacement with the same arguments and failures."""


def plan(snapshot: Snapshot, make: Make | None = None, memo: PlanMemo | None = None) -> Plan:
    """Decide what every gateway and route of `snapshot` should become.

    Total and deterministic: any admitted object has a result, which does not depend on the order of input. One broken
    gateway, route or guard affects no other.

    `make` makes the objects of one gateway of what that gateway refers to, and of nothing else; by default `generate`.
    `memo` takes the plans of gateways, and gives those of an earlier snapshot that still hold: the result is the same.
    """
    known: dict[Identity, Gateway | Unreadable] = {
        **{gateway.identity: gateway for gateway in snapshot.gateways},
        **snapshot.unreadable_gateways,
    }
    classes = {key: _class_name(gateway) for key, gateway in known.items()}
    # Thousands of gateways name a few classes.
    ours = {
        (kind, name)
        for kind, name in {(key.kind, name) for key, name in classes.items()}
        if claims(GATEWAY_KINDS[kind], name, snapshot.classes)
    }
    claimed = {key: known[key] for key in sorted(known) if (key.kind, classes[key]) in ours}
    routes = without_loops(
        plan_routes(
            snapshot.routes,
            claimed,
            classes,
            snapshot.classes,
            snapshot.resources,
            snapshot.policy,
            partial=snapshot.partial,
        )
    )
    attached: dict[Identity, list[RoutePlan]] = {}
    for route in routes.values():
        if route.gateway:
            attached.setdefault(route.gateway, []).append(route)
    planning = _Planning(snapshot, claimed, make or generate, memo or PlanMemo())
    planning.memo.begin(_common(snapshot), claimed)
    gateways: dict[Identity, GatewayPlan] = {}
    left_out: dict[Identity, Failure] = {}
    for key in sorted(claimed, key=lambda key: (age(claimed[key]), key)):
        gateways[key], without_room = planning.plan(key, attached.get(key, ()))
        if without_room:
            left_out |= {route.key: no_room(route) for route in without_room}
    gateways = {key: gateways[key] for key in claimed}
    removed = {key: gateway.removed for key, gateway in gateways.items() if gateway.removed}
    served = without_removed(without(routes, left_out), removed)
    for key, servers in served_by_gateway(served).items():
        if (planned := gateways.get(key)) and planned.objects:
            gateways[key] = replace(planned, objects=planned.objects.serving(servers))
    return Plan(gateways, served)


@dataclass(frozen=True, slots=True)
class _Planning:
    """Plans the gateways of a snapshot that are ours (`claimed`), one after the other."""

    snapshot: Snapshot
    claimed: Mapping[Identity, Gateway | Unreadable]
    make: Make
    memo: PlanMemo
    shares: Shares = field(default_factory=Shares)

    def plan(self, key: Identity, routes: Collection[RoutePlan]) -> tuple[GatewayPlan, Collection[RoutePlan]]:
        """Return the plan of a gateway, and those of its routes that its configuration has no room for."""
        gateway = self.claimed[key]
        if isinstance(gateway, Unreadable):
            failure = Failure(Reason.CONFIG_GENERATION_FAILED, gateway.message)
            return GatewayPlan(key, None, gateway.generation, None, failure), ()
        facts = self._facts(key, routes)
        try:
            planned = self.memo.recall(key, facts)
            if planned is None:
                planned = self._planned(key, gateway, routes)
                self.memo.note(key, facts, planned)
            else:
                self.shares.take(key, planned.least_bytes)
            self.shares.take(key, planned.bytes)
        except Failure as failure:
            # A plan is kept for long; the traceback would keep the whole snapshot with it.
            uid, generation = gateway.metadata.uid, gateway.metadata.generation
            return GatewayPlan(key, uid, generation, None, failure.with_traceback(None)), ()
        return planned.plan, planned.left_out

    def _facts(self, key: Identity, routes: Collection[RoutePlan]) -> object:
        """Return what decides about a gateway, beside what all gateways of a snapshot have in common (`_common`)."""
        # One of them is the gateway itself, the others are its rivals.
        namesakes = [self.claimed.get(Identity(kind, key.namespace, key.name)) for kind in GATEWAY_KINDS]
        existing = tuple(map(self.snapshot.existing.get, wanted_objects(key)))
        # Where there is no room for all of them, their order decides, which is no part of their equality.
        ranked = sorted(routes, key=lambda route: route.rank)
        return namesakes, existing, self._running(key), key in self.snapshot.handed_over, ranked

    def _running(self, key: Identity) -> Mapping[str, str]:
        """Return the hashes of running pods where they count: else each rollout would have its gateway planned anew."""
        return self.snapshot.running.get(key, {}) if self.snapshot.awaited else {}

    def _planned(self, key: Identity, gateway: Gateway, routes: Collection[RoutePlan]) -> _Planned:
        snapshot = self.snapshot
        check_rival(key, self.claimed, snapshot.existing)
        check_names(key, snapshot.existing)
        check_guards(gateway, snapshot.resources, snapshot.policy)
        own = references(gateway, snapshot.resources.get)
        absence = Absence(
            snapshot.absent & own,
            snapshot.awaited & own,
            self._running(key),
            _of(own, snapshot.remembered),
        )
        contents, resources = _of(own, snapshot.contents), _of(own, snapshot.resources)
        names = documented_keys(routes)
        image = image_of(GATEWAY_KINDS[key.kind], gateway.spec.class_name, snapshot.classes, snapshot.policy)

        def made_with(served: Collection[RoutePlan]) -> Generated:
            servers = mcp_servers(served).get(key, {})
            return self.make(gateway, contents, resources, servers, absence, image, names)

        least = least_bytes(gateway, contents.values(), resources.values())
        # Before it is made: what there is no room for costs no time.
        self.shares.take(key, least)
        resolved = [route for route in routes if route.upstream]
        made, left_out = fitting(
            made_with, lambda one: one.objects.config_map["data"]["config.yaml"], resolved
        )
        objects = made.objects.handing_over if key in snapshot.handed_over else made.objects
        uid, generation = gateway.metadata.uid, gateway.metadata.generation
        warnings = (*made.warnings, *sharing_warnings(gateway, routes))
        return _Planned(
            GatewayPlan(key, uid, generation, objects, None, warnings, made.removed),
            left_out,
            least,
            made.objects.size - guest_bytes(resolved),
        )


def _common(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot without what is about single gateways."""
    return replace(
        snapshot,
        gateways=(),
        unreadable_gateways={},
        routes=(),
        existing={},
        running={},
        handed_over=frozenset(),
        undecided=frozenset(),
    )


def _of(own: Iterable[Identity], known: Mapping[Identity, T]) -> dict[Identity, T]:
    return {reference: known[reference] for reference in own if reference in known}


def _class_name(gateway: Gateway | Unreadable) -> str | None:
    return gateway.class_name if isinstance(gateway, Unreadable) else gateway.spec.class_name
