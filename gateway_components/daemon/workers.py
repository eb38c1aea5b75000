"""As many workers on a queue as the settings ask for, more or fewer while they run."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from gateway_components.daemon.queue import QueueClosedError, WorkQueue

__all__ = ["Workers"]

K = TypeVar("K", bound=Hashable)


class Workers(Generic[K]):
    """Takes keys from a queue and works on several at a time.

    Parameters
    ----------
    queue
        Where the keys come from.
    work
        What is done with each; an error it raises ends all workers.
    count
        How many work to begin with.
    """

    def __init__(self, queue: WorkQueue[K], work: Callable[[K], Awaitable[None]], count: int) -> None:
        self._queue = queue
        self._work = work
        self._count = count
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until the queue is closed and everything begun is finished.

        Raises
        ------
        BaseExceptionGroup
            With the errors of the work.
        """
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._fit()
        finally:
            # A change of settings comes at any time, and a group that has ended takes nobody.
            self._group = None

    def resize(self, count: int) -> None:
        """Let `count` work; a worker too many finishes what it has begun."""
        self._count = count
        self._fit()

    def _fit(self) -> None:
        while self._group and len(self._tasks) < self._count:
            self._tasks.add(self._group.create_task(self._worker()))
        # Those that wait for a key hold nothing.
        for task in list(self._tasks - self._busy)[: max(len(self._tasks) - self._count, 0)]:
            self._tasks.discard(task)
            task.cancel()

    async def _worker(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (a coroutine runs in a task)
        try:
            while len(self._tasks) <= self._count:
                key = await self._queue.get()
                self._busy.add(task)
                try:
                    await self._work(key)
                finally:
                    self._busy.discard(task)
                    self._queue.done(key)
        except QueueClosedError:
            # Nobody starts another that would find it closed too.
            self._group = None
        finally:
            self._tasks.discard(task)
