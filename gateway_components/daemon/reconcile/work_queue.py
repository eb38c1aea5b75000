"""A keyed work queue: one worker at a time handles a key, and changes gather while it waits.

`Requeue` says when a namespace is due again: when its reconcile asked for it, or after a back-off.
"""

import asyncio
import heapq
import itertools
import math
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from typing import Generic, TypeVar

import structlog

from gateway_components.backoff import Backoff
from gateway_components.concurrency import leaf_errors
from gateway_components.daemon.observe.telemetry import ReconcileResult, Step, Telemetry
from gateway_components.engine.errors import EngineError, EngineInterruptedError
from gateway_components.kube.errors import ApiError, ApiUnreachableError, FencedError
from gateway_components.kube.state_reader import StateConflictError

K = TypeVar("K", bound=Hashable)


class QueueClosedError(Exception):
    """The queue hands out no more work."""


class Schedule(Generic[K]):
    """When each key is due; knows no clock.

    A changed key is due after `quiet` seconds without a change, at the latest `longest` seconds after the first. So
    changes that arrive together go together, and a single one hardly waits.

    A taken key is not handed out again before `done`; changes wait until then. Each call costs the logarithm of the
    number of keys at most; `depth` and `len` look at all.
    """

    def __init__(self, quiet: float, longest: float) -> None:
        self._quiet = quiet
        self._longest = longest
        self._asked: dict[K, float] = {}
        self._changes: dict[K, tuple[float, float]] = {}
        self._taken: dict[K, float | None] = {}
        self._unseen: set[K] = set()
        # An entry is valid while its number is that of its key; it may be earlier than due, never later.
        self._heap: list[tuple[float, int, K]] = []
        self._entries: dict[K, tuple[float, int]] = {}
        self._numbers = itertools.count()

    def __len__(self) -> int:
        """Return the number of keys that wait."""
        return len(self._asked.keys() | self._changes.keys())

    def ask(self, key: K, due: float) -> None:
        """Ask for `key` at the time `due`, or earlier where that was asked before."""
        self._asked[key] = min(due, self._asked.get(key, due))
        self._enter(key)

    def change(self, key: K, now: float) -> None:
        """Say that `key` changed at the time `now`."""
        first, _ = self._changes.get(key, (now, now))
        self._changes[key] = first, now
        if key in self._taken:
            self._unseen.add(key)
        self._enter(key)

    def take(self, now: float) -> K | None:
        """Hand out the key that has been due longest; None where none is."""
        if not self.is_due(now):
            return None
        _, _, key = heapq.heappop(self._heap)
        del self._entries[key]
        self._asked.pop(key, None)
        first, _ = self._changes.pop(key, (None, None))
        self._taken[key] = first
        return key

    def changed_at(self, key: K) -> float | None:
        """Return when a taken key first changed; None where it was taken because it was asked for."""
        return self._taken[key]

    def unseen(self, key: K) -> float | None:
        """Return when the changes have gathered that a taken key had since `see`; None where it had none."""
        return self._due(key) if key in self._unseen else None

    def see(self, key: K) -> None:
        """Say that the work on a taken key has seen its changes; it is handed out again nevertheless."""
        self._unseen.discard(key)

    def done(self, key: K) -> None:
        """Say that the work on a taken key has ended."""
        self._taken.pop(key, None)
        self._unseen.discard(key)
        self._enter(key)

    def depth(self, now: float) -> int:
        """Return the number of keys that changed, or are due; one that is asked for later is none of them."""
        return len(self._changes.keys() | {key for key, due in self._asked.items() if due <= now})

    def is_due(self, now: float) -> bool:
        """Return whether a key can be taken."""
        due = self.next_due()
        return due is not None and due <= now

    def next_due(self) -> float | None:
        """Return when the next key can be taken; None where none waits."""
        while self._heap:
            due, number, key = self._heap[0]
            if self._entries.get(key) != (due, number):
                heapq.heappop(self._heap)
                continue
            actual = self._due(key)
            if actual <= due:
                return due
            self._entries[key] = actual, number
            heapq.heapreplace(self._heap, (actual, number, key))
        return None

    def _enter(self, key: K) -> None:
        due = self._due(key)
        known = self._entries.get(key)
        # A later due time takes effect once its entry comes up.
        if key not in self._taken and due < (known[0] if known else math.inf):
            entry = due, next(self._numbers)
            self._entries[key] = entry
            heapq.heappush(self._heap, (*entry, key))

    def _due(self, key: K) -> float:
        due = self._asked.get(key, math.inf)
        if key in self._changes:
            first, last = self._changes[key]
            due = min(due, last + self._quiet, first + self._longest)
        return due


class WorkQueue(Generic[K]):
    """A `Schedule` that workers wait on.

    `clock` is monotonic, in seconds. `on_taken` is called for each changed key that is taken, with the seconds since
    its first change.
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
        self._waiters: list[asyncio.Future[None]] = []
        self._closed = False

    def depth(self) -> int:
        """Return the number of keys that a worker could take, if one were free."""
        return self._schedule.depth(self._clock())

    def is_free(self) -> bool:
        """Return whether a key that is asked for now is the next to be taken: none waits that is due before it."""
        return not self._closed and not self._schedule.is_due(self._clock())

    def close(self) -> None:
        """Hand out no more keys; whoever waits for one gets a `QueueClosedError`."""
        self._closed = True
        self._wake()

    def change(self, key: K) -> None:
        """Say that `key` has changed now."""
        self._schedule.change(key, self._clock())
        self._wake()

    def ask(self, key: K, delay: float) -> None:
        """Ask for `key` after `delay` seconds, changed or not."""
        self._schedule.ask(key, self._clock() + delay)
        self._wake()

    async def serve(self, work: Callable[[K], Awaitable[None]], workers: int) -> None:
        """Work on up to `workers` keys at a time, until the queue is closed and everything begun is finished.

        The first error of the work ends all of it, in a BaseExceptionGroup.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._worker(work))

    async def _worker(self, work: Callable[[K], Awaitable[None]]) -> None:
        with suppress(QueueClosedError):
            while True:
                key = await self.get()
                try:
                    await work(key)
                finally:
                    self.done(key)

    async def get(self) -> K:
        """Wait for a key that is due and take it; call `done` when the work on it has ended.

        Raises QueueClosedError: `close` was called.
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
            await self._wait(self._schedule.next_due())

    async def changed(self, key: K) -> None:
        """Wait until changes have gathered that a key in work had since this was called before.

        The key is handed out again for them all the same, once the work on it has ended.
        """
        while (due := self._schedule.unseen(key)) is None or due > self._clock():
            await self._wait(due)
        self._schedule.see(key)

    def done(self, key: K) -> None:
        """Say that the work on a taken key has ended."""
        self._schedule.done(key)
        self._wake()

    async def _wait(self, due: float | None) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(None if due is None else max(due - self._clock(), 0)):
                await waiter
        except TimeoutError:
            pass
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


_FIRST_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 30.0
_CONFLICT_SECONDS = 2.0
_LOOK_AGAIN_SECONDS = 0.2
"""Pause after a run that was interrupted because its namespace is being deleted."""
_INTERRUPTIONS = EngineInterruptedError, FencedError
_EXPECTED = ApiError, ApiUnreachableError, EngineError, StateConflictError


class Requeue:
    """Runs reconciles; a failed one is requeued with a back-off, and does not affect other namespaces."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._backoffs: dict[str, Backoff] = {}
        self._log = structlog.get_logger()

    async def run(self, namespace: str, reconcile: Callable[[str], Awaitable[float | None]]) -> float | None:
        """Reconcile a namespace once, and return the seconds until the next is due; None where nothing is waiting."""
        result = ReconcileResult.FAILED
        try:
            with self._telemetry.step(Step.RECONCILE, namespace):
                again = await reconcile(namespace)
        except Exception as error:  # noqa: BLE001  (a fault of ours in one namespace must not take the others along)
            result, again = self._failed(namespace, error)
        else:
            result = ReconcileResult.OK
            self._backoffs.pop(namespace, None)
        self._telemetry.reconciled(result)
        return again

    def _failed(self, namespace: str, error: Exception) -> tuple[ReconcileResult, float]:
        """Log everything that ended a reconcile, and return its result, and the seconds until the next try."""
        found = tuple(cause for cause in leaf_errors(error) if not isinstance(cause, _INTERRUPTIONS))
        if not found:
            # Of one that leads no more, the process ends in a moment.
            return ReconcileResult.INTERRUPTED, _LOOK_AGAIN_SECONDS
        again = self._pause(namespace)
        if all(isinstance(cause, ApiError) and cause.namespace_goes for cause in found):
            # The watch of namespaces reports it in a moment, and nothing more is made there.
            return ReconcileResult.INTERRUPTED, again
        if not all(isinstance(cause, _EXPECTED) for cause in found):
            self._log.error(
                "internal error", namespace=namespace, retry_seconds=round(again, 1), exc_info=error
            )
            return ReconcileResult.INTERNAL_ERROR, again
        if any(isinstance(cause, StateConflictError) for cause in found):
            # It is read again with the next reconcile, which then knows better.
            again = min(again, _CONFLICT_SECONDS)
        for text in dict.fromkeys(map(str, found)):
            self._log.warning(
                "reconcile failed", namespace=namespace, error=text, retry_seconds=round(again, 1)
            )
        return ReconcileResult.FAILED, again

    def _pause(self, namespace: str) -> float:
        backoff = Backoff(_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS)
        return self._backoffs.setdefault(namespace, backoff).next()
