"""Leaders in virtual time: when one leads, when it stops, and that there are never two."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from gateway_components.daemon.clock import steady_seconds
from gateway_components.daemon.leader import Leader, LeadershipLostError, Unopposed
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from tests.daemon.contender import TERMS, Contender, time
from tests.kube.lease_server import Connection, LeaseServer, VirtualTimeLoop, candidate, in_virtual_time


def in_time(work: Callable[[LeaseServer], Coroutine[Any, Any, None]]) -> list[Any]:
    """Run a story with a server in virtual time; return what was logged."""
    with capture_logs() as logged:
        in_virtual_time(lambda: work(LeaseServer()))
    return logged


def fails_with(error: Exception) -> Callable[[], Coroutine[Any, Any, None]]:
    async def fail() -> None:
        raise error

    return fail


async def at_once() -> None:
    """Let requests and answers through."""


async def hang() -> None:
    await asyncio.Event().wait()


async def within(seconds: float, condition: Callable[[], bool]) -> float:
    """Wait until a condition holds; return how long it took."""
    began = time()
    while not condition():
        assert time() - began <= seconds, f"not within {seconds} s"
        await asyncio.sleep(0.05)
    return time() - began


def test_one_of_two_leads_and_keeps_leading() -> None:
    async def story(server: LeaseServer) -> None:
        first, second = Contender(server, "first"), Contender(server, "second")
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(daemon.run()) for daemon in (first, second)]
            await asyncio.sleep(3600)
            assert (first.led_from, second.led_from) == (0, None)
            assert (first.leader.leading, second.leader.leading) == (True, False)
            for task in tasks:
                task.cancel()

    logged = in_time(story)

    assert [line["holder"] for line in logged if line["event"] == "standing by"] == ["first"]
    assert [line["identity"] for line in logged if line["event"] == "leading"] == ["first"]
    assert {line["lease"] for line in logged} == {"install/l"}


def test_another_leads_soon_after_a_leader_died() -> None:
    async def story(server: LeaseServer) -> None:
        first, second = Contender(server, "first"), Contender(server, "second")
        dying = asyncio.create_task(first.run())
        async with asyncio.TaskGroup() as group:
            running = group.create_task(second.run())
            await asyncio.sleep(61)
            dying.cancel()
            assert await within(18, lambda: second.leader.leading) > TERMS.lease - TERMS.retry
            running.cancel()

    in_time(story)


def test_another_leads_at_once_after_a_leader_gave_up() -> None:
    async def story(server: LeaseServer) -> None:
        first, second = Contender(server, "first"), Contender(server, "second")
        keeping = asyncio.create_task(first.run())
        async with asyncio.TaskGroup() as group:
            running = group.create_task(second.run())
            await asyncio.sleep(61)
            keeping.cancel()
            await first.leader.release()
            assert not first.leader.leading
            await within(TERMS.retry + 0.1, lambda: second.leader.leading)
            running.cancel()

    assert [line["event"] for line in in_time(story)][-2:] == ["lease released", "leading"]


def test_keeping_ends_when_the_lease_was_given_back() -> None:
    async def story(server: LeaseServer) -> None:
        daemon = Contender(server, "us")
        await daemon.leader.acquire()
        await daemon.leader.release()
        await daemon.leader.keep()

    in_time(story)


@pytest.mark.parametrize("trouble", ["refuses", "is gone", "is silent"])
def test_an_unanswered_leader_stops_before_another_begins(trouble: str) -> None:
    troubles = {
        "refuses": fails_with(ApiError(500, "InternalError", "etcd is on fire")),
        "is gone": fails_with(ApiUnreachableError("the API server gave no answer: refused")),
        "is silent": hang,
    }

    async def story(server: LeaseServer) -> None:
        first, second = Contender(server, "first"), Contender(server, "second")
        async with asyncio.TaskGroup() as group:
            leading, waiting = group.create_task(first.run()), group.create_task(second.run())
            await asyncio.sleep(61)
            first.connection.before = troubles[trouble]
            await within(TERMS.renewal + 0.1, leading.done)
            stopped = time()
            assert not first.leader.leading
            await within(10, lambda: second.leader.leading)
            # What it was doing must be over by then.
            assert time() - stopped >= TERMS.lease - TERMS.renewal - 0.1
            waiting.cancel()

    logged = in_time(story)

    (lost,) = (line for line in logged if line["event"] == "lease lost")
    assert "10 s" in lost["why"]
    (reported,) = (line for line in logged if line["log_level"] == "warning")
    assert reported["error"], "the same trouble is told once"


TROUBLES: list[tuple[str, Exception | None]] = [
    ("a conflict about nothing", ApiError(409, "Conflict", "no")),
    ("too many requests", ApiError(429, "TooManyRequests", "no")),
    ("an internal error", ApiError(500, "InternalError", "no")),
    ("an API server that is away", ApiUnreachableError("away")),
    ("an API server that is silent", None),
]


@pytest.mark.parametrize("where", ["requests get lost", "answers get lost"])
@pytest.mark.parametrize(("case", "error"), TROUBLES, ids=[case[0] for case in TROUBLES])
def test_a_leader_survives_trouble_that_passes(case: str, error: Exception | None, where: str) -> None:
    async def story(server: LeaseServer) -> None:
        daemon = Contender(server, "us")
        trouble = fails_with(error) if error else hang
        async with asyncio.TaskGroup() as group:
            running = group.create_task(daemon.run())
            await asyncio.sleep(1)
            for _ in range(5):
                if where == "requests get lost":
                    daemon.connection.before = trouble
                else:
                    daemon.connection.after = trouble
                await asyncio.sleep(7)
                daemon.connection.before = daemon.connection.after = at_once
                await asyncio.sleep(11)
                assert daemon.leader.leading
            running.cancel()

    in_time(story)


def test_a_leader_stops_when_another_took_the_lease() -> None:
    async def story(server: LeaseServer) -> None:
        daemon = Contender(server, "us")
        running = asyncio.create_task(daemon.run())
        await asyncio.sleep(61)
        server.write_by_hand(holderIdentity="them")
        await within(TERMS.retry + 0.1, running.done)
        assert not daemon.leader.leading
        assert "somebody else" in daemon.why

    assert in_time(story)[-1]["holder"] == "them"


def test_a_process_that_was_stopped_for_too_long_leads_no_more() -> None:
    async def story(server: LeaseServer) -> None:
        daemon = Contender(server, "us")
        running = asyncio.create_task(daemon.run())
        await asyncio.sleep(61)
        daemon.connection.requests.clear()

        cast("VirtualTimeLoop", asyncio.get_running_loop()).stall(TERMS.renewal)

        assert not daemon.leader.leading, "before anything of this process could run"
        await running
        assert not daemon.connection.requests, "and it does not try to win it back"

    in_time(story)


def test_a_late_renewal_does_not_count_after_a_watchdog_acted() -> None:
    async def story(server: LeaseServer) -> None:
        daemon, loop = Contender(server, "us"), cast("VirtualTimeLoop", asyncio.get_running_loop())

        async def answer_late() -> None:
            loop.stall(daemon.leader.seconds_left())
            assert daemon.leader.seconds_left() == 0, "a watchdog ends the engines now"

        running = asyncio.create_task(daemon.run())
        await asyncio.sleep(61)
        daemon.connection.before = fails_with(ApiUnreachableError("away"))
        await within(TERMS.renewal, lambda: daemon.leader.seconds_left() < TERMS.request)
        daemon.connection.before, daemon.connection.after = at_once, answer_late
        await within(TERMS.request + 2 * TERMS.retry, running.done)
        assert not daemon.leader.leading

    assert "10 s" in in_time(story)[-1]["why"]


def test_who_starts_during_an_outage_leads_after_it() -> None:
    async def story(server: LeaseServer) -> None:
        daemon = Contender(server, "us")
        daemon.connection.before = fails_with(ApiUnreachableError("away"))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(daemon.run())
            await asyncio.sleep(600)
            daemon.connection.before = at_once
            await within(TERMS.retry + 0.1, lambda: daemon.leader.leading)
            running.cancel()

    logged = in_time(story)
    assert [line["log_level"] for line in logged if line["event"] == "cannot ask for the lease"][:2] == [
        "warning",
        "debug",
    ]


FORBIDDEN = (
    'leases.coordination.k8s.io "l" is forbidden: User "u" cannot patch resource "leases" in API group '
    '"coordination.k8s.io" in the namespace "install"'
)
CURES = [
    (403, FORBIDDEN, 'the verb "patch" on "leases.coordination.k8s.io" in namespace install'),
    (404, 'namespaces "install" not found', "create the namespace"),
]


@pytest.mark.parametrize(("status", "message", "cure"), CURES)
def test_what_bars_the_way_is_reported_with_its_cure(status: int, message: str, cure: str) -> None:
    async def story(server: LeaseServer) -> None:
        daemon = Contender(server, "us")
        daemon.connection.before = fails_with(ApiError(status, "", message))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(30):
                await daemon.run()

    (line,) = (line for line in in_time(story) if line["log_level"] == "warning")
    assert cure in line["cure"]


def test_a_lease_that_cannot_be_given_back_holds_up_nobody() -> None:
    async def story(server: LeaseServer) -> None:
        daemon = Contender(server, "us")
        await daemon.leader.acquire()
        daemon.connection.before = hang
        began = time()
        await daemon.leader.release()
        assert time() - began <= TERMS.request

    assert in_time(story)[-1]["event"] == "lease not released"


async def test_who_is_alone_leads_at_once_and_for_good() -> None:
    alone = Unopposed()
    await alone.acquire()
    keeping = asyncio.create_task(alone.keep())
    await asyncio.sleep(0)
    await alone.release()

    assert alone.leading
    assert not keeping.done()
    keeping.cancel()


def test_a_write_must_be_over_when_another_may_lead() -> None:
    async def story(server: LeaseServer) -> None:
        daemon = Contender(server, "us")
        with pytest.raises(LeadershipLostError):
            daemon.leader.seconds_to_write()
        await daemon.leader.acquire()
        daemon.connection.before = hang
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(daemon.leader.keep())
            for _ in range(9):
                await asyncio.sleep(1)
                assert time() + daemon.leader.seconds_to_write() == TERMS.lease
            await keeping
        with pytest.raises(LeadershipLostError):
            daemon.leader.seconds_to_write()

    in_time(story)


def test_seconds_go_on() -> None:
    assert steady_seconds() <= steady_seconds()


def test_work_that_hangs_does_not_keep_the_lease() -> None:
    async def story() -> None:
        silent_since: list[float] = []

        def silence() -> float:
            return time() - silent_since[0] if silent_since else 0.0

        server = LeaseServer()
        leader = Leader(candidate(Connection(server), "us", time), TERMS, time, silence=silence)
        await leader.acquire()
        keeping = asyncio.create_task(leader.keep())
        await asyncio.sleep(100)
        silent_since.append(time())

        assert await keeping == "the main loop has been stuck for 60 s"
        assert time() <= 100 + 60 + TERMS.retry
        assert not leader.leading

    in_virtual_time(story)
