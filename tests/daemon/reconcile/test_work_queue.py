"""The work queue: one worker per key, and changes gather while a key waits."""

import asyncio

import pytest

from gateway_components.daemon.reconcile.work_queue import QueueClosedError, Schedule, WorkQueue


def test_keys_come_in_the_order_they_are_due() -> None:
    schedule: Schedule[str] = Schedule(0.0, 0.0)
    schedule.ask("late", 2.0)
    schedule.ask("early", 1.0)

    assert [schedule.take(3.0), schedule.take(3.0), schedule.take(3.0)] == ["early", "late", None]


def test_a_key_is_not_due_before_its_time() -> None:
    schedule: Schedule[str] = Schedule(0.0, 0.0)
    schedule.ask("key", 2.0)

    assert schedule.take(1.9) is None
    assert schedule.next_due() == 2.0
    assert schedule.take(2.0) == "key"


def test_asking_again_makes_a_key_due_earlier_but_never_later() -> None:
    schedule: Schedule[str] = Schedule(0.0, 0.0)
    schedule.ask("key", 5.0)
    schedule.ask("key", 9.0)
    schedule.ask("key", 3.0)

    assert len(schedule) == 1
    assert schedule.next_due() == 3.0


def test_a_key_in_work_waits_for_its_end() -> None:
    schedule: Schedule[str] = Schedule(0.0, 0.0)
    schedule.ask("key", 0.0)
    schedule.take(0.0)
    schedule.ask("key", 0.0)

    assert schedule.take(1.0) is None
    assert schedule.next_due() is None, "a worker must not wake up for a key it cannot have"
    schedule.done("key")
    assert schedule.take(1.0) == "key"


def test_a_change_waits_for_quiet_but_not_for_ever() -> None:
    schedule: Schedule[str] = Schedule(quiet=1.0, longest=3.0)

    schedule.change("key", 10.0)
    assert schedule.next_due() == 11.0
    schedule.change("key", 10.8)
    assert schedule.next_due() == 11.8
    schedule.change("key", 12.9)
    assert schedule.next_due() == 13.0, "the first change waits no longer than this"
    assert schedule.take(13.0) == "key"
    schedule.done("key")
    schedule.change("key", 14.0)
    assert schedule.next_due() == 15.0, "a new first change"


def test_a_change_does_not_put_off_what_was_asked_for() -> None:
    schedule: Schedule[str] = Schedule(quiet=1.0, longest=3.0)
    schedule.ask("key", 10.5)

    schedule.change("key", 10.0)
    schedule.change("key", 10.4)

    assert schedule.next_due() == 10.5


async def test_waiting_ends_when_a_key_is_asked_for() -> None:
    queue: WorkQueue[str] = WorkQueue(Schedule(0.0, 0.0), asyncio.get_running_loop().time)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)

    queue.ask("key", 0)

    assert await asyncio.wait_for(waiting, 60) == "key"


async def test_changes_that_come_together_go_together() -> None:
    now = [0.0]
    queue: WorkQueue[str] = WorkQueue(Schedule(0.05, 0.1), lambda: now[0])
    queue.change("key")
    queue.change("key")
    now[0] = 0.05

    assert await queue.get() == "key"
    queue.done("key")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), 0.01)


async def test_a_queue_is_free_while_no_other_key_is_due() -> None:
    now = [0.0]
    queue: WorkQueue[str] = WorkQueue(Schedule(0.0, 0.0), lambda: now[0])
    queue.change("key")
    assert await queue.get() == "key"
    queue.change("key")
    queue.ask("later", 5.0)
    assert queue.is_free(), "one waits for the work on it, one for its time"

    now[0] = 5.0
    assert not queue.is_free()
    assert await queue.get() == "later"
    assert queue.is_free()

    queue.close()
    assert not queue.is_free(), "nothing follows"


async def test_a_closed_queue_hands_out_nothing() -> None:
    queue: WorkQueue[str] = WorkQueue(Schedule(0.0, 0.0), asyncio.get_running_loop().time)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)

    queue.close()
    queue.change("key")

    with pytest.raises(QueueClosedError):
        await waiting


async def test_a_worker_learns_how_long_a_change_waited() -> None:
    now, waits = [10.0], list[float]()
    queue: WorkQueue[str] = WorkQueue(Schedule(0.0, 0.0), lambda: now[0], waits.append)
    queue.change("key")
    now[0] = 11.0
    queue.change("key")
    now[0] = 13.0
    await queue.get()
    queue.change("key")
    now[0] = 20.0
    queue.done("key")
    await queue.get()

    assert waits == [3.0, 7.0], "since the first change, also of one that came during a reconcile"


async def test_what_is_asked_for_later_has_not_waited() -> None:
    now, waits = [10.0], list[float]()
    queue: WorkQueue[str] = WorkQueue(Schedule(0.0, 0.0), lambda: now[0], waits.append)
    queue.ask("retry", 5.0)
    assert queue.depth() == 0
    now[0] = 15.0
    assert queue.depth() == 1
    await queue.get()

    assert waits == []


def test_the_depth_counts_each_key_that_a_worker_could_take() -> None:
    schedule: Schedule[str] = Schedule(1.0, 1.0)
    schedule.change("changed", 0.0)
    schedule.change("both", 0.0)
    schedule.ask("both", 0.0)
    schedule.ask("later", 9.0)

    assert schedule.depth(0.0) == 2
    assert schedule.depth(9.0) == 3


class Counted(str):
    """A key that counts how often any of them is looked up."""

    __slots__ = ()
    looks = 0

    def __hash__(self) -> int:
        Counted.looks += 1
        return super().__hash__()

    __eq__ = str.__eq__


def looks_at(keys: int) -> int:
    """Return how often keys are looked up while so many change, are asked for, and are worked off."""
    schedule: Schedule[Counted] = Schedule(1.0, 3.0)
    Counted.looks = 0
    for number in range(keys):
        schedule.change(Counted(number), 0.0)
        schedule.change(Counted(number), 0.5)
        schedule.ask(Counted(number), 9.0)
    taken = []
    while (key := schedule.take(3.0)) is not None:
        schedule.next_due()
        schedule.done(key)
        taken.append(key)
    assert len(taken) == keys
    return Counted.looks


def test_twice_as_many_keys_take_twice_as_much_work() -> None:
    assert looks_at(400) <= 2.1 * looks_at(200)


def test_keys_that_change_while_others_wait_keep_their_order() -> None:
    schedule: Schedule[str] = Schedule(1.0, 3.0)
    schedule.change("a", 0.0)
    schedule.change("b", 0.2)
    schedule.change("a", 0.4)

    assert [schedule.take(9.0), schedule.take(9.0), schedule.take(9.0)] == ["b", "a", None]


async def test_work_hears_once_of_changes_of_its_key() -> None:
    now = [0.0]
    queue: WorkQueue[str] = WorkQueue(Schedule(0.0, 0.0), lambda: now[0])
    queue.change("key")
    await queue.get()
    hearing = asyncio.create_task(queue.changed("key"))
    queue.change("other")
    queue.ask("key", 0)
    await asyncio.sleep(0)
    assert not hearing.done(), (
        "what was there before, what is asked for and what others do is no change of it"
    )

    queue.change("key")
    await asyncio.wait_for(hearing, 60)

    hearing = asyncio.create_task(queue.changed("key"))
    await asyncio.sleep(0)
    assert not hearing.done(), "this one is known"
    hearing.cancel()
    assert await queue.get() == "other"
    queue.done("key")
    assert await queue.get() == "key"


class Work:
    """Work on keys that ends when a test says so."""

    def __init__(self, keys: int, workers: int) -> None:
        self.queue: WorkQueue[int] = WorkQueue(Schedule(0, 0), asyncio.get_running_loop().time)
        for key in range(keys):
            self.queue.change(key)
        self.ends = {key: asyncio.Event() for key in range(keys)}
        self.running: set[int] = set()
        self.done: list[int] = []
        self.task = asyncio.create_task(self.queue.serve(self._work, workers))

    async def _work(self, key: int) -> None:
        self.running.add(key)
        await self.ends[key].wait()
        self.running.discard(key)
        self.done.append(key)


async def settled() -> None:
    """Let everything that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_as_many_keys_are_in_work_as_there_are_workers() -> None:
    work = Work(keys=5, workers=3)
    await settled()
    first = set(work.running)
    assert len(first) == 3

    work.ends[min(first)].set()
    await settled()

    assert len(work.running) == 3
    assert work.done == [min(first)]
    work.task.cancel()
    await asyncio.gather(work.task, return_exceptions=True)


async def test_a_closed_queue_lets_work_finish_and_starts_none() -> None:
    work = Work(keys=3, workers=2)
    await settled()
    begun = set(work.running)
    work.queue.close()
    await settled()
    assert not work.task.done()

    for key in begun:
        work.ends[key].set()
    await asyncio.wait_for(work.task, 60)

    assert set(work.done) == begun


async def test_an_error_of_the_work_ends_all_workers() -> None:
    queue: WorkQueue[int] = WorkQueue(Schedule(0, 0), asyncio.get_running_loop().time)

    async def fail(_: int) -> None:
        raise ValueError

    queue.change(1)
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(queue.serve(fail, 3), 60)
    assert isinstance(caught.value.exceptions[0], ValueError)
