"""An event loop in its own thread, for work that must continue while the main loop is blocked."""

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

from gateway_components.concurrency import uninterrupted, wait_uninterrupted

T = TypeVar("T")

_BEAT_SECONDS = 10.0
"""Shortest pause between two heartbeats, a fraction of the minute after which a main loop counts as hanging."""
_LONGEST_SECONDS = 2.0
"""How long engines may outlive a leadership that ended during a suspend, which waits of a thread do not count."""


class SideLoop:
    """Runs coroutines beside the event loop that it is entered on, and watches the heartbeat of that one.

    The main loop owes a heartbeat only once `silence` has asked for one, so that nothing wakes an idle process; none is
    due within `beat_seconds` of the last. The clock `now` is monotonic, in seconds, safe in any thread.
    """

    def __init__(self, now: Callable[[], float], beat_seconds: float = _BEAT_SECONDS) -> None:
        self._now = now
        self._beat_seconds = beat_seconds
        self._asked: float | None = None
        self._begun = threading.Event()
        self._thread = threading.Thread(
            target=asyncio.run, args=(self._live(),), name="side loop", daemon=True
        )

    def __enter__(self) -> Self:
        self._main = asyncio.get_running_loop()
        self._beaten = self._now()
        self._thread.start()
        self._begun.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    def silence(self) -> float:
        """Return for how many seconds the main loop has owed a heartbeat; safe in any thread.

        A call that asks for the next heartbeat returns 0, so a main loop that hangs shows from the second call on.
        """
        now, asked = self._now(), self._asked
        if asked is not None:
            return now - asked
        if now - self._beaten >= self._beat_seconds:
            self._asked = now
            try:
                self._main.call_soon_threadsafe(self._beat)
            except RuntimeError:
                # A main loop that has ended owes nothing.
                self._asked = None
        return 0.0

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` there and return what it returns; cancelling the caller cancels it, too."""
        done: Future[T] = Future()
        begun: list[asyncio.Task[T]] = []

        def begin() -> None:
            begun.append(self._loop.create_task(work))
            begun[0].add_done_callback(lambda task: _hand_over(task, done))

        self._loop.call_soon_threadsafe(begin)
        waiting = asyncio.wrap_future(done)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            self._loop.call_soon_threadsafe(lambda: begun[0].cancel())  # noqa: PLW0108  (it may begin later)
            # What runs there must have ended before anything else is done with what it uses.
            await wait_uninterrupted(waiting)
            raise

    @asynccontextmanager
    async def within(self, context: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
        """Enter and leave a context there."""
        entered = await self.run(context.__aenter__())
        try:
            yield entered
        finally:
            await uninterrupted(self.run(_leave(context)))

    async def ask_main(self, question: Callable[[], T]) -> T:
        """Return the answer to a `question` that the main loop alone may be asked; for coroutines that run here."""

        async def ask() -> T:
            return question()

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(ask(), self._main))

    async def _live(self) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        self._begun.set()
        await self._ending.wait()

    def _beat(self) -> None:
        self._beaten, self._asked = self._now(), None


@contextmanager
def watchdog(
    seconds_left: Callable[[], float], halt: Callable[[], None], longest: float = _LONGEST_SECONDS
) -> Iterator[None]:
    """Call `halt` once `seconds_left` returns 0 within the block; both must be safe in any thread.

    `seconds_left` is called again when the seconds it returned are over, or after `longest` seconds. Whoever ends the
    leadership earlier has to halt the engines as well (`Leader.keep`).
    """
    ended = threading.Event()

    def watch() -> None:
        while (left := seconds_left()) > 0:
            if ended.wait(min(left, longest) if math.isfinite(left) else None):
                return
        halt()

    watching = threading.Thread(target=watch, name="watchdog", daemon=True)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()


def _hand_over(task: asyncio.Task[T], done: Future[T]) -> None:
    if task.cancelled():
        done.cancel()
    elif error := task.exception():
        done.set_exception(error)
    else:
        done.set_result(task.result())


async def _leave(context: AbstractAsyncContextManager[Any]) -> None:
    await context.__aexit__(None, None, None)
