"""What was applied, what failed and when to try again: the memory of one namespace, pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count

from gateway_components.plan.failure import Failure
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.plan import GatewayPlan, Plan
from gateway_components.plan.workload import GatewayObjects

__all__ = ["Batch", "Ledger"]

_FIRST_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 300.0

_Version = tuple[str | None, str]
"""UID of the gateway and digest of its objects: what an entry speaks of."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The gateways of one engine run.

    Attributes
    ----------
    wanted
        Objects to apply.
    refresh
        Whether the engine must look at the cluster first.
    doubts
        The doubts about its gateways that this run settles; one that is raised meanwhile is not among them.
    """

    wanted: Mapping[GatewayKey, GatewayObjects] = field(default_factory=dict)
    refresh: bool = False
    doubts: Mapping[GatewayKey, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Failed:
    version: _Version
    failure: Failure
    tries: int
    retry_at: float


class Ledger:
    """Compares plans with what was done.

    Nothing is known after a start, so every gateway is applied once with a look at the cluster; that mends
    whatever happened while no daemon ran.

    Parameters
    ----------
    held
        The gateways that the engine's state holds.
    """

    def __init__(self, held: Iterable[GatewayKey]) -> None:
        self._held = set(held)
        self._applied: dict[GatewayKey, _Version] = {}
        self._failed: dict[GatewayKey, _Failed] = {}
        self._numbers = count()
        self._doubts: dict[GatewayKey, int] = {key: next(self._numbers) for key in self._held}

    @property
    def held(self) -> frozenset[GatewayKey]:
        """The gateways that the engine's state holds."""
        return frozenset(self._held)

    def suspect(self, key: GatewayKey) -> None:
        """Note that objects of `key` may differ from what was applied: it is applied again, with a look first."""
        self._doubts[key] = next(self._numbers)
        self._applied.pop(key, None)

    def batches(self, plan: Plan, now: float) -> list[Batch]:
        """Return the engine runs that are due at `now` (seconds), the healthy gateways first.

        Gateways that failed before run apart from the others, so that they hold nobody up.
        """
        fresh: dict[GatewayKey, GatewayObjects] = {}
        again: dict[GatewayKey, GatewayObjects] = {}
        for key, gateway in plan.gateways.items():
            if gateway.objects is None or self.is_applied(gateway):
                continue
            failed = self._failed.get(key)
            if failed is None or failed.version != _version(gateway):
                fresh[key] = gateway.objects
            elif failed.retry_at <= now:
                again[key] = gateway.objects
        return [
            Batch(
                wanted,
                refresh=any(self._needs_look(plan.gateways[key]) for key in wanted),
                doubts={key: self._doubts[key] for key in wanted if key in self._doubts},
            )
            for wanted in (fresh, again)
            if wanted
        ]

    def is_applied(self, gateway: GatewayPlan) -> bool:
        """Tell whether exactly these objects of this gateway were applied."""
        return gateway.objects is not None and self._applied.get(gateway.key) == _version(gateway)

    def failure(self, gateway: GatewayPlan) -> Failure | None:
        """Return why exactly these objects could not be applied; None where they could, or were not tried."""
        failed = self._failed.get(gateway.key)
        return failed.failure if failed and failed.version == _version(gateway) else None

    def record(self, plan: Plan, batch: Batch, failures: Mapping[GatewayKey, Failure], now: float) -> None:
        """Take note of the outcome of an engine run at `now`."""
        for key in batch.wanted:
            self._held.add(key)
            version = _version(plan.gateways[key])
            if key in failures:
                before = self._failed.get(key)
                tries = before.tries + 1 if before and before.version == version else 1
                pause = min(_FIRST_RETRY_SECONDS * 2 ** (tries - 1), _LONGEST_RETRY_SECONDS)
                self._failed[key] = _Failed(version, failures[key], tries, now + pause)
                self.suspect(key)
                continue
            self._failed.pop(key, None)
            if self._doubts.get(key) == batch.doubts.get(key):
                self._doubts.pop(key, None)
                self._applied[key] = version

    def leftovers(self, plan: Plan) -> frozenset[GatewayKey]:
        """Return the gateways that the state holds and that are ours no longer."""
        return frozenset(self._held - plan.gateways.keys())

    def forget(self, keys: Iterable[GatewayKey]) -> None:
        """Drop all memory of gateways that were released from the state."""
        for key in keys:
            self._held.discard(key)
            self._applied.pop(key, None)
            self._failed.pop(key, None)
            self._doubts.pop(key, None)

    def next_retry(self, plan: Plan) -> float | None:
        """Return when (seconds) the next failed gateway is due; None where none is waiting."""
        times = (
            failed.retry_at
            for key, failed in self._failed.items()
            if key in plan.gateways and failed.version == _version(plan.gateways[key])
        )
        return min(times, default=None)

    def _needs_look(self, gateway: GatewayPlan) -> bool:
        applied = self._applied.get(gateway.key)
        # A gateway that was deleted and made again: the objects of the old one are being collected.
        recreated = applied is not None and applied[0] != gateway.uid
        return recreated or gateway.key in self._doubts


def _version(gateway: GatewayPlan) -> _Version:
    return gateway.uid, gateway.objects.digest if gateway.objects else ""
