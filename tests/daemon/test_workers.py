"""How many work at a time, and what a change of that number does to what has begun."""

import asyncio

import pytest

from gateway_components.daemon.queue import Schedule, WorkQueue
from gateway_components.daemon.workers import Workers


class Work:
    """Work on keys that ends when a test says so."""

    def __init__(self, keys: int, workers: int) -> None:
        self.queue: WorkQueue[int] = WorkQueue(Schedule(0, 0), asyncio.get_running_loop().time)
        for key in range(keys):
            self.queue.change(key)
        self.ends = {key: asyncio.Event() for key in range(keys)}
        self.running: set[int] = set()
        self.done: list[int] = []
        self.workers = Workers(self.queue, self._work, workers)
        self.task = asyncio.create_task(self.workers.run())

    async def _work(self, key: int) -> None:
        self.running.add(key)
        await self.ends[key].wait()
        self.running.discard(key)
        self.done.append(key)

    async def finish(self, key: int) -> None:
        self.ends[key].set()
        await settled()

    async def close(self) -> None:
        for end in self.ends.values():
            end.set()
        self.queue.close()
        await asyncio.wait_for(self.task, 5)


async def settled() -> None:
    """Let everything that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_more_workers_take_what_waits_at_once() -> None:
    work = Work(keys=5, workers=1)
    await settled()
    assert len(work.running) == 1

    work.workers.resize(4)
    await settled()

    assert len(work.running) == 4
    await work.close()


async def test_a_worker_too_many_finishes_what_it_has_begun_and_takes_nothing_more() -> None:
    work = Work(keys=6, workers=3)
    await settled()
    begun = set(work.running)

    work.workers.resize(1)
    await settled()
    assert work.running == begun, "nothing is cut short"

    for key in begun:
        await work.finish(key)
    assert work.done == list(begun)
    assert len(work.running) == 1
    await work.close()


async def test_waiting_workers_go_at_once() -> None:
    work = Work(keys=0, workers=5)
    await settled()
    work.workers.resize(2)
    await settled()

    work.ends = {key: asyncio.Event() for key in range(5)}
    for key in range(5):
        work.queue.change(key)
    await settled()

    assert len(work.running) == 2
    await work.close()


async def test_a_number_changed_there_and_back_is_the_old_one() -> None:
    work = Work(keys=8, workers=4)
    await settled()
    work.workers.resize(1)
    work.workers.resize(4)
    for key in set(work.running):
        await work.finish(key)

    assert len(work.running) == 4
    await work.close()


async def test_a_closed_queue_lets_everything_begun_finish_and_nobody_new_begin() -> None:
    work = Work(keys=3, workers=2)
    await settled()
    begun = set(work.running)
    work.queue.close()
    await settled()
    work.workers.resize(10)
    assert not work.task.done()

    for key in begun:
        await work.finish(key)
    await asyncio.wait_for(work.task, 5)

    assert set(work.done) == begun


async def test_an_error_of_the_work_ends_all() -> None:
    queue: WorkQueue[int] = WorkQueue(Schedule(0, 0), asyncio.get_running_loop().time)

    async def fail(_: int) -> None:
        raise ValueError

    queue.change(1)
    workers = Workers(queue, fail, 3)
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(workers.run(), 5)
    assert isinstance(caught.value.exceptions[0], ValueError)
    workers.resize(5)  # settings may change still, and must not raise
