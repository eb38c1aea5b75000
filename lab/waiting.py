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
        Called about twenty times a second. What it raises ends the wait.
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
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(_PAUSE_SECONDS)
