"""Time and threads, in one place so that tests can replace them."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime
from typing import TypeVar

from gateway_components.concurrency import wait_uninterrupted

T = TypeVar("T")


def steady_seconds() -> float:
    """Return the seconds of a monotonic clock that keeps counting during suspend."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class Clock:
    """The time of the running event loop, and threads for what blocks."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def now(self) -> float:
        """Return seconds, monotonic."""
        return asyncio.get_running_loop().time()

    def timestamp(self, *, precise: bool = False) -> str:
        """Return the time of day in RFC 3339: in seconds as conditions have it, or `precise` as events do."""
        moment = datetime.now(UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if precise else "%Y-%m-%dT%H:%M:%SZ")

    async def in_thread(self, work: Callable[..., T], *args: object) -> T:
        """Run blocking `work` in a thread and return its result.

        A cancelled caller still waits until the work has ended: half an engine run helps nobody.
        """
        future = asyncio.get_running_loop().run_in_executor(self._executor, lambda: work(*args))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await wait_uninterrupted(future)
            raise

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        await asyncio.sleep(seconds)
