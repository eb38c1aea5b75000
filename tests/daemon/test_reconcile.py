"""A pass over one namespace, with stand-ins for cluster and engine: what happens in which order, and after a fault."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import pytest

from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.aigatewayclass import AiGatewayClass, AiGatewayClassSpec
from gateway_components.crds.meta import ObjectMeta
from gateway_components.crds.parse import parse_as
from gateway_components.daemon.clock import Clock
from gateway_components.daemon.ledger import Batch
from gateway_components.daemon.reconcile import Reconciler
from gateway_components.daemon.report import Reporter
from gateway_components.engine.errors import ClusterUnreachableError
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.kinds import AI_GATEWAY
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.snapshot import Snapshot
from gateway_components.plan.status import Rollout
from gateway_components.plan.workload import GatewayObjects

T = TypeVar("T")

REFUSED = Failure(Reason.SERVICE_FAILED, "refused")
CLASS = AiGatewayClass(
    metadata=ObjectMeta(name="litellm"), spec=AiGatewayClassSpec(controller=AI_GATEWAY.controller)
)


def key(name: str) -> GatewayKey:
    return GatewayKey("AiGateway", "ns", name)


class World(Clock):
    """View, engine, reporter and clock in one; `steps` tells what was done."""

    def __init__(self, *names: str, held: Collection[GatewayKey] = ()) -> None:
        self.gateways = {name: self.raw(name) for name in names}
        self.state = frozenset(held)
        self.failures: dict[GatewayKey, Failure] = {}
        self.broken: list[Exception] = []
        self.settled = True
        self.seconds = 0.0
        self.steps: list[str] = []

    @staticmethod
    def raw(name: str, model: str = "gpt-4o", class_name: str = "litellm") -> dict[str, Any]:
        return {
            "metadata": {"name": name, "namespace": "ns", "uid": f"uid-{name}", "generation": 1},
            "spec": {"aiGatewayClassName": class_name, "aiModels": [{"name": model, "provider": "openai"}]},
        }

    def now(self) -> float:
        return self.seconds

    async def in_thread(self, work: Callable[..., T], *args: object) -> T:
        return work(*args)

    async def snapshot(self, namespace: str) -> Snapshot:
        gateways = tuple(parse_as(AiGateway, raw) for raw in self.gateways.values())
        return Snapshot(ai_gateways=gateways, ai_gateway_classes=(CLASS,))

    def gateway(self, of: GatewayKey) -> Mapping[str, Any] | None:
        return self.gateways.get(of.name)

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

    async def released(self, of: GatewayKey, raw: Mapping[str, Any] | None) -> bool:
        self.steps.append(f"released {of.name} {'there' if raw else 'gone'}")
        return self.settled

    def engine_ran(self, namespace: str, batch: Batch, *_: object) -> None:
        """Nothing to note: `apply` has."""


class Recorder(Reporter):
    """Hands reports to the world."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def outcome(self, *args: Any) -> bool:
        return await self.world.outcome(*args)

    async def released(self, *args: Any) -> bool:
        return await self.world.released(*args)

    def engine_ran(self, *args: Any) -> None:
        self.world.engine_ran(*args)


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
    world.gateways["leaves"] = world.raw("leaves", class_name="other")

    await passes.reconcile("ns")

    assert world.steps == [
        "released leaves there",
        "status stays fine",
        "apply  release leaves",
        "status stays fine",
    ]


async def test_the_state_does_not_forget_while_the_conditions_are_still_there() -> None:
    world = World("leaves", held=[key("leaves")])
    world.gateways["leaves"] = world.raw("leaves", class_name="other")
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
