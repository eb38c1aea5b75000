"""Concurrent work: all of it ends before the caller continues, and every error is reported."""

import asyncio
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import nullcontext
from typing import Any, TypeVar

T = TypeVar("T")
U = TypeVar("U")


async def gather(work: Iterable[Coroutine[Any, Any, T]], at_once: int | None = None) -> list[T]:
    """Do all of `work` at the same time, `at_once` of it at most, and return what it returned; a failure ends no other.

    Raises an ExceptionGroup with every error there was, once all have ended.
    """
    errors: list[Exception] = []
    turn = asyncio.Semaphore(at_once) if at_once else nullcontext()

    async def guarded(one: Coroutine[Any, Any, T]) -> T | None:
        async with turn:
            try:
                return await one
            except Exception as error:  # noqa: BLE001  (it is raised with the others)
                errors.append(error)
                return None

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(guarded(one)) for one in work]
    if errors:
        raise ExceptionGroup("several tasks failed", errors)
    # Without an error each has returned what it was to return.
    return [task.result() for task in tasks]  # type: ignore[misc]


async def wait_uninterrupted(*work: asyncio.Future[Any]) -> None:
    """Wait until all of `work` has ended, also where this task is cancelled meanwhile, and be cancelled then."""
    cancelled = None
    while not all(one.done() for one in work):
        try:
            await asyncio.wait(work)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


async def both(first: Coroutine[Any, Any, T], second: Coroutine[Any, Any, U]) -> tuple[T, U]:
    """Do two things at the same time, and return what they returned; a failure of one does not end the other.

    Raises what ended the second, or else what ended the first.
    """
    one, other = await asyncio.gather(first, second, return_exceptions=True)
    if isinstance(other, BaseException):
        raise other
    if isinstance(one, BaseException):
        raise one
    return one, other


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns; if this task is cancelled meanwhile, `work` finishes first.

    What ended `work` is raised, unless this task was cancelled.
    """
    working = asyncio.create_task(work)
    try:
        await wait_uninterrupted(working)
    except asyncio.CancelledError:
        if not working.cancelled():
            # Nobody awaits it any more; retrieving the error keeps asyncio from logging it.
            working.exception()
        raise
    return working.result()


async def while_running(work: Coroutine[Any, Any, T], *tasks: asyncio.Task[Any]) -> T:
    """Return what `work` returns; raise what ended it, or what ended one of `tasks` before."""
    working = asyncio.create_task(work)
    try:
        await asyncio.wait((working, *tasks), return_when=asyncio.FIRST_COMPLETED)
        raise_failures(*tasks)
        return working.result()
    finally:
        await cancel_and_wait(working)


async def unless_stopped(work: Coroutine[Any, Any, object], stop: asyncio.Event) -> bool:
    """Do `work`, and return True once it has ended; where `stop` is set before, cancel it and return False."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
        return working.done()
    finally:
        await cancel_and_wait(working, stopping)


async def cancel_and_wait(*tasks: asyncio.Task[Any]) -> None:
    """Cancel `tasks`, and return once all of them have ended."""
    for task in tasks:
        task.cancel()
    await wait_uninterrupted(*tasks)


def raise_failures(*tasks: asyncio.Task[Any]) -> None:
    """Raise what ended those of `tasks` that have ended; a group where there is more."""
    errors = [error for task in tasks if task.done() and (error := task.exception())]
    if len(errors) > 1:
        raise BaseExceptionGroup("several parts failed", errors)
    for error in errors:
        raise error


def leaf_errors(error: Exception) -> Iterator[Exception]:
    """Yield the errors of a group, and of the groups in it; one that is no group by itself."""
    if isinstance(error, ExceptionGroup):
        for one in error.exceptions:
            yield from leaf_errors(one)
    else:
        yield error
