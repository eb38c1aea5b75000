"""The work queue: one worker per key, and changes gather while a key waits."""

import asyncio

import pytest

from gateway_components.daemon.queue import QueueClosedError, Schedule, WorkQueue


def test_keys_come_in_the_order_they_are_due() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.add("late", 2.0)
    schedule.add("early", 1.0)

    assert [schedule.take(3.0), schedule.take(3.0), schedule.take(3.0)] == ["early", "late", None]


def test_a_key_is_not_due_before_its_time() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.add("key", 2.0)

    assert schedule.take(1.9) is None
    assert schedule.next_due() == 2.0
    assert schedule.take(2.0) == "key"


def test_asking_again_makes_a_key_due_earlier_but_never_later() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.add("key", 5.0)
    schedule.add("key", 9.0)
    schedule.add("key", 3.0)

    assert len(schedule) == 1
    assert schedule.next_due() == 3.0


def test_a_key_in_work_waits_for_its_end() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.add("key", 0.0)
    schedule.take(0.0)
    schedule.add("key", 0.0)

    assert schedule.take(1.0) is None
    assert schedule.next_due() is None, "a worker must not wake up for a key it cannot have"
    schedule.done("key")
    assert schedule.take(1.0) == "key"


async def test_waiting_ends_when_a_key_is_added() -> None:
    loop = asyncio.get_running_loop()
    queue: WorkQueue[str] = WorkQueue(0.0, loop.time)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)

    queue.add("key")

    assert await asyncio.wait_for(waiting, 5) == "key"


async def test_changes_inside_the_window_come_as_one() -> None:
    now = [0.0]
    queue: WorkQueue[str] = WorkQueue(0.05, lambda: now[0])
    queue.add("key")
    queue.add("key")
    now[0] = 0.05

    assert await queue.get() == "key"
    queue.done("key")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), 0.01)


async def test_a_closed_queue_hands_out_nothing() -> None:
    queue: WorkQueue[str] = WorkQueue(0.0, asyncio.get_running_loop().time)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)

    queue.close()
    queue.add("key")

    with pytest.raises(QueueClosedError):
        await waiting
