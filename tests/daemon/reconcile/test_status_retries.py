"""Statuses of routes of other namespaces hold up a reconcile for a second at most, and each has its turn."""

from collections import Counter
from typing import cast

from gateway_components.daemon.clock import Clock
from gateway_components.daemon.reconcile.report import Report, StatusRetries
from gateway_components.identity import Identity


class Slow:
    """A clock, and statuses that take a twentieth of a second each."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.written: list[str] = []

    def now(self) -> float:
        return self.seconds

    def report(self, name: str) -> Report:
        async def write() -> bool:
            self.seconds += 0.05
            self.written.append(name)
            return True

        return Identity("ToolRoute", "guests", name), write


async def test_the_namespaces_own_objects_are_reported_first_in_full() -> None:
    slow = Slow()
    own = [slow.report(f"own-{number}") for number in range(60)]
    guests = [slow.report(f"guest-{number}") for number in range(60)]

    assert not await StatusRetries(cast("Clock", slow)).write(own, guests)

    assert slow.written[:60] == [f"own-{number}" for number in range(60)]
    assert 60 + 20 <= len(slow.written) < 60 + 30


async def test_guests_take_turns_until_all_are_reported() -> None:
    slow = Slow()
    statuses = StatusRetries(cast("Clock", slow))
    guests = [slow.report(f"guest-{number}") for number in range(70)]

    for _ in range(9):
        await statuses.write([], guests)

    counts = Counter(slow.written)
    assert len(counts) == 70
    assert max(counts.values()) - min(counts.values()) <= 1


async def test_a_few_guests_are_reported_at_once() -> None:
    slow = Slow()

    assert await StatusRetries(cast("Clock", slow)).write([], [slow.report("a"), slow.report("b")])

    assert slow.written == ["a", "b"]


async def test_guests_that_became_fewer_are_reported_all_the_same() -> None:
    slow = Slow()
    statuses = StatusRetries(cast("Clock", slow))
    await statuses.write([], [slow.report(f"guest-{number}") for number in range(70)])
    slow.written.clear()

    assert await statuses.write([], [slow.report("left")])

    assert slow.written == ["left"]
