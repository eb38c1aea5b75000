"""A pass over one namespace, with stand-ins for cluster and engine: what happens in which order, and after a fault."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import pytest

from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.aigatewayclass import AiGatewayClass, AiGatewayClassSpec
from gateway_components.crds.meta import ObjectMeta
from gateway_components.crds.parse import parse_as
from gateway_components.crds.toolgateway import ToolGateway
from gateway_components.crds.toolgatewayclass import ToolGatewayClass, ToolGatewayClassSpec
from gateway_components.crds.toolroute import ToolRoute
from gateway_components.daemon.clock import Clock
from gateway_components.daemon.reconcile import Reconciler
from gateway_components.daemon.report import Reporter
from gateway_components.engine.errors import ClusterUnreachableError
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.keys import GatewayKey, RouteKey, Subject
from gateway_components.plan.kinds import AI_GATEWAY, TOOL_GATEWAY
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.snapshot import Snapshot
from gateway_components.plan.status import Rollout
from gateway_components.plan.workload import GatewayObjects

T = TypeVar("T")

REFUSED = Failure(Reason.SERVICE_FAILED, "refused")
CLASS = AiGatewayClass(
    metadata=ObjectMeta(name="litellm"), spec=AiGatewayClassSpec(controller=AI_GATEWAY.controller)
)
TOOL_CLASS = ToolGatewayClass(
    metadata=ObjectMeta(name="litellm"), spec=ToolGatewayClassSpec(controller=TOOL_GATEWAY.controller)
)


def key(name: str) -> GatewayKey:
    return GatewayKey("AiGateway", "ns", name)


class World(Clock):
    """View, engine, reporter and clock in one; `steps` tells what was done."""

    def __init__(self, *names: str, held: Collection[GatewayKey] = ()) -> None:
        self.gateways = {name: self.raw_gateway(name) for name in names}
        self.tools: dict[str, dict[str, Any]] = {}
        self.routes: dict[str, dict[str, Any]] = {}
        self.state = frozenset(held)
        self.failures: dict[GatewayKey, Failure] = {}
        self.broken: list[Exception] = []
        self.told_before: set[str] = set()
        self.faults: dict[str, str] = {}
        self.going = False
        self.settled = True
        self.seconds = 0.0
        self.steps: list[str] = []

    @staticmethod
    def raw_gateway(name: str, model: str = "gpt-4o", class_name: str = "litellm") -> dict[str, Any]:
        return {
            "metadata": {"name": name, "namespace": "ns", "uid": f"uid-{name}", "generation": 1},
            "spec": {"aiGatewayClassName": class_name, "aiModels": [{"name": model, "provider": "openai"}]},
        }

    def add_tools(self, name: str, class_name: str = "litellm", **spec: Any) -> None:
        self.tools[name] = {
            "metadata": {"name": name, "namespace": "ns", "uid": f"uid-{name}", "generation": 1},
            "spec": {"toolGatewayClassName": class_name, **spec},
        }

    def add_route(self, name: str, gateway: str = "") -> None:
        upstream = {"upstream": {"external": {"url": "https://example.com/mcp"}}}
        reference = {"toolGatewayRef": {"name": gateway}} if gateway else {}
        self.routes[name] = {
            "metadata": {"name": name, "namespace": "ns", "generation": 1},
            "spec": {**upstream, **reference},
        }

    def now(self) -> float:
        return self.seconds

    async def in_thread(self, work: Callable[..., T], *args: object) -> T:
        return work(*args)

    async def snapshot(self, namespace: str) -> Snapshot:
        gateways = [parse_as(AiGateway, raw) for raw in self.gateways.values()]
        tools = [parse_as(ToolGateway, raw) for raw in self.tools.values()]
        routes = tuple(parse_as(ToolRoute, raw) for raw in self.routes.values())
        return Snapshot(gateways=(*gateways, *tools), classes=(CLASS, TOOL_CLASS), routes=routes)

    def leaves(self, namespace: str) -> bool:
        return self.going

    def raw(self, of: Subject) -> Mapping[str, Any] | None:
        return {**self.gateways, **self.tools, **self.routes}.get(of.name)

    def reported(self, of: Subject) -> bool:
        return of.name in self.told_before

    def route(self, planned: RoutePlan) -> Mapping[str, Any] | None:
        return self.routes.get(planned.key.name)

    def fault(self, route: RouteKey) -> str:
        return self.faults.get(route.name, "")

    def rollout(self, gateway: GatewayPlan) -> Rollout | None:
        return None

    def held(self, namespace: str) -> frozenset[GatewayKey]:
        return self.state

    def apply(
        self,
        namespace: str,
        wanted: Mapping[GatewayKey, GatewayObjects],
        release: Collection[GatewayKey],
        *,
        refresh: bool,
    ) -> dict[GatewayKey, Failure]:
        names = ",".join(sorted(known.name for known in wanted))
        freed = ",".join(sorted(known.name for known in release))
        self.steps.append(
            f"apply {names}" + (f" release {freed}" if freed else "") + (" refresh" if refresh else "")
        )
        if self.broken:
            raise self.broken.pop()
        return {known: failure for known, failure in self.failures.items() if known in wanted}

    def forget(self, namespace: str) -> None:
        self.steps.append("forget")

    async def outcome(
        self, gateway: GatewayPlan, raw: Mapping[str, Any], failure: Failure | None, rollout: Rollout | None
    ) -> bool:
        self.steps.append(f"status {gateway.key.name} {failure.reason if failure else 'fine'}")
        return self.settled

    async def released(self, of: Subject, raw: Mapping[str, Any] | None) -> bool:
        self.steps.append(f"released {of.name} {'there' if raw else 'gone'}")
        return self.settled


class Recorder(Reporter):
    """Hands reports to the world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.told: set[Subject] = set()

    async def gateway(self, gateway: GatewayPlan, *args: Any) -> bool:
        self.told.add(gateway.key)
        return await self.world.outcome(gateway, *args)

    async def route(self, route: RoutePlan, raw: Mapping[str, Any], degraded: Failure | None) -> bool:
        self.told.add(route.key)
        failure = route.failure
        said = f"{failure.reason} {failure.message}" if failure else "degraded" if degraded else "fine"
        self.world.steps.append(f"route {route.key.name} {said}")
        return True

    def has_our_status(self, subject: Subject, raw: Mapping[str, Any], *, by_us: bool) -> bool:
        return by_us or subject in self.told

    async def released(self, subject: Subject, raw: Mapping[str, Any] | None) -> bool:
        self.told.discard(subject)
        return await self.world.released(subject, raw)

    def engine_ran(self, *_: Any) -> None:
        """Nothing to note: `apply` has."""


def reconciler(world: World) -> Reconciler:
    return Reconciler(world, world, Recorder(world), world)


async def test_a_status_is_written_only_after_the_engine_ran() -> None:
    world = World("a")

    assert await reconciler(world).reconcile("ns") is None
    assert world.steps == ["apply a", "status a fine"]


async def test_an_unchanged_gateway_needs_no_engine() -> None:
    world = World("a")
    passes = reconciler(world)
    await passes.reconcile("ns")
    world.steps.clear()

    await passes.reconcile("ns")

    assert world.steps == ["status a fine"]


async def test_what_the_state_held_is_looked_at_first() -> None:
    world = World("a", held=[key("a")])

    await reconciler(world).reconcile("ns")

    assert world.steps[0] == "apply a refresh"


async def test_a_failure_is_reported_and_tried_again_in_time() -> None:
    world = World("bad", "good")
    world.failures = {key("bad"): REFUSED}
    passes = reconciler(world)

    assert await passes.reconcile("ns") == 1.0
    assert world.steps == ["apply bad,good", "status bad ServiceFailed", "status good fine"]

    world.steps.clear()
    world.seconds, world.failures = 1.0, {}
    assert await passes.reconcile("ns") is None
    assert world.steps[-3:] == ["apply bad refresh", "status bad fine", "status good fine"]


async def test_an_engine_that_breaks_off_changes_no_status_and_is_asked_again() -> None:
    world = World("a")
    world.broken = [ClusterUnreachableError("no answer")]
    passes = reconciler(world)

    with pytest.raises(ClusterUnreachableError):
        await passes.reconcile("ns")
    assert world.steps == ["apply a"]

    await passes.reconcile("ns")
    assert world.steps[1:] == ["apply a", "status a fine"]


async def test_a_gateway_that_left_loses_its_conditions_before_the_state_forgets_it() -> None:
    world = World("stays", "leaves")
    passes = reconciler(world)
    await passes.reconcile("ns")
    world.steps.clear()
    world.gateways["leaves"] = world.raw_gateway("leaves", class_name="other")

    await passes.reconcile("ns")

    assert world.steps == [
        "released leaves there",
        "status stays fine",
        "apply  release leaves",
        "status stays fine",
    ]


async def test_the_state_does_not_forget_while_the_conditions_are_still_there() -> None:
    world = World("leaves", held=[key("leaves")])
    world.gateways["leaves"] = world.raw_gateway("leaves", class_name="other")
    world.settled = False

    assert await reconciler(world).reconcile("ns") is not None
    assert world.steps == ["released leaves there"]


async def test_a_namespace_without_gateways_is_forgotten_without_an_engine_run() -> None:
    world = World(held=[key("gone")])

    await reconciler(world).reconcile("ns")

    assert world.steps == ["released gone gone", "forget"]


async def test_a_deletion_seen_between_passes_is_made_good_after_a_look() -> None:
    world = World("a")
    passes = reconciler(world)
    await passes.reconcile("ns")
    world.steps.clear()

    passes.suspect(key("a"))
    await passes.reconcile("ns")

    assert world.steps == ["apply a refresh", "status a fine"]


async def test_a_status_that_could_not_be_written_is_written_soon() -> None:
    world = World("a")
    world.settled = False

    assert await reconciler(world).reconcile("ns") == 0.2


async def test_routes_are_told_of_once_their_gateway_is_applied() -> None:
    world = World()
    world.add_tools("tools")
    world.add_route("served", "tools")
    world.add_route("detached")

    await reconciler(world).reconcile("ns")

    assert world.steps == ["apply tools", "status tools fine", "route served fine"]


async def test_a_failed_gateway_degrades_its_routes_and_a_broken_route_is_told_of_at_once() -> None:
    world = World()
    world.add_tools("tools")
    world.add_route("served", "tools")
    world.add_route("lost", "missing")
    world.failures = {GatewayKey("ToolGateway", "ns", "tools"): REFUSED}

    await reconciler(world).reconcile("ns")

    missing = "route lost GatewayNotFound ToolGateway ns/missing does not exist"
    assert world.steps == [
        missing,
        "apply tools",
        "status tools ServiceFailed",
        missing,
        "route served degraded",
    ]


async def test_a_gateway_that_leaves_takes_the_status_of_its_routes_along() -> None:
    world = World()
    world.add_tools("tools")
    world.add_route("served", "tools")
    passes = reconciler(world)
    await passes.reconcile("ns")
    world.steps.clear()

    world.add_tools("tools", class_name="foreign")
    assert await passes.reconcile("ns") is None, "no such class: nobody runs it"

    assert world.steps[0] == "released tools there"
    assert "no controller runs" in world.steps[1]


async def test_a_gateway_that_never_ran_loses_its_conditions_as_well() -> None:
    world = World()
    world.add_tools("tools", guardrails=[{"name": "missing"}])
    passes = reconciler(world)
    await passes.reconcile("ns")
    assert world.steps == ["status tools GuardrailsResolutionFailed", "forget"]
    world.steps.clear()

    world.add_tools("tools", class_name="foreign", guardrails=[{"name": "missing"}])
    await passes.reconcile("ns")
    await passes.reconcile("ns")

    assert world.steps == ["released tools there", "forget", "forget"], "once is enough"


async def test_what_an_earlier_daemon_reported_is_taken_off() -> None:
    world = World()
    world.add_tools("tools", class_name="foreign")
    world.add_route("detached")
    world.add_route("untouched")
    world.told_before = {"tools", "detached"}

    await reconciler(world).reconcile("ns")

    assert world.steps == ["released tools there", "released detached there", "forget"]


async def test_a_detached_route_is_released() -> None:
    world = World()
    world.add_tools("tools")
    world.add_route("moving", "tools")
    passes = reconciler(world)
    await passes.reconcile("ns")
    world.steps.clear()

    world.add_route("moving")
    await passes.reconcile("ns")

    assert world.steps[0] == "released moving there"


async def test_a_route_that_cannot_be_read_says_why() -> None:
    world = World()
    world.add_tools("tools")
    world.add_route("odd", "tools")
    world.routes["odd"]["spec"]["upstream"] = {"toolServerRef": {"name": "missing"}}
    world.faults = {"odd": "spec.upstream: is a list"}

    await reconciler(world).reconcile("ns")

    assert "route odd UpstreamUnresolved spec.upstream: is a list" in world.steps


async def test_nothing_begins_in_a_namespace_that_goes() -> None:
    world = World("a")
    world.going = True

    assert await reconciler(world).reconcile("ns") == 0.0
    assert world.steps == []
