"""A keyed work queue: each key is worked on by one worker at a time, and its changes gather while it waits."""

import asyncio
import math
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

__all__ = ["QueueClosedError", "Schedule", "WorkQueue"]

K = TypeVar("K", bound=Hashable)


class QueueClosedError(Exception):
    """The queue hands out no more work."""


class Schedule(Generic[K]):
    """When each key is due; knows no clock.

    A key that is taken is not handed out again before `done`; what is added to it meanwhile waits until then.

    Parameters
    ----------
    quiet, longest
        A changed key is due once it has not changed for `quiet` seconds, at the latest `longest` seconds after
        its first change: changes that come together go together, and a single one hardly waits.
    """

    def __init__(self, quiet: float, longest: float) -> None:
        self._quiet = quiet
        self._longest = longest
        self._asked: dict[K, float] = {}
        self._changes: dict[K, tuple[float, float]] = {}
        self._taken: dict[K, float | None] = {}

    def __len__(self) -> int:
        """Return the number of keys that wait."""
        return len(self._asked.keys() | self._changes.keys())

    def adjust(self, quiet: float, longest: float) -> None:
        """Change how long changes gather, also those that wait now."""
        self._quiet = quiet
        self._longest = longest

    def ask(self, key: K, due: float) -> None:
        """Ask for `key` at the time `due`, or earlier where that was asked before."""
        self._asked[key] = min(due, self._asked.get(key, due))

    def change(self, key: K, now: float) -> None:
        """Say that `key` changed at the time `now`."""
        first, _ = self._changes.get(key, (now, now))
        self._changes[key] = first, now

    def take(self, now: float) -> K | None:
        """Hand out the key that has been due longest; None where none is."""
        due, key = min(self._waiting(), key=lambda entry: entry[0], default=(now, None))
        if key is None or due > now:
            return None
        self._asked.pop(key, None)
        first, _ = self._changes.pop(key, (None, None))
        self._taken[key] = first
        return key

    def changed_at(self, key: K) -> float | None:
        """Return when a taken key first changed; None where it was taken because it was asked for."""
        return self._taken[key]

    def done(self, key: K) -> None:
        """Say that the work on a taken key has ended."""
        self._taken.pop(key, None)

    def depth(self, now: float) -> int:
        """Return the number of keys that changed, or are due; one that is asked for later is none of them."""
        return len(self._changes.keys() | {key for key, due in self._asked.items() if due <= now})

    def next_due(self) -> float | None:
        """Return when the next key can be taken; None where none waits."""
        return min((due for due, _ in self._waiting()), default=None)

    def _waiting(self) -> Iterator[tuple[float, K]]:
        for key in (self._asked | self._changes).keys() - self._taken.keys():
            due = self._asked.get(key, math.inf)
            if key in self._changes:
                first, last = self._changes[key]
                due = min(due, last + self._quiet, first + self._longest)
            yield due, key


class WorkQueue(Generic[K]):
    """A `Schedule` that workers wait on.

    Parameters
    ----------
    schedule
        Says when each key is due.
    clock
        Seconds, monotonic.
    on_taken
        Called for each changed key that is taken with the seconds since its first change.
    """

    def __init__(
        self,
        schedule: Schedule[K],
        clock: Callable[[], float],
        on_taken: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._schedule = schedule
        self._clock = clock
        self._on_taken = on_taken
        self._changed = asyncio.Event()
        self._closed = False

    def depth(self) -> int:
        """Return the number of keys that a worker could take, if one were free."""
        return self._schedule.depth(self._clock())

    def close(self) -> None:
        """Hand out no more keys; whoever waits for one is told so."""
        self._closed = True
        self._changed.set()

    def adjust(self, quiet: float, longest: float) -> None:
        """Change how long changes gather, as in `Schedule`."""
        self._schedule.adjust(quiet, longest)
        self._changed.set()

    def change(self, key: K) -> None:
        """Say that `key` has changed now."""
        self._schedule.change(key, self._clock())
        self._changed.set()

    def ask(self, key: K, delay: float) -> None:
        """Ask for `key` after `delay` seconds, changed or not."""
        self._schedule.ask(key, self._clock() + delay)
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
                changed_at = self._schedule.changed_at(key)
                if changed_at is not None:
                    self._on_taken(now - changed_at)
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
