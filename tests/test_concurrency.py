"""Work at the same time: nothing outlives the call, and no error is lost."""

import asyncio

import pytest

from gateway_components.concurrency import (
    both,
    cancel_and_wait,
    gather,
    leaf_errors,
    raise_failures,
    uninterrupted,
    wait_uninterrupted,
    while_running,
)


async def fail(error: Exception) -> int:
    raise error


async def test_no_more_is_under_way_than_may_be() -> None:
    under_way, most = 0, 0

    async def work(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return number

    assert await gather((work(number) for number in range(50)), at_once=6) == list(range(50))
    assert most == 6


async def test_both_end_before_either_error_is_reported() -> None:
    done = []

    async def slow() -> str:
        await asyncio.sleep(0)
        done.append("slow")
        return "slow"

    assert await both(slow(), slow()) == ("slow", "slow")
    for pair in ((fail(ValueError("one")), slow()), (slow(), fail(ValueError("one")))):
        done.clear()
        with pytest.raises(ValueError, match="one"):
            await both(*pair)
        assert done == ["slow"]
    with pytest.raises(ValueError, match="second"):
        await both(fail(ValueError("first")), fail(ValueError("second")))


async def test_all_of_it_ends_before_all_errors_are_reported() -> None:
    go_on, done = asyncio.Event(), []

    async def slow() -> int:
        await go_on.wait()
        done.append("slow")
        return 1

    async def last() -> int:
        go_on.set()
        return 2

    with pytest.raises(ExceptionGroup) as raised:
        await gather([fail(ValueError("one")), slow(), fail(KeyError("two")), last()])

    assert [type(cause) for cause in leaf_errors(raised.value)] == [ValueError, KeyError]
    assert done == ["slow"]


async def test_what_it_returns_comes_in_order() -> None:
    async def after(event: asyncio.Event, result: int) -> int:
        await event.wait()
        return result

    async def first(event: asyncio.Event) -> int:
        event.set()
        return 2

    event = asyncio.Event()
    assert await gather([after(event, 1), first(event)]) == [1, 2]


ENDS: list[Exception | None] = [None, ValueError("one")]


@pytest.mark.parametrize("end", ENDS, ids=["it ends well", "it fails"])
async def test_work_that_must_not_break_off_outlasts_whoever_wants_it(end: Exception | None) -> None:
    go_on, done = asyncio.Event(), []

    async def work() -> None:
        await go_on.wait()
        done.append("work")
        if end:
            raise end

    waiting = asyncio.create_task(uninterrupted(work()))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    go_on.set()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert done == ["work"]


async def test_who_is_cancelled_waits_for_its_work_first() -> None:
    work = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(wait_uninterrupted(work))
    for _ in range(3):
        await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.sleep(0)
    assert not waiting.done()

    work.set_result(None)

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_every_part_that_failed_is_reported() -> None:
    one, two = (asyncio.create_task(fail(ValueError(text))) for text in ("one", "two"))
    running = asyncio.create_task(asyncio.Event().wait())
    await asyncio.wait((one, two))

    with pytest.raises(ValueError, match="one"):
        raise_failures(one, running)
    with pytest.raises(BaseExceptionGroup) as raised:
        raise_failures(one, two, running)

    assert [str(error) for error in raised.value.exceptions] == ["one", "two"]
    await cancel_and_wait(running)


async def test_work_ends_with_what_it_depends_on() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    with pytest.raises(ValueError, match="broken"):
        await asyncio.wait_for(while_running(never(), asyncio.create_task(fail(ValueError("broken")))), 60)
