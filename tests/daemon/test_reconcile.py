"""A pass over one namespace, with stand-ins for cluster and engine: what happens in which order, and after a fault."""

from collections.abc import Collection

import pytest

from gateway_components.daemon.reconcile import Reconciler
from gateway_components.engine.errors import ClusterUnreachableError
from gateway_components.plan.keys import GatewayKey, ObjectKey, Reference
from gateway_components.plan.ownership import Applied, Drift
from gateway_components.plan.plan import plan
from gateway_components.plan.rollout import Rollout, StallReason
from gateway_components.plan.snapshot import Content
from gateway_components.plan.workload import GatewayObjects
from tests.daemon.world import REFUSED, Recorder, World, key, reconciler


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


async def test_pods_that_do_not_come_are_looked_at_again_in_time() -> None:
    world, looks = World("a"), []

    async def read(gateway: GatewayKey, deployment: str) -> tuple[StallReason, ...]:
        looks.append(deployment)
        return ()

    passes = Reconciler(world, world, Recorder(world), world, read_pods=read)
    world.rollouts = {"a": Rollout(True, 1, 1, 1, 0, uid="u")}

    first = await passes.reconcile("ns")
    assert first is not None
    assert looks == []
    world.seconds = first
    second = await passes.reconcile("ns")
    assert second is not None
    assert second > first
    assert looks == ["u"]

    world.rollouts = {"a": Rollout(True, 1, 1, 1, 1, uid="u")}
    assert await passes.reconcile("ns") is None, "it is ready"


async def test_pods_are_replaced_once_what_was_deleted_stays_away() -> None:
    world, keys = World("a"), Reference("Secret", "ns", "api-key-secrets")
    running = {key("a"): {"runtime.agentic-layer.ai/secret-hash": "one"}}
    world.parts = {"contents": {keys: Content("one")}, "running": running}
    passes = reconciler(world)
    assert await passes.reconcile("ns") is None
    world.steps.clear()

    world.parts = {"absent": frozenset({keys}), "running": running}
    assert await passes.reconcile("ns") == 30.0
    assert world.steps == ["status a fine"]

    world.seconds = 30.0
    assert await passes.reconcile("ns") is None
    assert world.steps[1:] == ["apply a", "status a fine"]


async def test_an_engine_that_breaks_off_changes_no_status_and_is_asked_again() -> None:
    world = World("a")
    world.broken = [ClusterUnreachableError("no answer")]
    passes = reconciler(world)

    with pytest.raises(ClusterUnreachableError):
        await passes.reconcile("ns")
    assert world.steps == ["apply a"]

    await passes.reconcile("ns")
    assert world.steps[1:] == ["apply a refresh", "status a fine"], "nobody knows how far it came"


async def test_what_somebody_changed_is_put_right_after_a_look_and_told_of() -> None:
    world = World("a")
    passes = reconciler(world)
    await passes.reconcile("ns")
    world.steps.clear()

    world.drifted = {"uid-a": [Drift(ObjectKey("Service", "ns", "a"))]}
    await passes.reconcile("ns")

    assert world.steps == ["drifted a", "apply a refresh", "status a fine", "mended a: Service a was deleted"]
    world.steps.clear()
    await passes.reconcile("ns")
    assert world.steps == ["status a fine"], "once is enough"


async def test_what_somebody_changed_is_told_of_once_it_could_be_put_right() -> None:
    world = World("a")
    passes = reconciler(world)
    await passes.reconcile("ns")
    world.steps.clear()
    world.failures = {key("a"): REFUSED}
    world.drifted = {"uid-a": [Drift(ObjectKey("Deployment", "ns", "a"), ("spec.replicas",))]}

    again = await passes.reconcile("ns")
    assert world.steps == ["drifted a", "apply a refresh", "status a ServiceFailed"]
    world.seconds, world.failures = again or 0.0, {}
    world.steps.clear()
    await passes.reconcile("ns")

    assert world.steps[-1] == "mended a: spec.replicas of Deployment a was changed"


async def test_a_state_that_somebody_else_wrote_is_read_again_and_everything_looked_at() -> None:
    world = World("a")
    passes = reconciler(world)
    await passes.reconcile("ns")
    world.steps.clear()
    world.current = False

    await passes.reconcile("ns")

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


async def test_what_was_changed_is_repaired_before_the_engine_takes_note_of_it() -> None:
    world = World("a")

    async def repair(objects: GatewayObjects, changed: Collection[ObjectKey]) -> None:
        names = ", ".join(sorted(key.kind for key in changed))
        world.steps.append(f"repair {objects.deployment['metadata']['name']}: {names or 'nothing'}")

    passes = Reconciler(world, world, Recorder(world), world, repair=repair)
    await passes.reconcile("ns")
    world.steps.clear()
    service, deployment = (ObjectKey(kind, "ns", "a") for kind in ("Service", "Deployment"))

    world.drifted = {"uid-a": [Drift(service, ("spec.selector",)), Drift(deployment)]}
    world.failures = {key("a"): REFUSED}
    again = await passes.reconcile("ns")
    assert world.steps[:3] == ["drifted a", "repair a: Service", "apply a refresh"], (
        "the engine makes what is gone"
    )

    world.seconds = again or 0.0
    world.steps.clear()
    await passes.reconcile("ns")
    assert world.steps[1:3] == ["repair a: ConfigMap, Deployment, Service", "apply a refresh"], "or more"
