"""A keyed work queue: each key is worked on by one worker at a time, and its changes gather while it waits."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["QueueClosedError", "Schedule", "WorkQueue"]

K = TypeVar("K", bound=Hashable)


class QueueClosedError(Exception):
    """The queue hands out no more work."""


class Schedule(Generic[K]):
    """When each key is due; knows no clock.

    A key that is taken is not handed out again before `done`; what is added to it meanwhile waits until then.
    """

    def __init__(self) -> None:
        self._due: dict[K, float] = {}
        self._taken: set[K] = set()

    def __len__(self) -> int:
        """Return the number of keys that wait."""
        return len(self._due)

    def add(self, key: K, due: float) -> None:
        """Ask for `key` at the time `due`, or earlier where that was asked before."""
        self._due[key] = min(due, self._due.get(key, due))

    def take(self, now: float) -> K | None:
        """Hand out the key that has been due longest; None where none is."""
        ready = [(due, index, key) for index, (key, due) in enumerate(self._free()) if due <= now]
        if not ready:
            return None
        key = min(ready, key=lambda entry: entry[:2])[2]
        del self._due[key]
        self._taken.add(key)
        return key

    def done(self, key: K) -> None:
        """Say that the work on a taken key has ended."""
        self._taken.discard(key)

    def next_due(self) -> float | None:
        """Return when the next key can be taken; None where none waits."""
        return min((due for _, due in self._free()), default=None)

    def _free(self) -> list[tuple[K, float]]:
        return [(key, due) for key, due in self._due.items() if key not in self._taken]


class WorkQueue(Generic[K]):
    """A `Schedule` that workers wait on.

    Parameters
    ----------
    window
        Seconds that a key waits after its first change, so that changes that come together go together.
    clock
        Seconds, monotonic.
    """

    def __init__(self, window: float, clock: Callable[[], float]) -> None:
        self._window = window
        self._clock = clock
        self._schedule: Schedule[K] = Schedule()
        self._changed = asyncio.Event()
        self._closed = False

    def close(self) -> None:
        """Hand out no more keys; whoever waits for one is told so."""
        self._closed = True
        self._changed.set()

    def add(self, key: K, delay: float | None = None) -> None:
        """Ask for `key` after `delay` seconds; after the window where none is given."""
        self._schedule.add(key, self._clock() + (self._window if delay is None else delay))
        self._changed.set()

    async def get(self) -> K:
        """Wait for a key that is due and take it; call `done` when the work on it has ended.

        Raises
        ------
        QueueClosedError
            `close` was called.
        """
        while True:
            if self._closed:
                raise QueueClosedError
            now = self._clock()
            key = self._schedule.take(now)
            if key is not None:
                return key
            self._changed.clear()
            due = self._schedule.next_due()
            wait = None if due is None else max(due - now, 0)
            try:
                await asyncio.wait_for(self._changed.wait(), wait)
            except TimeoutError:
                continue

    def done(self, key: K) -> None:
        """Say that the work on a taken key has ended."""
        self._schedule.done(key)
        self._changed.set()
