"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 0.5
_SHARE = 0.05
"""Of the time already waited, which is what the next pause adds to it at most."""


def wait_until(condition: Callable[[], T | None], *, timeout: float, what: str) -> T:
    """Call a condition until it returns something true, and return that.

    It is called about twenty times a second at first; more rarely the longer the wait, or if it takes long itself. What
    it raises ends the wait.

    Raises TimeoutError: it did not hold within `timeout` seconds; the message has `what` was waited for, in words.
    """
    began = time.monotonic()
    while True:
        asked = time.monotonic()
        result = condition()
        if result:
            return result
        now = time.monotonic()
        if now > began + timeout:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        # Whoever waits must leave the processor to what is being waited for.
        longer = min(_SHARE * (now - began), _LONGEST_PAUSE_SECONDS)
        time.sleep(max(_PAUSE_SECONDS, longer, 2 * (now - asked)))
