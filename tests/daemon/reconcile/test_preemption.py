"""A run that hangs, with stand-ins for cluster and engine: what is more urgent does not wait for it."""

import asyncio
from collections.abc import Collection
from typing import Any

import pytest

from gateway_components.daemon.reconcile.reconciler import Reconciler
from gateway_components.engine.errors import EngineInterruptedError
from gateway_components.identity import Identity
from gateway_components.plan.objects import GatewayObjects
from gateway_components.plan.ownership import Drift
from tests.daemon.reconcile.world import REFUSED, Recorder, World, key, reconciler


async def with_a_retry_due() -> tuple[World, Reconciler]:
    """Return a namespace with the gateway ``good``, and ``bad``, which failed and will hang when it is retried."""
    world = World("bad", "good")
    world.failures = {key("bad"): REFUSED}
    subject = reconciler(world)
    world.seconds = await subject.reconcile("ns") or 0.0
    world.failures = {}
    world.hanging = {"bad"}
    world.steps.clear()
    return world, subject


async def hung(world: World, subject: Reconciler) -> asyncio.Task[float | None]:
    """Begin a reconcile and return it once its run hangs."""
    going = asyncio.create_task(subject.reconcile("ns"))
    await asyncio.wait_for(world.running.wait(), 60)
    return going


async def ends(going: asyncio.Task[float | None]) -> float | None:
    return await asyncio.wait_for(going, 60)


async def test_an_edit_preempts_a_retry_and_is_applied_first() -> None:
    world, subject = await with_a_retry_due()
    going = await hung(world, subject)

    world.gateways["good"] = world.raw_gateway("good", "edited")
    world.changes.put_nowait(None)

    assert await ends(going) == 0.0
    assert world.steps[-1] == "preempted bad after 0 s"
    world.steps.clear()
    assert await subject.reconcile("ns") == 1.0, "the retry is due after its pause"
    assert [step for step in world.steps if step.startswith("apply")] == ["apply good"]
    assert "status good fine" in world.steps
    world.hanging.clear()
    world.seconds += 1.0
    world.steps.clear()
    await subject.reconcile("ns")
    assert "apply bad refresh" in world.steps, "nobody knows how far the interrupted run came"


async def test_other_changes_are_reported_beside_the_run() -> None:
    world, subject = await with_a_retry_due()
    going = await hung(world, subject)
    world.steps.clear()

    world.changes.put_nowait(None)
    await asyncio.wait_for(world.changes.join(), 60)
    await world.sleep(0)

    assert world.steps == ["status bad ServiceFailed", "status good fine"]
    assert not going.done()
    going.cancel()
    world.interrupt("ns")
    await asyncio.wait((going,))


async def test_what_hangs_is_preempted_by_its_own_edit() -> None:
    world, subject = await with_a_retry_due()
    going = await hung(world, subject)

    world.hanging.clear()
    world.gateways["bad"] = world.raw_gateway("bad", "cured")
    world.changes.put_nowait(None)

    assert await ends(going) == 0.0
    assert await subject.reconcile("ns") is None
    assert world.steps[-2:] == ["status bad fine", "status good fine"]


async def test_drift_of_another_preempts_a_retry() -> None:
    world, subject = await with_a_retry_due()
    going = await hung(world, subject)

    world.drifted = {"uid-good": [Drift(Identity("Service", "ns", "good"))]}
    world.changes.put_nowait(None)

    assert await ends(going) == 0.0


async def test_a_gateway_that_goes_preempts_its_own_retry() -> None:
    world, subject = await with_a_retry_due()
    going = await hung(world, subject)

    del world.gateways["bad"]
    world.changes.put_nowait(None)

    assert await ends(going) == 0.0
    await subject.reconcile("ns")
    assert "apply  release bad" in world.steps


async def test_edits_without_end_leave_a_retry_its_turn() -> None:
    world, subject = await with_a_retry_due()
    spans: list[str] = []
    for number in range(5):
        going = await hung(world, subject)
        world.gateways["good"] = world.raw_gateway("good", f"edited-{number}")
        world.changes.put_nowait(None)
        await ends(going)
        spans += [step for step in world.steps if step.startswith("preempted")]
        world.steps.clear()
        world.seconds += await subject.reconcile("ns") or 0.0

    assert spans[:3] == ["preempted bad after 0 s"] * 3
    assert spans[3] == "preempted bad after 10.1 s", "three times in a row at once, and not a fourth time"
    assert spans[4] == "preempted bad after 0 s"


async def test_a_hanging_retry_is_preempted_by_what_waits() -> None:
    world, subject = await with_a_retry_due()
    world.seconds += 10.0
    world.gateways["good"] = world.raw_gateway("good", "edited")
    going = await hung(world, subject)

    assert await ends(going) == 0.0

    assert world.steps[-1] == "preempted bad after 10.1 s", "though nothing tells of the edit again"
    await subject.reconcile("ns")
    assert "apply good" in world.steps


async def test_what_nobody_can_decide_about_preempts_nothing() -> None:
    world, subject = await with_a_retry_due()
    going = await hung(world, subject)
    world.undecided = {key("good")}

    world.changes.put_nowait(None)
    await asyncio.wait_for(world.changes.join(), 60)
    await world.sleep(0)

    assert not going.done()
    going.cancel()
    world.interrupt("ns")
    await asyncio.wait((going,))


async def test_a_deletion_preempts_any_run_that_hangs() -> None:
    world = World("bad", "good")
    subject = reconciler(world)
    await subject.reconcile("ns")
    world.hanging = {"bad"}
    world.gateways["bad"] = world.raw_gateway("bad", "edited")
    going = await hung(world, subject)

    del world.gateways["good"]
    world.changes.put_nowait(None)

    assert await ends(going) == 0.0
    assert world.steps[-1] == "preempted bad after 10.1 s"


class Slow(Recorder):
    """Writes statuses only when it is told to."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.writing = asyncio.Event()
        self.may_write = asyncio.Event()
        self.may_write.set()

    async def gateway(self, *args: Any) -> bool:
        self.writing.set()
        await self.may_write.wait()
        return await super().gateway(*args)


async def test_a_report_that_has_begun_beside_a_run_outlasts_it() -> None:
    world = World("bad", "good")
    world.failures = {key("bad"): REFUSED}
    slow = Slow(world)
    subject = Reconciler(world, world, slow, world, changed=world.changed)
    world.seconds = await subject.reconcile("ns") or 0.0
    world.hanging = {"bad"}
    going = await hung(world, subject)
    world.steps.clear()
    slow.may_write.clear()
    slow.writing.clear()
    world.changes.put_nowait(None)
    await asyncio.wait_for(slow.writing.wait(), 60)

    world.interrupt("ns")
    await world.sleep(0)
    assert not going.done()
    slow.may_write.set()
    with pytest.raises(EngineInterruptedError):
        await ends(going)

    assert world.steps == ["status bad ServiceFailed", "status good fine"]


async def test_a_first_run_that_hangs_is_preempted_and_taken_apart() -> None:
    world = World("bad", "good")
    world.hanging = {"bad"}
    subject = reconciler(world)
    going = await hung(world, subject)

    world.gateways["new"] = world.raw_gateway("new")
    world.changes.put_nowait(None)
    await ends(going)

    assert world.steps == ["apply bad,good", "preempted bad,good after 10.2 s"]
    world.steps.clear()
    world.seconds += await subject.reconcile("ns") or 0.0
    assert world.steps[-2:] == ["apply new", "status new fine"], "of the others nothing is known"
    world.steps.clear()
    going = await hung(world, subject)
    assert world.steps == ["status new fine", "apply bad refresh"], "each alone"
    going.cancel()
    world.interrupt("ns")
    await asyncio.wait((going,))
    world.seconds += 60.0
    world.hanging.clear()
    for _ in range(2):
        await subject.reconcile("ns")
    assert world.steps[-3:] == ["status bad fine", "status good fine", "status new fine"]


async def test_one_that_hangs_alone_is_reported() -> None:
    world = World("bad")
    world.hanging = {"bad"}
    subject = reconciler(world)
    for number in range(5):
        going = await hung(world, subject)
        world.gateways[f"new-{number}"] = world.raw_gateway(f"new-{number}")
        world.changes.put_nowait(None)
        await ends(going)
        world.seconds += await subject.reconcile("ns") or 0.0

    assert "status bad WorkloadFailed" in world.steps


async def test_a_repair_that_hangs_is_preempted_as_well() -> None:
    world = World("bad", "good")
    world.failures = {key("bad"): REFUSED}
    repairing = asyncio.Event()

    async def repair(objects: GatewayObjects, changed: Collection[Identity]) -> None:
        repairing.set()
        await asyncio.Event().wait()

    subject = Reconciler(world, world, Recorder(world), world, repair=repair, changed=world.changed)
    world.seconds = await subject.reconcile("ns") or 0.0
    going = asyncio.create_task(subject.reconcile("ns"))
    await asyncio.wait_for(repairing.wait(), 60)

    world.gateways["good"] = world.raw_gateway("good", "edited")
    world.changes.put_nowait(None)

    assert await ends(going) == 0.0
    assert world.steps[-1] == "preempted bad after 0 s"
