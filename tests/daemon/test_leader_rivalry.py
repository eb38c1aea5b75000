"""Contenders for one Lease under faults of all kinds, in virtual time: never two at once, and one in the end."""

import asyncio
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_components.kube.errors import ApiError, ApiUnreachableError
from tests.daemon.contender import TERMS, Contender, time
from tests.kube.lease_server import LeaseServer, in_virtual_time

FAULTS = (
    ApiError(500, "InternalError", "no"),
    ApiError(429, "TooManyRequests", "no"),
    ApiError(409, "Conflict", "no"),
    ApiUnreachableError("no"),
)
TIME_TO_END = TERMS.lease - TERMS.renewal
"""What a leader that lost has for ending what it was doing."""


class Rivalry:
    """Three contenders, started again as a supervisor does it, while requests and answers fail or take long."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._server = LeaseServer()
        self._contenders: dict[str, Contender] = {}
        self._ended: dict[str, float] = {}
        self._healthy = False

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._supervise(name)) for name in "abc"]
            tasks.append(group.create_task(self._watch()))
            for _ in range(60):
                await asyncio.sleep(10)
                self._meddle()
            self._healthy = True
            await asyncio.sleep(2 * TERMS.lease + 10)
            assert self._leaders(), "nobody leads, though nothing is in the way"
            for task in tasks:
                task.cancel()

    async def _supervise(self, name: str) -> None:
        while True:
            contender = self._contenders[name] = Contender(self._server, name)
            contender.connection.before = contender.connection.after = self._mishap
            await contender.run()
            self._ended[name] = time()
            await asyncio.sleep(self._chance.uniform(0, 3))

    async def _mishap(self) -> None:
        if self._healthy:
            return
        await asyncio.sleep(self._chance.choice([0, 0, 0.1, 1, 4, 8]))
        if self._chance.random() < 0.3:
            raise self._chance.choice(FAULTS)

    def _meddle(self) -> None:
        if self._chance.random() < 0.05:
            self._server.write_by_hand(renewTime=self._chance.choice(["1970-01-01", "2970-01-01"]))

    def _leaders(self) -> list[str]:
        return [name for name, contender in self._contenders.items() if contender.leader.leading]

    async def _watch(self) -> None:
        while True:
            leaders = self._leaders()
            assert len(leaders) <= 1, f"at {time()} {leaders} lead"
            for name in leaders:
                began = self._contenders[name].led_from
                assert began is not None
                gaps = [began - end for other, end in self._ended.items() if other != name and end <= began]
                assert all(gap >= TIME_TO_END - 0.1 for gap in gaps), (
                    f"{name} began {gaps} s after the others"
                )
            await asyncio.sleep(0.1)


@settings(max_examples=settings().max_examples // 12)
@given(seed=st.integers(0, 2**32))
def test_there_are_never_two_leaders_and_in_the_end_there_is_one(seed: int) -> None:
    in_virtual_time(Rivalry(seed).run)
