"""Memory for engine runs: as many run in parallel as fit, the small ones first."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway_components.daemon.reconcile.ports import MOST_AT_ONCE

_RUN_MIB = 300.0
_GATEWAY_MIB = 4.7
"""Measured of engine and provider together: 300 MiB with one gateway, 650 with 75."""
_DAEMON_MIB = 224.0
"""Of this process itself, with 1,000 gateways and more."""
_MOST_MIB = 1331.0
"""For all together, where there is more: two cores have no use for it."""
_SHARE = 0.8
"""Of what the cgroup allows; files that are read and written count there, too."""
_SMALL = 10
"""Gateways of a run that goes before larger ones, while these have not waited for long."""
_LONGEST_WAIT_SECONDS = 10.0


def runs_mib(limit: int) -> float:
    """Return how much memory (MiB) is left for engine runs, where all processes together may take `limit` bytes."""
    return max(min(limit / 2**20 * _SHARE, _MOST_MIB) - _DAEMON_MIB, 0)


def most_gateways(mib: float) -> int:
    """Return how many gateways a run may carry to take no more than this; one at least."""
    return int(min(max((mib - _RUN_MIB) / _GATEWAY_MIB, 1), MOST_AT_ONCE))


def run_mib(gateways: int) -> float:
    """Return how much memory (MiB) an engine run about so many gateways takes."""
    return _RUN_MIB + _GATEWAY_MIB * gateways


@dataclass(slots=True)
class _Waiting:
    mib: float
    small: bool
    since: float
    turn: asyncio.Event = field(default_factory=asyncio.Event)


class Room:
    """Hands out memory to engine runs, in the order in which they ask.

    A small run goes before larger ones that have to wait, until one of these has waited for ten seconds. A run that
    would never find room goes alone.

    Parameters
    ----------
    mib
        Memory for all runs together.
    runs
        How many may run at the same time.
    clock
        Monotonic clock in seconds.
    """

    def __init__(self, mib: float, runs: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._free = mib
        self._runs = runs
        self._clock = clock
        self._running = 0
        self._waiting: list[_Waiting] = []

    @asynccontextmanager
    async def taken(self, gateways: int) -> AsyncIterator[None]:
        """Wait for room for a run about so many gateways, and keep it for a `with` block."""
        one = _Waiting(run_mib(gateways), gateways <= _SMALL, self._clock())
        self._waiting.append(one)
        self._hand_out()
        try:
            await one.turn.wait()
            yield
        finally:
            if one.turn.is_set():
                self._running -= 1
                self._free += one.mib
            else:
                self._waiting.remove(one)
            self._hand_out()

    def _hand_out(self) -> None:
        while (one := self._next()) is not None:
            self._waiting.remove(one)
            self._running += 1
            self._free -= one.mib
            one.turn.set()

    def _next(self) -> _Waiting | None:
        if not self._waiting or self._running >= self._runs:
            return None
        first = self._waiting[0]
        if self._fits(first):
            return first
        if self._clock() - first.since > _LONGEST_WAIT_SECONDS:
            return None
        return next((one for one in self._waiting if one.small and self._fits(one)), None)

    def _fits(self, one: _Waiting) -> bool:
        return one.mib <= self._free or not self._running
