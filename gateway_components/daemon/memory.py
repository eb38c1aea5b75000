"""Memory: the limit by cgroup, what engine runs may take of it, and returning what is unused to the system."""

import asyncio
import ctypes
import gc
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import psutil

from gateway_components.daemon.reconcile.ports import MOST_AT_ONCE

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Numbers of glibc's settings, from its malloc.h."""
_BLOCK_BYTES = 128 * 1024
_OBJECTS = 10_000
"""Made since the last look for garbage: at Python's 700, looks take a tenth of the time of a start among thousands."""
_ARENAS = 2
_IDLE_SECONDS = 5.0

_LIBRARY = ctypes.CDLL(None)
"""This process itself; its C library may be another than glibc, which knows none of these."""


def spare_memory() -> None:
    """Set up memory for a process that runs for weeks, mostly idle; to be called before it starts threads.

    The C library keeps freed memory for each thread, and keeps more the larger the blocks were. Bursts of work are
    short here, so what a burst took is returned. Elsewhere than on glibc this does nothing. What is loaded by now stays
    to the end, so the garbage collector need not look at it again.
    """
    set_option = getattr(_LIBRARY, "mallopt", None)
    if set_option:
        for option, value in (
            (_ARENA_MAX, _ARENAS),
            # Setting them at all ends their growth.
            (_MMAP_THRESHOLD, _BLOCK_BYTES),
            (_TRIM_THRESHOLD, _BLOCK_BYTES),
        ):
            set_option(option, value)
    gc.collect()
    gc.freeze()
    # A reconcile makes thousands of objects that stay, and hardly a cycle.
    gc.set_threshold(_OBJECTS)


def give_back() -> None:
    """Return what is free to the system, wherever it is; takes some hundredths of a second."""
    gc.collect()
    trim = getattr(_LIBRARY, "malloc_trim", None)
    if trim:
        trim(0)


class IdleTimer:
    """Calls `then` once no work has ended for `seconds`."""

    def __init__(self, then: Callable[[], None] = give_back, seconds: float = _IDLE_SECONDS) -> None:
        self._then = then
        self._seconds = seconds
        self._waiting: asyncio.TimerHandle | None = None

    def restart(self) -> None:
        """Start over, as some work has just ended."""
        if self._waiting:
            self._waiting.cancel()
        self._waiting = asyncio.get_running_loop().call_later(self._seconds, self._then)


_MEMORY = "memory"


def memory_limit(root: Path = Path("/")) -> int:
    """Return the least limit (bytes) of this process's cgroup and of those above it, or else the machine's memory.

    `root` is where the file systems ``proc`` and ``sys`` are mounted.
    """
    limits = [limit for file in _files(root) if (limit := _limit(file)) is not None]
    return min([*limits, psutil.virtual_memory().total])


def _files(root: Path) -> Iterator[Path]:
    """Yield the files that hold limits: of version 2, and of version 1, which names its controllers."""
    mounted = root / "sys" / "fs" / "cgroup"
    try:
        lines = (root / "proc" / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and _MEMORY not in controllers.split(","):
            continue
        top, name = (mounted / _MEMORY, "memory.limit_in_bytes") if controllers else (mounted, "memory.max")
        # A container may see its own cgroup at the top, whatever its path says.
        own = PurePosixPath(path.lstrip("/"))
        yield from (top / folder / name for folder in (own, *own.parents))


def _limit(file: Path) -> int | None:
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    # Version 2 says "max" where there is none.
    return int(text) if text.isascii() and text.isdigit() else None


_RUN_MIB = 300.0
_GATEWAY_MIB = 4.7
"""Measured of engine and provider together: 300 MiB with one gateway, 650 with 75."""
_DAEMON_MIB = 224.0
"""Of this process itself, with 1,000 gateways and more."""
_MOST_MIB = 1331.0
"""For all together, where there is more: two cores have no use for it."""
_SHARE = 0.8
"""Of what the cgroup allows; files that are read and written count there, too."""
_SMALL = 10
"""Gateways of a run that goes before larger ones, while these have not waited for long."""
_LONGEST_WAIT_SECONDS = 10.0


def runs_mib(limit: int) -> float:
    """Return how much memory (MiB) is left for engine runs, where all processes together may take `limit` bytes."""
    return max(min(limit / 2**20 * _SHARE, _MOST_MIB) - _DAEMON_MIB, 0)


def most_gateways(mib: float) -> int:
    """Return how many gateways a run may carry to take no more than this; one at least."""
    return int(min(max((mib - _RUN_MIB) / _GATEWAY_MIB, 1), MOST_AT_ONCE))


def run_mib(gateways: int) -> float:
    """Return how much memory (MiB) an engine run about so many gateways takes."""
    return _RUN_MIB + _GATEWAY_MIB * gateways


@dataclass(slots=True)
class _Waiting:
    mib: float
    small: bool
    since: float
    turn: asyncio.Event = field(default_factory=asyncio.Event)


class Room:
    """Hands out memory (MiB) to engine runs, so many at the same time, in the order in which they ask.

    A small run goes before larger ones that have to wait, until one of these has waited for ten seconds by the
    monotonic `clock`. A run that would never find room goes alone.
    """

    def __init__(self, mib: float, runs: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._free = mib
        self._runs = runs
        self._clock = clock
        self._running = 0
        self._waiting: list[_Waiting] = []

    @asynccontextmanager
    async def taken(self, gateways: int) -> AsyncIterator[None]:
        """Wait for room for a run about so many gateways, and keep it for a `with` block."""
        one = _Waiting(run_mib(gateways), gateways <= _SMALL, self._clock())
        self._waiting.append(one)
        self._hand_out()
        try:
            await one.turn.wait()
            yield
        finally:
            if one.turn.is_set():
                self._running -= 1
                self._free += one.mib
            else:
                self._waiting.remove(one)
            self._hand_out()

    def _hand_out(self) -> None:
        while (one := self._next()) is not None:
            self._waiting.remove(one)
            self._running += 1
            self._free -= one.mib
            one.turn.set()

    def _next(self) -> _Waiting | None:
        if not self._waiting or self._running >= self._runs:
            return None
        first = self._waiting[0]
        if self._fits(first):
            return first
        if self._clock() - first.since > _LONGEST_WAIT_SECONDS:
            return None
        return next((one for one in self._waiting if one.small and self._fits(one)), None)

    def _fits(self, one: _Waiting) -> bool:
        return one.mib <= self._free or not self._running
