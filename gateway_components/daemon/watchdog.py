"""Ends engines when the leadership is over, in a thread of its own: no blocked event loop holds that up."""

import contextlib
import threading
from collections.abc import Callable, Iterator

__all__ = ["watchdog"]

_LOOK_SECONDS = 0.5
"""Of the seconds that are left to others then (`Terms`), these are few."""


@contextlib.contextmanager
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
