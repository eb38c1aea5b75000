"""Makes this process give memory back that it needs no more."""

import asyncio
import ctypes
import gc
from collections.abc import Callable

__all__ = ["Rest", "give_back", "spare_memory"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Numbers of glibc's settings, from its malloc.h."""
_BLOCK_BYTES = 128 * 1024
_ARENAS = 2
_REST_SECONDS = 5.0

_LIBRARY = ctypes.CDLL(None)
"""This process itself; its C library may be another than glibc, which knows none of these."""


def spare_memory() -> None:
    """Set up memory for a process that runs for weeks, mostly idle; to be called before it starts threads.

    The C library keeps freed memory for later, apart for each thread, and ever more of it the larger the blocks were.
    Here bursts of work are short and rests are long: what a burst took goes back. Elsewhere than on glibc this does
    nothing. What is loaded by now stays to the end, so the garbage collector need not look at it again.
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
    """Return what is free to the system, wherever it lies; takes some hundredths of a second."""
    gc.collect()
    trim = getattr(_LIBRARY, "malloc_trim", None)
    if trim:
        trim(0)


class Rest:
    """Does something once work has rested for a while.

    Parameters
    ----------
    then
        What to do.
    seconds
        For how long there must be no work.
    """

    def __init__(self, then: Callable[[], None] = give_back, seconds: float = _REST_SECONDS) -> None:
        self._then = then
        self._seconds = seconds
        self._waiting: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Note that some work has ended just now."""
        if self._waiting:
            self._waiting.cancel()
        self._waiting = asyncio.get_running_loop().call_later(self._seconds, self._then)
