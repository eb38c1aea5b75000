"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_PAUSE_SECONDS = 0.05


def wait_until(condition: Callable[[], T | None], *, timeout: float, what: str) -> T:
    """Call a condition until it returns something true, and return that.

    Parameters
    ----------
    condition
        Called about twenty times a second, and more rarely if it takes long itself. What it raises ends the wait.
    timeout
        Seconds to wait at most.
    what
        What is being waited for, in words, for the error.

    Raises
    ------
    TimeoutError
        The condition did not hold within `timeout`.
    """
    deadline = time.monotonic() + timeout
    while True:
        asked = time.monotonic()
        result = condition()
        if result:
            return result
        now = time.monotonic()
        if now > deadline:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        # Whoever waits must leave the processor to what is being waited for.
        time.sleep(max(_PAUSE_SECONDS, 2 * (now - asked)))
