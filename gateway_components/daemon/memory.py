"""The memory of this process: its limit by cgroup, and returning unused memory to the system."""

import asyncio
import ctypes
import gc
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import psutil

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Numbers of glibc's settings, from its malloc.h."""
_BLOCK_BYTES = 128 * 1024
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
