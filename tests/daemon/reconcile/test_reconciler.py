"""A reconcile of one namespace, with stand-ins for cluster and engine: the order of steps, and faults."""

from collections.abc import Collection, Mapping
from typing import Any

import pytest

from gateway_components.api.meta import API_VERSION
from gateway_components.daemon.reconcile.reconciler import Reconciler
from gateway_components.engine.errors import ClusterUnreachableError
from gateway_components.identity import Identity
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.plan.findings import Failure
from gateway_components.plan.objects import GatewayObjects
from gateway_components.plan.ownership import Applied, Drift
from gateway_components.plan.plan import plan
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.snapshot import Content, ExistingObject
from gateway_components.plan.status import Rollout, StallReason
from tests.daemon.reconcile.world import REFUSED, Recorder, World, key, reconciler


async def test_a_status_is_written_only_after_the_engine_ran() -> None:
    world = World("a")

    assert await reconciler(world).reconcile("ns") is None
    assert world.steps == ["apply a", "status a fine"]


async def test_an_unchanged_gateway_needs_no_engine() -> None:
    world = World("a")
    subject = reconciler(world)
    await subject.reconcile("ns")
    world.steps.clear()

    await subject.reconcile("ns")

    assert world.steps == ["status a fine"]


async def test_what_the_state_held_is_checked_first() -> None:
    world = World("a", held=[key("a")])

    await reconciler(world).reconcile("ns")

    assert world.steps[0] == "apply a refresh"


async def test_a_failure_is_reported_and_tried_again_in_time() -> None:
    world = World("bad", "good")
    world.failures = {key("bad"): REFUSED}
    subject = reconciler(world)

    assert await subject.reconcile("ns") == 1.0
    assert world.steps == ["apply bad,good", "status bad ServiceFailed", "status good fine"]

    world.steps.clear()
    world.seconds, world.failures = 1.0, {}
    assert await subject.reconcile("ns") is None
    assert world.steps[-3:] == ["apply bad refresh", "status bad fine", "status good fine"]


async def test_pods_that_do_not_come_are_checked_again_in_time() -> None:
    world, looks = World("a"), []

    async def read(gateway: Identity, deployment: str) -> tuple[StallReason, ...]:
        looks.append(deployment)
        return ()

    subject = Reconciler(world, world, Recorder(world), world, read_pods=read)
    world.rollouts = {"a": Rollout(True, 1, 1, 1, 0, uid="u")}

    first = await subject.reconcile("ns")
    assert first is not None
    assert looks == []
    world.seconds = first
    second = await subject.reconcile("ns")
    assert second is not None
    assert second > first
    assert looks == ["u"]

    world.rollouts = {"a": Rollout(True, 1, 1, 1, 1, uid="u")}
    assert await subject.reconcile("ns") is None, "it is ready"


async def test_pods_are_replaced_once_what_was_deleted_stays_away() -> None:
    world, keys = World("a"), Identity("Secret", "ns", "api-key-secrets")
    running = {key("a"): {"runtime.agentic-layer.ai/secret-hash": "one"}}
    world.parts = {"contents": {keys: Content("one")}, "running": running}
    subject = reconciler(world)
    assert await subject.reconcile("ns") is None
    world.steps.clear()

    world.parts = {"absent": frozenset({keys}), "running": running}
    assert await subject.reconcile("ns") == 30.0
    assert world.steps == ["status a fine"]

    world.seconds = 30.0
    assert await subject.reconcile("ns") is None
    assert world.steps[1:] == ["apply a", "status a fine"]


async def test_a_failed_run_engine_run_is_repeated_without_status() -> None:
    world = World("a")
    world.broken = [ClusterUnreachableError("no answer")]
    subject = reconciler(world)

    with pytest.raises(ClusterUnreachableError):
        await subject.reconcile("ns")
    assert world.steps == ["apply a"]

    await subject.reconcile("ns")
    assert world.steps[1:] == ["apply a refresh", "status a fine"], "nobody knows how far it came"


async def test_drift_is_corrected_after_a_refresh_with_an_event() -> None:
    world = World("a")
    subject = reconciler(world)
    await subject.reconcile("ns")
    world.steps.clear()

    world.drifted = {"uid-a": [Drift(Identity("Service", "ns", "a"))]}
    await subject.reconcile("ns")

    assert world.steps == ["drifted a", "apply a refresh", "fixed a: Service a was deleted", "status a fine"]
    world.steps.clear()
    await subject.reconcile("ns")
    assert world.steps == ["status a fine"], "once is enough"


async def test_drift_gets_an_event_once_it_could_be_corrected() -> None:
    world = World("a")
    subject = reconciler(world)
    await subject.reconcile("ns")
    world.steps.clear()
    world.failures = {key("a"): REFUSED}
    world.drifted = {"uid-a": [Drift(Identity("Deployment", "ns", "a"), ("spec.replicas",))]}

    again = await subject.reconcile("ns")
    assert world.steps == ["drifted a", "apply a refresh", "status a ServiceFailed"]
    world.seconds, world.failures = again or 0.0, {}
    world.steps.clear()
    await subject.reconcile("ns")

    assert world.steps[-2:] == ["fixed a: spec.replicas of Deployment a was changed", "status a fine"]


async def test_a_state_of_another_writer_is_read_again_and_refreshed() -> None:
    world = World("a")
    subject = reconciler(world)
    await subject.reconcile("ns")
    world.steps.clear()
    world.current = False

    await subject.reconcile("ns")

    assert world.steps == ["apply a refresh", "status a fine"]
    assert world.current


async def test_what_the_state_says_is_applied_needs_no_engine() -> None:
    world = World("a")
    (planned,) = plan(await world.snapshot("ns")).gateways.values()
    assert planned.objects
    world.state = {key("a"): Applied("uid-a", planned.objects.digest, {})}

    await reconciler(world).reconcile("ns")

    assert world.steps == ["status a fine"]


async def test_a_status_that_could_not_be_written_is_written_soon() -> None:
    world = World("a")
    world.settled = False

    assert await reconciler(world).reconcile("ns") == 0.2


async def test_nothing_begins_in_a_namespace_that_goes() -> None:
    world = World("a")
    world.going = True

    assert await reconciler(world).reconcile("ns") == 0.0
    assert world.steps == []


async def test_drift_is_repaired_before_the_engine_records_it() -> None:
    world = World("a")

    async def repair(objects: GatewayObjects, changed: Collection[Identity]) -> None:
        names = ", ".join(sorted(key.kind for key in changed))
        world.steps.append(f"repair {objects.deployment['metadata']['name']}: {names or 'nothing'}")

    subject = Reconciler(world, world, Recorder(world), world, repair=repair)
    await subject.reconcile("ns")
    world.steps.clear()
    service, deployment = (Identity(kind, "ns", "a") for kind in ("Service", "Deployment"))

    world.drifted = {"uid-a": [Drift(service, ("spec.selector",)), Drift(deployment)]}
    world.failures = {key("a"): REFUSED}
    again = await subject.reconcile("ns")
    assert world.steps[:3] == ["drifted a", "repair a: Service", "apply a refresh"], (
        "the engine makes what is gone"
    )

    world.seconds = again or 0.0
    world.steps.clear()
    await subject.reconcile("ns")
    assert world.steps[1:3] == ["repair a: ConfigMap, Deployment, Service", "apply a refresh"], "or more"


@pytest.mark.parametrize(("applied", "first"), [(False, "apply a refresh"), (True, "apply a")])
async def test_objects_of_another_operator_are_refreshed_first(applied: bool, first: str) -> None:
    world = World("a")
    owner = API_VERSION, "AiGateway", "a"
    world.parts["existing"] = {Identity("Deployment", "ns", "a"): ExistingObject(owner, applied)}

    await reconciler(world).reconcile("ns")

    assert world.steps[0] == first


async def test_another_operator_is_reported_each_time_it_writes() -> None:
    world = World("a")
    subject = reconciler(world)
    ours = {"runtime.agentic-layer.ai/config-hash": "1"}
    both = {**ours, "gateway.agentic-layer.ai/config-hash": "2"}
    for running in (ours, both, both, ours, both):
        world.parts["running"] = {key("a"): running}
        await subject.reconcile("ns")

    assert world.steps.count("rivalled a") == 2


class Refusing(Recorder):
    """The API server refuses the status of one route, as it does where etcd has no room for more."""

    def __init__(self, world: World, error: Exception) -> None:
        super().__init__(world)
        self.error = error

    async def route(self, route: RoutePlan, raw: Mapping[str, Any], degraded: Failure | None) -> bool:
        if route.key.name == "full":
            raise self.error
        return await super().route(route, raw, degraded)

    async def released(self, subject: Identity, raw: Mapping[str, Any] | None) -> bool:
        if subject.name == "full":
            raise self.error
        return await super().released(subject, raw)


TOO_LARGE = ApiError(500, "", "etcdserver: request is too large")


@pytest.mark.parametrize("error", [TOO_LARGE, RecursionError("odd")], ids=["refused", "a fault of ours"])
async def test_a_status_that_cannot_be_written_holds_up_nobody(error: Exception) -> None:
    world = World("a")
    world.add_tools("tools")
    world.add_route("fine", "tools")
    world.add_route("full", "tools")
    subject = Reconciler(world, world, Refusing(world, error), world)

    first = await subject.reconcile("ns")

    assert world.steps == ["apply a,tools", "status a fine", "status tools fine", "route fine fine"]
    assert first is not None
    assert 0.5 < first <= 1
    world.seconds = first
    second = await subject.reconcile("ns")
    assert second is not None
    assert second > first, "it is tried again, ever more rarely"


async def test_a_refused_status_is_written_again_until_it_can_be() -> None:
    world = World()
    world.add_tools("tools")
    world.add_route("full", "tools")
    refusing = Refusing(world, TOO_LARGE)
    subject = Reconciler(world, world, refusing, world)
    assert await subject.reconcile("ns") is not None

    world.add_route("full", "other")
    assert await subject.reconcile("ns") is not None
    world.add_route("full", "tools")
    world.routes["full"]["metadata"]["name"] = "shrunk"
    world.routes["shrunk"] = world.routes.pop("full")

    assert await subject.reconcile("ns") is None


async def test_a_route_that_cannot_be_released_holds_up_nobody() -> None:
    world = World("a")
    world.add_route("full")
    world.reported_before = {"full"}

    await Reconciler(world, world, Refusing(world, TOO_LARGE), world).reconcile("ns")

    assert world.steps == ["apply a", "status a fine"]


async def test_without_an_answer_a_reconcile_ends() -> None:
    world = World("a")
    world.add_tools("tools")
    world.add_route("full", "tools")
    subject = Reconciler(world, world, Refusing(world, ApiUnreachableError("no answer")), world)

    with pytest.raises(ExceptionGroup):
        await subject.reconcile("ns")


async def test_a_run_waits_for_room_and_carries_what_there_is_room_for() -> None:
    world, asked = World("a", "b", "c"), list[int]()
    world.most, world.on_room = 2, asked.append
    subject = reconciler(world)

    await subject.reconcile("ns")
    await subject.reconcile("ns")

    assert asked == [2, 1]
    assert [step for step in world.steps if step.startswith("apply")] == ["apply a,b", "apply c"]


async def test_a_namespace_that_goes_while_it_waits_has_no_run() -> None:
    world = World("a")
    world.on_room = lambda _: setattr(world, "going", True)

    assert await reconciler(world).reconcile("ns") == 0.0

    assert world.steps == []
