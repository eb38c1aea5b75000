"""Statuses are written beside the engine's next run, those of one namespace one round after the other."""

import asyncio
from typing import Any

import pytest

from gateway_components.daemon.reconcile.reconciler import Reconciler
from gateway_components.identity import Identity
from gateway_components.kube.errors import ApiUnreachableError
from gateway_components.plan.ownership import Drift
from gateway_components.plan.status import Rollout, StallReason
from tests.daemon.reconcile.world import Recorder, World, reconciler


class Slow(World):
    """Statuses are written once they may be; `broken_answers` says that there is none then."""

    broken_answers = False

    def __init__(self, *names: str) -> None:
        super().__init__(*names)
        self.may_write = asyncio.Event()

    async def outcome(self, *report: Any) -> bool:
        await self.may_write.wait()
        if self.broken_answers:
            raise ApiUnreachableError("no answer")
        return await super().outcome(*report)


async def applied_one_of_two() -> tuple[Slow, Reconciler]:
    """Return a namespace with two gateways, of which a run carries one at most, after the first run."""
    world = Slow("a", "b")
    world.most = 1
    subject = reconciler(world)
    assert await subject.reconcile("ns") == 0.0
    assert world.steps == ["apply a"], "it did not wait for a status"
    return world, subject


async def hung(world: Slow, subject: Reconciler) -> asyncio.Task[float | None]:
    world.hanging = {"b"}
    going = asyncio.create_task(subject.reconcile("ns"))
    await asyncio.wait_for(world.running.wait(), 60)
    return going


async def test_a_crowd_is_reported_beside_its_next_run() -> None:
    world, subject = await applied_one_of_two()
    going = await hung(world, subject)

    world.may_write.set()
    await world.sleep(0)

    assert world.steps == ["apply a", "apply b", "status a fine"]
    assert not going.done(), "the run goes on"
    going.cancel()
    world.interrupt("ns")
    await asyncio.wait((going,))


async def test_a_run_is_reported_at_once_where_others_come_first() -> None:
    world = World("a", "b")
    world.most = 1
    subject = Reconciler(world, world, Recorder(world), world, follows=lambda: False)

    assert await subject.reconcile("ns") == 0.0

    assert world.steps == ["apply a", "status a fine"]


async def test_what_changes_beside_a_run_is_reported_after_what_was_before() -> None:
    world, subject = await applied_one_of_two()
    going = await hung(world, subject)

    world.gateways["a"] = world.raw_gateway("a", "another")
    world.seconds += 1000.0
    world.changes.put_nowait(None)
    await asyncio.wait_for(world.changes.join(), 60)
    await world.sleep(0)
    assert not going.done(), "the second round waits for the first"

    world.may_write.set()
    assert await asyncio.wait_for(going, 60) == 0.0
    assert [step.split()[:2] for step in world.steps[2:]] == [["status", "a"], ["preempted", "b"]]


async def test_a_run_is_recorded_though_a_report_beside_it_fails() -> None:
    world, subject = await applied_one_of_two()
    world.may_write.set()
    world.broken_answers = True
    with pytest.raises(ExceptionGroup):
        await subject.reconcile("ns")

    world.broken_answers = False
    assert await subject.reconcile("ns") is None

    assert world.steps == ["apply a", "apply b", "status a fine", "status b fine"]


async def test_reports_are_finished_where_the_run_fails() -> None:
    world, subject = await applied_one_of_two()
    world.broken = [ApiUnreachableError("no answer")]
    going = asyncio.create_task(subject.reconcile("ns"))
    await world.sleep(0)
    assert not world.broken, "the run has failed"
    world.may_write.set()

    with pytest.raises(ApiUnreachableError):
        await asyncio.wait_for(going, 60)

    assert world.steps == ["apply a", "apply b", "status a fine"]


class Rolled(World):
    """Notes of each reported gateway whether its Deployment is said to exist."""

    async def outcome(self, *report: Any) -> bool:
        gateway, *_, rollout = report
        self.steps.append(f"{gateway.key.name} {'exists' if rollout else 'does not exist'}")
        return True


async def test_a_run_that_ends_while_pods_are_read_comes_after_them() -> None:
    world, read = Rolled("a"), asyncio.Event()

    async def read_pods(*_: Any) -> tuple[StallReason, ...]:
        await read.wait()
        return ()

    subject = Reconciler(world, world, Recorder(world), world, read_pods=read_pods, changed=world.changed)
    world.rollouts = dict.fromkeys("ab", Rollout(True, 1, 1, 1, 0, uid="uid", generation=1))
    world.seconds += await subject.reconcile("ns") or 0.0
    world.gateways["b"] = world.raw_gateway("b")
    world.steps.clear()

    going = asyncio.create_task(subject.reconcile("ns"))
    await world.sleep(0)
    assert world.steps == ["apply b"], "the run has ended, and the pods of the other are still being read"
    read.set()
    await asyncio.wait_for(going, 60)

    assert world.steps == ["apply b", "a exists", "a exists", "b exists"]


async def test_a_gateway_made_again_gets_no_status_of_the_one_before() -> None:
    world = World("a")

    def make_again(_: int) -> None:
        world.gateways["a"]["metadata"]["uid"] = "another"

    world.on_room = make_again
    await reconciler(world).reconcile("ns")

    assert world.steps == ["apply a"]


async def test_corrected_drift_is_told_of_though_a_report_fails() -> None:
    world = Slow("a", "b")
    world.may_write.set()
    subject = reconciler(world)
    await subject.reconcile("ns")
    world.drifted = {"uid-a": [Drift(Identity("Service", "ns", "a"))]}
    world.broken_answers = True
    world.steps.clear()

    with pytest.raises(ExceptionGroup):
        await subject.reconcile("ns")

    assert world.steps == ["drifted a", "apply a refresh", "fixed a: Service a was deleted"]
