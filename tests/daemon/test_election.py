"""What is done while leading: it ends with the leadership, and the leadership outlasts it."""

import asyncio
import math
import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway_components.concurrency import unless_stopped
from gateway_components.daemon.leader import (
    LeadershipLostError,
    identity,
    last_leader,
    note_leader,
    while_leading,
)
from gateway_components.daemon.side_loop import watchdog
from gateway_components.engine.folder import ScratchFolder
from tests.daemon.contender import TERMS, Contender, time
from tests.kube.lease_server import LeaseServer, in_virtual_time


class Work:
    """Works until it is cancelled or halted, and takes a while to end."""

    def __init__(self, contender: Contender) -> None:
        self.contender = contender
        self.steps: list[str] = []
        self.halted = asyncio.Event()

    async def run(self, seconds: float = 1e6) -> str:
        try:
            await asyncio.sleep(seconds)
        finally:
            # As an engine run, which no cancelling ends.
            await asyncio.wait((asyncio.create_task(self.halted.wait()),), timeout=30)
            self.steps.append("ended leading" if self.contender.leader.leading else "ended")
        return "done"

    def halt(self) -> None:
        if not self.halted.is_set():
            self.steps.append("halted")
        self.halted.set()


def test_lost_leadership_halts_the_work_at_once() -> None:
    async def story() -> None:
        server = LeaseServer()
        contender = Contender(server, "us")
        work = Work(contender)
        await contender.leader.acquire()
        doing = asyncio.create_task(while_leading(contender.leader, work.run(), work.halt))
        await asyncio.sleep(61)
        server.write_by_hand(holderIdentity="them")
        began = time()

        with pytest.raises(LeadershipLostError, match="somebody else"):
            await doing

        assert work.steps == ["halted", "ended"]
        assert time() - began <= TERMS.retry
        assert server.spec["holderIdentity"] == "them"

    in_virtual_time(story)


def test_the_lease_is_released_once_the_work_has_ended() -> None:
    async def story() -> None:
        server = LeaseServer()
        contender = Contender(server, "us")
        work = Work(contender)
        await contender.leader.acquire()

        assert await while_leading(contender.leader, work.run(5), work.halt) == "done"

        assert work.steps == ["ended leading"], "it took three times as long as the lease lasts"
        assert "holderIdentity" not in server.spec

    in_virtual_time(story)


@pytest.mark.parametrize("how", ["fails", "is cancelled"])
def test_work_that_ends_otherwise_gives_the_lease_back_too(how: str) -> None:
    async def story() -> None:
        server = LeaseServer()
        contender = Contender(server, "us")
        work = Work(contender)
        await contender.leader.acquire()

        async def fail() -> None:
            await asyncio.sleep(3)
            raise ValueError("no")

        if how == "fails":
            with pytest.raises(ValueError, match="no"):
                await while_leading(contender.leader, fail(), work.halt)
        else:
            doing = asyncio.create_task(while_leading(contender.leader, work.run(), work.halt))
            await asyncio.sleep(61)
            doing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await doing
            assert work.steps == ["ended leading"]
        assert "holderIdentity" not in server.spec

    in_virtual_time(story)


def test_who_stands_by_can_be_stopped() -> None:
    async def story() -> None:
        server = LeaseServer()
        first, second = Contender(server, "first"), Contender(server, "second")
        stop = asyncio.Event()
        assert await unless_stopped(first.leader.acquire(), stop)
        waiting = asyncio.create_task(unless_stopped(second.leader.acquire(), stop))
        await asyncio.sleep(1)
        assert (first.leader.standing_by, second.leader.standing_by) == (False, True)
        stop.set()
        assert not await waiting
        assert not second.leader.leading

    with capture_logs() as logged:
        in_virtual_time(story)
    assert [line["event"] for line in logged] == ["leading", "standing by"]


def test_engines_end_though_the_event_loop_is_held_up() -> None:
    left, halted = [0.05, 0.01], threading.Event()

    async def story() -> None:
        with watchdog(lambda: left.pop(0) if left else 0.0, halted.set):
            # Nothing else of this loop runs until then.
            assert halted.wait(30)

    asyncio.run(story())
    assert not left, "the Lease was renewed once"


def test_engines_end_soon_where_a_suspend_outlasted_the_lease() -> None:
    left, halted = [3600.0], threading.Event()

    with watchdog(lambda: left.pop(0) if left else 0.0, halted.set, longest=0.01):
        assert halted.wait(30), "the wait of a thread does not count the suspend"


def test_engines_continue_as_long_as_the_leadership() -> None:
    halted = threading.Event()

    asked: list[float] = []

    def forever() -> float:
        asked.append(math.inf)
        return math.inf

    with watchdog(forever, halted.set):
        pass

    assert not halted.is_set()
    assert len(asked) == 1, "nothing wakes a daemon that leads"


def test_no_two_processes_have_one_name() -> None:
    assert identity() != identity()


def test_the_next_process_in_a_folder_knows_who_led_from_there(tmp_path: Path) -> None:
    with ScratchFolder(tmp_path) as folder:
        assert last_leader(folder) == ""
        note_leader(folder, "first")
    with ScratchFolder(tmp_path) as folder:
        assert last_leader(folder) == "first"
    with ScratchFolder(tmp_path / "another") as folder:
        assert last_leader(folder) == ""


def test_a_note_that_cannot_be_read_or_written_is_none(tmp_path: Path) -> None:
    (tmp_path / "leader").mkdir()
    with ScratchFolder(tmp_path) as folder:
        note_leader(folder, "first")
        assert last_leader(folder) == ""
