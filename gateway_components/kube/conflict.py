"""Optimistic concurrency: who finds that somebody else wrote in between reads again, and decides again."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeVar

from gateway_components.kube.errors import ApiError

__all__ = ["retry_on_conflict"]

T = TypeVar("T")

_TRIES = 5
"""As client-go has it (``util/retry``): whoever writes that often goes on doing so."""


async def retry_on_conflict(attempt: Callable[[], Awaitable[T]]) -> T:
    """Return what `attempt` returns; it reads, decides and writes, again where somebody else wrote in between.

    Raises
    ------
    ApiError
        What it raised; ``Conflict`` (409) after a few attempts.
    """
    for _ in range(_TRIES - 1):
        try:
            return await attempt()
        except ApiError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
    return await attempt()
