"""What was applied, what failed and when to try again: the memory of one namespace, pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from gateway_components.daemon.fights import Fights
from gateway_components.engine.result import Outcome
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.ownership import Applied, Drift
from gateway_components.plan.plan import GatewayPlan, Plan
from gateway_components.plan.workload import GatewayObjects

__all__ = ["Batch", "Ledger"]

_FIRST_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 300.0
_UNCONFIRMED = Failure(
    Reason.WORKLOAD_FAILED, "the engine reports no error, but its state does not hold the objects as planned"
)

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


@dataclass(frozen=True, slots=True)
class _Drifted:
    applied: Applied
    drifts: tuple[Drift, ...]


class Ledger:
    """Compares plans with what was done.

    Parameters
    ----------
    held
        What the engine's state holds of each gateway. None for one that must be looked at, for nobody knows how far
        a run came that was about it.
    """

    def __init__(self, held: Mapping[GatewayKey, Applied | None]) -> None:
        self._held = set(held)
        self._applied: dict[GatewayKey, Applied] = {key: one for key, one in held.items() if one is not None}
        self._failed: dict[GatewayKey, _Failed] = {}
        self._drifts: dict[GatewayKey, _Drifted] = {}
        self._fights = Fights()
        self._numbers = count()
        self._doubts: dict[GatewayKey, int] = {}
        for key in self._held - self._applied.keys():
            self.suspect(key)

    @property
    def held(self) -> frozenset[GatewayKey]:
        """The gateways that the engine's state holds."""
        return frozenset(self._held)

    def applied(self, key: GatewayKey) -> Applied | None:
        """Return what was applied of a gateway; None where that is not known."""
        return self._applied.get(key)

    def suspect(self, key: GatewayKey, drifts: Sequence[Drift] = ()) -> None:
        """Note that objects of `key` differ from what was applied: it is applied again, with a look first."""
        self._doubts[key] = next(self._numbers)
        applied = self._applied.pop(key, None)
        if drifts and applied:
            self._drifts[key] = _Drifted(applied, tuple(drifts))

    def drifts(self, key: GatewayKey) -> tuple[Drift, ...]:
        """Return how objects of `key` were last seen to differ; none where the gateway was applied since."""
        drifted = self._drifts.get(key)
        return drifted.drifts if drifted else ()

    def batches(self, plan: Plan, now: float) -> list[Batch]:
        """Return the engine runs that are due at `now` (seconds), the healthy gateways first.

        Gateways that failed before run apart from the others, so that they hold nobody up. One that somebody changes
        again and again waits, unless its plan is another by now.
        """
        fresh: dict[GatewayKey, GatewayObjects] = {}
        again: dict[GatewayKey, GatewayObjects] = {}
        for key, gateway in plan.gateways.items():
            if gateway.objects is None or self.is_applied(gateway):
                continue
            if (self._fought_until(gateway) or now) > now:
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
        applied = self._applied.get(gateway.key)
        return gateway.objects is not None and applied is not None and _of(applied) == _version(gateway)

    def failure(self, gateway: GatewayPlan) -> Failure | None:
        """Return why exactly these objects could not be applied; None where they could, or were not tried."""
        failed = self._failed.get(gateway.key)
        return failed.failure if failed and failed.version == _version(gateway) else None

    def failures(self, plan: Plan, batch: Batch) -> dict[GatewayKey, Failure]:
        """Return why gateways of a batch could not be applied, as far as that was recorded."""
        found = {key: self.failure(plan.gateways[key]) for key in batch.wanted}
        return {key: failure for key, failure in found.items() if failure is not None}

    def record(
        self, plan: Plan, batch: Batch, outcome: Outcome, now: float
    ) -> dict[GatewayKey, tuple[Drift, ...]]:
        """Take note of the outcome of an engine run at `now`.

        A gateway was applied only where the state holds it exactly as planned. What became of any other is not known:
        it is tried again, with a look first, ever later.

        Returns
        -------
        dict
            What was put right, for each gateway that had drifted.
        """
        mended = {}
        for key in batch.wanted:
            self._held.add(key)
            version = _version(plan.gateways[key])
            known, failure = outcome.held.get(key), outcome.failures.get(key)
            if failure is not None or known is None or _of(known) != version:
                before = self._failed.get(key)
                tries = before.tries + 1 if before and before.version == version else 1
                pause = min(_FIRST_RETRY_SECONDS * 2 ** (tries - 1), _LONGEST_RETRY_SECONDS)
                self._failed[key] = _Failed(version, failure or _UNCONFIRMED, tries, now + pause)
                self.suspect(key)
                continue
            self._failed.pop(key, None)
            if self._doubts.get(key) == batch.doubts.get(key):
                self._doubts.pop(key, None)
                self._applied[key] = known
                drifted = self._drifts.pop(key, None)
                if drifted:
                    mended[key] = drifted.drifts
                    self._fights.corrected(key, now)
                    if _of(drifted.applied) == version:
                        self._applied[key] = _with_fields_of(self._applied[key], drifted.applied)
        return mended

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
            self._drifts.pop(key, None)
            self._fights.forget(key)

    def next_retry(self, plan: Plan) -> float | None:
        """Return when (seconds) the next gateway that has to wait is due; None where none is waiting."""
        waiting = (
            self._due(gateway)
            for gateway in plan.gateways.values()
            if gateway.objects and not self.is_applied(gateway)
        )
        return min((time for time in waiting if time is not None), default=None)

    def _due(self, gateway: GatewayPlan) -> float | None:
        failed = self._failed.get(gateway.key)
        retry = failed.retry_at if failed and failed.version == _version(gateway) else None
        fought = self._fought_until(gateway)
        return max((time for time in (retry, fought) if time is not None), default=None)

    def _fought_until(self, gateway: GatewayPlan) -> float | None:
        drifted = self._drifts.get(gateway.key)
        return (
            self._fights.until(gateway.key) if drifted and _of(drifted.applied) == _version(gateway) else None
        )

    def _needs_look(self, gateway: GatewayPlan) -> bool:
        applied = self._applied.get(gateway.key)
        # A gateway that was deleted and made again: the objects of the old one are being collected.
        recreated = applied is not None and applied.uid != gateway.uid
        return recreated or gateway.key in self._doubts


def _with_fields_of(applied: Applied, before: Applied) -> Applied:
    """Return what was applied, with all that was ours before: the engine may have overlooked what somebody took."""
    marks = {
        key: replace(mark, fields=mark.fields | before.marks[key].fields)
        if key in before.marks and before.marks[key].uid == mark.uid
        else mark
        for key, mark in applied.marks.items()
    }
    return replace(applied, marks=marks)


def _of(applied: Applied) -> _Version:
    return applied.uid, applied.digest


def _version(gateway: GatewayPlan) -> _Version:
    return gateway.uid, gateway.objects.digest if gateway.objects else ""
