"""Engine runs go on side by side as far as memory allows, and an edit waits for no crowd."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_components.daemon.memory import Room, most_gateways, run_mib, runs_mib

MIB = 1100
CROWD, EDIT = 100, 1


class Runs:
    """Engine runs by name, which go on until they are ended."""

    def __init__(self, mib: float = MIB, runs: int = 4) -> None:
        self.now = 0.0
        self.begun: list[str] = []
        self._room = Room(mib, runs, lambda: self.now)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def ask(self, **asked: int) -> None:
        for name, gateways in asked.items():
            self._tasks[name] = asyncio.create_task(self._run(name, gateways))
            await self._settle()

    async def end(self, *names: str) -> None:
        for name in names:
            task = self._tasks.pop(name)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._settle()

    async def end_all(self) -> None:
        await self.end(*self._tasks)

    async def _run(self, name: str, gateways: int) -> None:
        async with self._room.taken(gateways):
            self.begun.append(name)
            await asyncio.Event().wait()

    async def _settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


LIMITS = ((2**40, 1107, 75), (2 * 2**30, 1107, 75), (900 * 2**20, 496, 41), (2**29, 185, 1), (0, 0, 1))


@pytest.mark.parametrize(("limit", "mib", "gateways"), LIMITS)
def test_a_run_carries_no_more_than_its_memory_allows(limit: int, mib: int, gateways: int) -> None:
    assert int(runs_mib(limit)) == mib
    assert most_gateways(runs_mib(limit)) == gateways
    assert gateways == 1 or run_mib(gateways) <= runs_mib(limit)


ORDERS: Mapping[str, tuple[dict[str, int], list[str]]] = {
    "one crowd at a time": ({"a": CROWD, "b": CROWD}, ["a"]),
    "an edit beside a crowd": ({"a": CROWD, "b": EDIT}, ["a", "b"]),
    "an edit before crowds that wait": ({"a": CROWD, "b": CROWD, "c": CROWD, "d": EDIT}, ["a", "d"]),
    "edits in their order": ({"a": EDIT, "b": EDIT, "c": EDIT, "d": EDIT}, ["a", "b", "c"]),
    "crowds in their order": ({"a": EDIT, "b": CROWD, "c": 50, "d": 60}, ["a", "b"]),
}


@pytest.mark.parametrize("case", ORDERS)
async def test_what_begins_while_nothing_ends(case: str) -> None:
    asked, begun = ORDERS[case]
    runs = Runs()

    await runs.ask(**asked)

    assert runs.begun == begun
    await runs.end_all()


async def test_what_has_waited_long_enough_is_next() -> None:
    runs = Runs()
    await runs.ask(a=CROWD, b=CROWD, c=EDIT)
    assert runs.begun == ["a", "c"]
    runs.now = 10.5
    await runs.ask(d=EDIT)
    await runs.end("c")
    assert runs.begun == ["a", "c"], "no edit goes before b any more"

    await runs.end("a")

    assert runs.begun == ["a", "c", "b", "d"]
    await runs.end_all()


async def test_a_run_that_never_finds_room_goes_alone() -> None:
    runs = Runs(mib=10)

    await runs.ask(a=CROWD, b=EDIT)
    assert runs.begun == ["a"]
    await runs.end("a")

    assert runs.begun == ["a", "b"]
    await runs.end_all()


async def test_who_waits_no_longer_holds_up_nobody() -> None:
    runs = Runs(runs=1)
    await runs.ask(a=EDIT, b=EDIT, c=EDIT)

    await runs.end("b", "a")

    assert runs.begun == ["a", "c"]
    await runs.end_all()


@given(st.lists(st.integers(1, 100) | st.none(), max_size=30), st.integers(1, 5))
def test_no_more_is_taken_than_there_is_and_all_have_their_turn(asked: list[int | None], most: int) -> None:
    asyncio.run(_all_have_their_turn(asked, most))


async def _all_have_their_turn(asked: list[int | None], most: int) -> None:
    runs, sizes = Runs(runs=most), dict[str, int]()
    ended: list[str] = []

    def running() -> list[str]:
        return [name for name in runs.begun if name not in ended]

    for number, gateways in enumerate(asked):
        if gateways is None:
            for name in running()[:1]:
                ended.append(name)
                await runs.end(name)
        else:
            sizes[f"run-{number}"] = gateways
            await runs.ask(**{f"run-{number}": gateways})
        assert len(running()) <= most
        assert len(running()) == 1 or sum(run_mib(sizes[name]) for name in running()) <= MIB
    while left := running():
        ended.append(left[0])
        await runs.end(left[0])
    assert sorted(runs.begun) == sorted(sizes)
