"""An event loop in its own thread, for work that must continue while the main loop is blocked."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from types import TracebackType
from typing import Any, Self, TypeVar

from gateway_components.together import outlast, unbroken

__all__ = ["SideLoop", "watchdog"]

T = TypeVar("T")

_BEAT_SECONDS = 1.0
_LOOK_SECONDS = 0.5
"""Of the seconds that are left to others then (`Terms`), these are few."""


class SideLoop:
    """Runs coroutines beside the event loop that it is entered on, and watches the heartbeat of that one.

    `now` is a monotonic clock in seconds, safe in any thread.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
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
        """Return for how many seconds the main loop has not run anything; to be asked in any thread."""
        return max(self._now() - self._beaten - _BEAT_SECONDS, 0.0)

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
            await outlast(waiting)
            raise

    @asynccontextmanager
    async def within(self, context: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
        """Enter and leave a context there."""
        entered = await self.run(context.__aenter__())
        try:
            yield entered
        finally:
            await unbroken(self.run(_leave(context)))

    async def ask_main(self, question: Callable[[], T]) -> T:
        """Return the answer to a `question` that the main loop alone may be asked; for coroutines that run here."""

        async def ask() -> T:
            return question()

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(ask(), self._main))

    async def _live(self) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        self._begun.set()
        while not self._ending.is_set():
            # A main loop that has ended needs no pulse.
            with suppress(RuntimeError):
                self._main.call_soon_threadsafe(self._beat)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _BEAT_SECONDS)

    def _beat(self) -> None:
        self._beaten = self._now()


@contextmanager
def watchdog(leading: Callable[[], bool], halt: Callable[[], None]) -> Iterator[None]:
    """Call `halt` once `leading` returns False, until the end of the block; both must be safe in any thread."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_LOOK_SECONDS):
            if not leading():
                halt()
                return

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
