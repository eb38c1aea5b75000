"""The event loop beside the main one: what runs there goes on though nothing moves here."""

import asyncio
import contextlib
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator

import pytest

from gateway_components.daemon.leader import Leader
from gateway_components.daemon.observe.health import HealthServer
from gateway_components.daemon.side_loop import SideLoop
from tests.daemon.contender import TERMS
from tests.kube.lease_server import Connection, LeaseServer, candidate


async def thread_name() -> str:
    return threading.current_thread().name


async def fail() -> None:
    raise ValueError("no")


async def no_metrics() -> bytes:
    return b""


async def test_work_is_done_there_and_its_result_comes_back() -> None:
    with SideLoop(time.monotonic) as side:
        assert await side.run(thread_name()) == "side loop"
        assert await thread_name() == "MainThread"
        with pytest.raises(ValueError, match="no"):
            await side.run(fail())


async def test_who_is_cancelled_waits_until_the_work_there_has_ended() -> None:
    steps: list[str] = []
    begun = threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("ended there")

    with SideLoop(time.monotonic) as side:
        waiting = asyncio.create_task(side.run(work()))
        await asyncio.to_thread(begun.wait)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        steps.append("went on here")
    assert steps == ["ended there", "went on here"]


async def test_a_context_is_entered_and_left_there() -> None:
    seen: list[str] = []

    @contextlib.asynccontextmanager
    async def context() -> AsyncIterator[int]:
        seen.append(await thread_name())
        yield 7
        seen.append(await thread_name())

    with SideLoop(time.monotonic) as side:
        async with side.within(context()) as entered:
            assert entered == 7
    assert seen == ["side loop", "side loop"]


async def test_the_main_loop_is_asked_for_what_it_alone_knows() -> None:
    with SideLoop(time.monotonic) as side:
        assert await side.run(side.ask_main(lambda: threading.current_thread().name)) == "MainThread"


async def test_lease_and_probes_survive_a_blocked_main_loop() -> None:
    server = LeaseServer()
    with SideLoop(time.monotonic, beat_seconds=0.0) as side:
        lease = candidate(Connection(server), "us", time.monotonic)
        leader = Leader(lease, TERMS, time.monotonic, silence=side.silence, side=side)
        await leader.acquire()
        keeping = asyncio.create_task(leader.keep())
        async with side.within(HealthServer(0, lambda: _silent(side), list, no_metrics)) as health:
            before, held = server.spec["renewTime"], threading.Event()
            assert _get(health.port) == "ok\n"
            # Nothing of this loop runs until all of that was seen.
            while server.spec["renewTime"] == before or _get(health.port) == "ok\n":
                held.wait(0.05)
            assert leader.leading
        await asyncio.sleep(0)
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
        await leader.release()
        assert "holderIdentity" not in server.spec


async def test_a_lost_lease_is_told_though_the_main_loop_is_blocked() -> None:
    server, lost = LeaseServer(), threading.Event()
    with SideLoop(time.monotonic) as side:
        lease = candidate(Connection(server), "us", time.monotonic)
        leader = Leader(lease, TERMS, time.monotonic, side=side)
        await leader.acquire()
        keeping = asyncio.create_task(leader.keep(lost.set))
        await asyncio.sleep(0)
        server.write_by_hand(holderIdentity="them")
        # Nothing of this loop runs until then.
        assert lost.wait(30)
        assert "somebody else" in await keeping


async def test_a_heart_beats_when_it_is_asked_for_and_not_too_often() -> None:
    seconds = [0.0]
    with SideLoop(lambda: seconds[0], beat_seconds=10.0) as side:
        seconds[0] = 9.0
        assert side.silence() == 0
        await asyncio.sleep(0)
        seconds[0] = 50.0
        assert side.silence() == 0, "nobody had asked for a heartbeat"
        seconds[0] = 53.0
        assert side.silence() == 3, "it is owed"
        await asyncio.sleep(0)
        assert side.silence() == 0


def _silent(side: SideLoop) -> list[str]:
    return ["silent"] if side.silence() > 0 else []


def _get(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as response:
            return str(response.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()
