"""Work that gives way to what is more urgent."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from gateway_components.engine.errors import EngineInterruptedError
from gateway_components.together import ended

__all__ = ["OvertakenError", "overtakable"]

T = TypeVar("T")


class OvertakenError(Exception):
    """Work was cut short for what is more urgent."""


async def overtakable(
    work: Coroutine[Any, Any, T],
    urgent: Coroutine[Any, Any, None],
    cut: Callable[[asyncio.Task[T]], object],
) -> T:
    """Return what `work` returns; neither it nor `urgent` goes on afterwards.

    Parameters
    ----------
    work
        What is done.
    urgent
        Returns once something is more urgent.
    cut
        Called with the task of `work` then, to end it soon: by cancelling it, or by interrupting its engine.

    Raises
    ------
    OvertakenError
        It was cut short, and has ended.
    """
    working, watching = asyncio.create_task(work), asyncio.create_task(urgent)
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        cut(working)
        await asyncio.wait((working,))
        watching.result()
        if working.cancelled() or isinstance(working.exception(), EngineInterruptedError):
            raise OvertakenError
        # It ended by itself at the same moment.
        return working.result()
    finally:
        await ended(working, watching)
