"""A pass over one namespace, with stand-ins for cluster and engine: what happens in which order, and after a fault."""

import pytest

from gateway_components.engine.errors import ClusterUnreachableError
from tests.daemon.world import REFUSED, World, key, reconciler


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


async def test_nothing_begins_in_a_namespace_that_goes() -> None:
    world = World("a")
    world.going = True

    assert await reconciler(world).reconcile("ns") == 0.0
    assert world.steps == []
