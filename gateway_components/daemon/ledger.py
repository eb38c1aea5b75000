"""What was applied, what failed and when to try again: the memory of one namespace, pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
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

_PATIENCE_SECONDS = 10.0
_PATIENCE_SECONDS_EACH = 0.1
"""A run that has gone on for longer, with so much more for each of its gateways, is overtaken: many times the usual."""
_LONGEST_WAIT_SECONDS = 10.0
"""A retry that has been due for longer goes before what is fresh."""
_SHORTEST_REST_SECONDS = 1.0
_OVERTAKEN_AT_ONCE = 3
"""As many times in a row a retry is overtaken at once; then it is given as long as any other run."""

_HUNG = (
    "the engine did not finish within {:.0f} s, and made way for changes of other gateways; it is tried again"
)
_HUNG_CURE = "see whether the API server answers for the objects of this gateway"

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
    retry
        Whether it is about gateways that failed, or held up a run, before.
    overdue
        Whether it is a retry that goes before something fresh, for it has waited long enough.
    due_at
        When (seconds) it was handed out.
    """

    wanted: Mapping[GatewayKey, GatewayObjects] = field(default_factory=dict)
    refresh: bool = False
    doubts: Mapping[GatewayKey, int] = field(default_factory=dict)
    retry: bool = False
    overdue: bool = False
    due_at: float = 0.0


@dataclass(frozen=True, slots=True)
class _Retry:
    """A gateway that is tried again.

    Attributes
    ----------
    failure
        Why it failed; None where its run was overtaken, and nobody knows.
    overtaken
        How often in a row.
    alone
        Whether it has a run of its own: one of those in the last hung, and nobody knows which.
    """

    version: _Version
    failure: Failure | None
    tries: int
    retry_at: float
    overtaken: int = 0
    alone: bool = False


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
        self._retries: dict[GatewayKey, _Retry] = {}
        self._hung = Counter[GatewayKey]()
        self._rest_until = 0.0
        self._drifts: dict[GatewayKey, _Drifted] = {}
        self._fights = Fights()
        self._numbers = count()
        self._doubts: dict[GatewayKey, int] = {}
        for key in held.keys() - self._applied.keys():
            self.suspect(key)

    @property
    def held(self) -> frozenset[GatewayKey]:
        """The gateways that the engine's state holds, or may hold."""
        return frozenset(self._held)

    def applied(self, key: GatewayKey) -> Applied | None:
        """Return what was applied of a gateway; None where that is not known."""
        return self._applied.get(key)

    def suspect(self, key: GatewayKey, drifts: Sequence[Drift] = ()) -> None:
        """Note that objects of `key` differ from what was applied: it is applied again, with a look first."""
        self._held.add(key)
        self._doubts[key] = next(self._numbers)
        applied = self._applied.pop(key, None)
        if drifts and applied:
            self._drifts[key] = _Drifted(applied, tuple(drifts))

    def drifts(self, key: GatewayKey) -> tuple[Drift, ...]:
        """Return how objects of `key` were last seen to differ; none where the gateway was applied since."""
        drifted = self._drifts.get(key)
        return drifted.drifts if drifted else ()

    def due(self, plan: Plan, now: float) -> Batch | None:
        """Return the engine run that is due at `now` (seconds); None where there is none.

        Gateways that failed before run apart, and after what is fresh, so that they hold nobody up; one that has waited
        long enough for others goes first. Then what is fresh gets as much time as that took. One that somebody changes
        again and again waits, unless its plan is another by now.
        """
        fresh, retries = self._fresh(plan, now), self._retries_due(plan, now)
        overdue = bool(fresh and retries) and now >= self._rest_until and self._is_overdue(retries, now)
        wanted = retries if overdue else fresh or retries
        if not wanted:
            return None
        return Batch(
            wanted,
            refresh=any(self._needs_look(plan.gateways[key]) for key in wanted),
            doubts={key: self._doubts[key] for key in wanted if key in self._doubts},
            retry=overdue or not fresh,
            overdue=overdue,
            due_at=now,
        )

    def patience(self, batch: Batch) -> float:
        """Return how long (seconds) a run goes on before others may overtake it."""
        if batch.retry and not batch.overdue and self._times_overtaken(batch) < _OVERTAKEN_AT_ONCE:
            return 0.0
        # Where a gateway takes that long, and there is always an edit, it must come to its end some time.
        hung = max((self._hung[key] for key in batch.wanted), default=0)
        return (_PATIENCE_SECONDS + _PATIENCE_SECONDS_EACH * len(batch.wanted)) * 2.0**hung

    def is_overtaken(self, plan: Plan, batch: Batch, now: float, kept: Collection[GatewayKey] = ()) -> bool:
        """Tell whether the plan of `now` has something that a run of `batch` is not about: an edit, or a deletion.

        Gateways in `kept` are not to be let go of, or the run lets go of them.
        """
        fresh = self._fresh(plan, now).items()
        others = any(
            key not in batch.wanted or batch.wanted[key].digest != objects.digest for key, objects in fresh
        )
        gone = self.leftovers(plan) | (batch.wanted.keys() - plan.gateways.keys())
        return others or not gone <= frozenset(kept)

    def _fresh(self, plan: Plan, now: float) -> dict[GatewayKey, GatewayObjects]:
        return {
            key: gateway.objects
            for key, gateway in plan.gateways.items()
            if gateway.objects and self._is_open(gateway, now) and not self._retry(gateway)
        }

    def _retries_due(self, plan: Plan, now: float) -> dict[GatewayKey, GatewayObjects]:
        due = {
            key: retry
            for key, gateway in plan.gateways.items()
            if gateway.objects
            and (retry := self._retry(gateway))
            and retry.retry_at <= now
            and self._is_open(gateway, now)
        }
        first = min(due, key=lambda key: (due[key].retry_at, key), default=None)
        if first is None:
            return {}
        chosen = [first] if due[first].alone else [key for key, retry in due.items() if not retry.alone]
        return {key: objects for key in chosen if (objects := plan.gateways[key].objects)}

    def _is_overdue(self, retries: Iterable[GatewayKey], now: float) -> bool:
        return min(self._retries[key].retry_at for key in retries) + _LONGEST_WAIT_SECONDS <= now

    def _is_open(self, gateway: GatewayPlan, now: float) -> bool:
        return not self.is_applied(gateway) and (self._fought_until(gateway) or now) <= now

    def _retry(self, gateway: GatewayPlan) -> _Retry | None:
        retry = self._retries.get(gateway.key)
        return retry if retry and retry.version == _version(gateway) else None

    def _times_overtaken(self, batch: Batch) -> int:
        return max((self._retries[key].overtaken for key in batch.wanted if key in self._retries), default=0)

    def is_applied(self, gateway: GatewayPlan) -> bool:
        """Tell whether exactly these objects of this gateway were applied."""
        applied = self._applied.get(gateway.key)
        return gateway.objects is not None and applied is not None and _of(applied) == _version(gateway)

    def failure(self, gateway: GatewayPlan) -> Failure | None:
        """Return why exactly these objects could not be applied; None where they could, or were not tried."""
        retry = self._retry(gateway)
        return retry.failure if retry else None

    def overtaken(self, plan: Plan, batch: Batch, now: float, seconds: float) -> None:
        """Take note that a run was cut short for others at `now`, `seconds` after its begin.

        Nobody knows how far it came. All of its gateways are tried again, apart from those that are fresh; and each
        alone where the run hung.
        """
        hung = seconds >= _PATIENCE_SECONDS
        self._rest(batch, now)
        for key in batch.wanted:
            self._hung[key] += hung
            before = self._retry(plan.gateways[key])
            tries, overtaken = (before.tries, before.overtaken) if before else (0, 0)
            failure = before.failure if before else None
            if hung and before and len(batch.wanted) == 1:
                failure = Failure(Reason.WORKLOAD_FAILED, _HUNG.format(seconds), cure=_HUNG_CURE)
            self._retries[key] = _Retry(
                _version(plan.gateways[key]),
                failure,
                tries + 1 if hung else max(tries, 1),
                now + _pause(tries + 1 if hung else max(tries, 1)),
                overtaken=0 if hung else overtaken + 1,
                alone=hung or (before is not None and before.alone),
            )
            self.suspect(key)

    def broke_off(self, batch: Batch, now: float) -> None:
        """Take note that a run ended with an error at `now`: nobody knows how far it came."""
        self._rest(batch, now)
        for key in batch.wanted:
            self.suspect(key)

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
        self._rest(batch, now)
        for key in batch.wanted:
            self._held.add(key)
            self._hung.pop(key, None)
            version = _version(plan.gateways[key])
            known, failure = outcome.held.get(key), outcome.failures.get(key)
            if failure is not None or known is None or _of(known) != version:
                before = self._retry(plan.gateways[key])
                tries = before.tries + 1 if before else 1
                alone = before is not None and before.alone
                self._retries[key] = _Retry(
                    version, failure or _UNCONFIRMED, tries, now + _pause(tries), alone=alone
                )
                self.suspect(key)
                continue
            self._retries.pop(key, None)
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
            self._retries.pop(key, None)
            self._hung.pop(key, None)
            self._doubts.pop(key, None)
            self._drifts.pop(key, None)
            self._fights.forget(key)

    def _rest(self, batch: Batch, now: float) -> None:
        if batch.overdue:
            self._rest_until = now + max(now - batch.due_at, _SHORTEST_REST_SECONDS)

    def next_retry(self, plan: Plan) -> float | None:
        """Return when (seconds) the next gateway that has to wait is due; None where none is waiting."""
        waiting = (
            self._due(gateway)
            for gateway in plan.gateways.values()
            if gateway.objects and not self.is_applied(gateway)
        )
        return min((time for time in waiting if time is not None), default=None)

    def _due(self, gateway: GatewayPlan) -> float | None:
        retry = self._retry(gateway)
        times = retry.retry_at if retry else None, self._fought_until(gateway)
        return max((time for time in times if time is not None), default=None)

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


def _pause(tries: int) -> float:
    return float(min(_FIRST_RETRY_SECONDS * 2 ** (tries - 1), _LONGEST_RETRY_SECONDS))


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
