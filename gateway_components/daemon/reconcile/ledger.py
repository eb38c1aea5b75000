"""What was applied, what failed and when to try again: the memory of one namespace, pure."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice

from gateway_components.backoff import Pauses, Streak
from gateway_components.daemon.reconcile.ports import MOST_AT_ONCE, Batch
from gateway_components.engine.diagnostics import Outcome
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason
from gateway_components.plan.objects import GatewayObjects
from gateway_components.plan.ownership import Applied, Drift
from gateway_components.plan.plan import GatewayPlan, Plan

_RETRIES = Pauses(first=1.0, longest=300.0)
CORRECTIONS = Streak(Pauses(first=2.0, longest=60.0, at_once=4), quiet=60.0)
"""Corrections of drift: another controller that writes our fields must not run the engine without end."""
RIVAL_CORRECTIONS = 7
"""As many corrections counts the first one against an operator that runs the same gateways: it never backs off."""
_UNCONFIRMED = Failure(
    Reason.WORKLOAD_FAILED, "the engine reports no error, but its state does not hold the objects as planned"
)

_PATIENCE_SECONDS = 10.0
_PATIENCE_SECONDS_EACH = 0.1
"""A run that takes longer, with so much more for each of its gateways, is preempted: many times the usual."""
_LONGEST_WAIT_SECONDS = 10.0
"""A retry that has been due for longer goes before what is fresh."""
_SHORTEST_REST_SECONDS = 1.0
_PREEMPTED_AT_ONCE = 3
"""A retry is preempted at once so many times in a row; then it gets as long as any other run."""

_HUNG = (
    "the engine did not finish within {:.0f} s, and made way for changes of other gateways; it is tried again"
)
_HUNG_CURE = "see whether the API server answers for the objects of this gateway"

_Version = tuple[str | None, str]
"""UID of the gateway and digest of its objects: what an entry speaks of."""


@dataclass(frozen=True, slots=True)
class _Retry:
    """A gateway that is tried again.

    Attributes
    ----------
    failure
        Why it failed; None where its run was preempted, and the outcome is unknown.
    preempted
        How often in a row.
    alone
        Whether it has a run of its own: one of those in the last hung, and which is unknown.
    """

    version: _Version
    failure: Failure | None
    tries: int
    retry_at: float
    preempted: int = 0
    alone: bool = False


@dataclass(frozen=True, slots=True)
class _Drifted:
    applied: Applied
    drifts: tuple[Drift, ...]
    rival: bool = False


@dataclass(slots=True)
class _Record:
    """All that is known of a gateway which the engine's state holds, or may hold.

    Attributes
    ----------
    applied
        What was applied; None where that is not known.
    refresh
        The latest request to look at the cluster before it is applied; None where none is open.
    retry
        How its last run failed; None where it did not.
    hung
        How many runs about it in a row were preempted because they hung.
    drifted
        What was applied before it drifted, and how it drifted since.
    settled
        The plan, and what stands for what was seen, with which nothing was left to do; None where there may be.
    """

    applied: Applied | None = None
    refresh: int | None = None
    retry: _Retry | None = None
    hung: int = 0
    drifted: _Drifted | None = None
    corrections: Streak = CORRECTIONS
    settled: object = None


class Ledger:
    """Compares plans with what was done.

    `held` has the gateways in the engine's state; None for one that must be refreshed, as the outcome of a run about it
    is unknown. A run has at most `most` gateways.
    """

    def __init__(self, held: Mapping[Identity, Applied | None], most: int = MOST_AT_ONCE) -> None:
        self._records = {key: _Record(applied) for key, applied in held.items()}
        self._requests = count()
        self._rest_until = 0.0
        self._most = self._limit = most
        for key, applied in held.items():
            if applied is None:
                self.refresh(key)

    @property
    def held(self) -> frozenset[Identity]:
        """The gateways that the engine's state holds, or may hold."""
        return frozenset(self._records)

    def applied(self, key: Identity) -> Applied | None:
        """Return what was applied of a gateway; None where that is not known."""
        record = self._records.get(key)
        return record.applied if record else None

    def refresh(self, key: Identity, drifts: Sequence[Drift] = (), *, rival: bool = False) -> None:
        """Have a gateway refreshed and applied again: its objects differ from what was applied, or may differ.

        An operator that runs the same gateways, a `rival`, writes its own each time: the next correction waits longer.
        """
        record = self._records.setdefault(key, _Record())
        record.refresh = next(self._requests)
        if drifts and record.applied:
            record.drifted = _Drifted(record.applied, tuple(drifts), rival)
        record.applied = record.settled = None

    def settle(self, gateway: GatewayPlan, stamp: object) -> None:
        """Record that nothing is left to do about a gateway, as long as its plan and its `View.stamp` are the same."""
        self._records[gateway.key].settled = stamp, _whole_version(gateway)

    def pending(self, plan: Plan, stamp: Callable[[Identity], object]) -> Plan:
        """Return a plan without its settled gateways: among thousands, a change concerns few."""
        return replace(
            plan,
            gateways={
                key: gateway
                for key, gateway in plan.gateways.items()
                if (record := self._records.get(key)) is None
                or record.settled is None
                or record.settled != (stamp(key), _whole_version(gateway))
            },
        )

    def drifts(self, key: Identity) -> tuple[Drift, ...]:
        """Return how objects of `key` were last seen to differ; none where the gateway was applied since."""
        record = self._records.get(key)
        return record.drifted.drifts if record and record.drifted else ()

    def due(self, plan: Plan, now: float) -> Batch | None:
        """Return the engine run that is due at `now` (seconds); None where there is none.

        Gateways that failed before run apart, after fresh ones, and so delay nobody. One that has waited long enough
        goes first. Then what is fresh gets as much time as that took. One that somebody changes again and again waits,
        unless its plan is another by now. What is more than one run takes is due after it.
        """
        fresh, retries = self._fresh(plan, now), self._retries_due(plan, now)
        overdue = bool(fresh and retries) and now >= self._rest_until and self._is_overdue(retries, now)
        wanted = dict(islice((retries if overdue else fresh or retries).items(), self._most))
        if not wanted:
            return None
        return Batch(
            wanted,
            refresh=any(self._needs_refresh(plan.gateways[key]) for key in wanted),
            refreshed={key: request for key in wanted if (request := self._refresh_of(key)) is not None},
            retry=overdue or not fresh,
            overdue=overdue,
            due_at=now,
        )

    def patience(self, batch: Batch) -> float:
        """Return how long (seconds) a run goes on before others may preempt it."""
        if batch.retry and not batch.overdue and self._times_preempted(batch) < _PREEMPTED_AT_ONCE:
            return 0.0
        # Where a gateway takes that long, and there is always an edit, it must come to its end some time.
        hung = max((record.hung for record in self._of_batch(batch)), default=0)
        return (_PATIENCE_SECONDS + _PATIENCE_SECONDS_EACH * len(batch.wanted)) * 2.0**hung

    def is_preempted(self, plan: Plan, batch: Batch, now: float, kept: Collection[Identity] = ()) -> bool:
        """Return whether the plan of `now` has an edit or a deletion that a run of `batch` is not about.

        Gateways in `kept` are not to be released, or are released by the run.
        """
        fresh = self._fresh(plan, now).items()
        others = any(
            key not in batch.wanted or batch.wanted[key].digest != objects.digest for key, objects in fresh
        )
        gone = self.to_release(plan) | (batch.wanted.keys() - plan.gateways.keys())
        return others or not gone <= frozenset(kept)

    def _fresh(self, plan: Plan, now: float) -> dict[Identity, GatewayObjects]:
        return {
            key: gateway.objects
            for key, gateway in plan.gateways.items()
            if gateway.objects and self._is_open(gateway, now) and not self._retry(gateway)
        }

    def _retries_due(self, plan: Plan, now: float) -> dict[Identity, GatewayObjects]:
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

    def _is_overdue(self, retries: Iterable[Identity], now: float) -> bool:
        times = (retry.retry_at for key in retries if (retry := self._records[key].retry))
        return min(times) + _LONGEST_WAIT_SECONDS <= now

    def _is_open(self, gateway: GatewayPlan, now: float) -> bool:
        return not self.is_applied(gateway) and (self._corrected_until(gateway) or now) <= now

    def _retry(self, gateway: GatewayPlan) -> _Retry | None:
        record = self._records.get(gateway.key)
        retry = record.retry if record else None
        return retry if retry and retry.version == _version(gateway) else None

    def _times_preempted(self, batch: Batch) -> int:
        return max((record.retry.preempted for record in self._of_batch(batch) if record.retry), default=0)

    def _of_batch(self, batch: Batch) -> Iterable[_Record]:
        return (self._records[key] for key in batch.wanted if key in self._records)

    def is_applied(self, gateway: GatewayPlan) -> bool:
        """Return whether exactly these objects of this gateway were applied."""
        record, objects = self._records.get(gateway.key), gateway.objects
        if record is None or record.applied is None or objects is None:
            return False
        return record.applied.digest == objects.digest and record.applied.uid == gateway.uid

    def failure(self, gateway: GatewayPlan) -> Failure | None:
        """Return why exactly these objects could not be applied; None where they could, or were not tried."""
        retry = self._retry(gateway)
        return retry.failure if retry else None

    def preempted(self, plan: Plan, batch: Batch, now: float, seconds: float) -> None:
        """Record that a run was interrupted for others at `now`, `seconds` after its start.

        The outcome is unknown. All of its gateways are tried again, apart from those that are fresh; and each
        alone where the run hung.
        """
        hung = seconds >= _PATIENCE_SECONDS
        self._rest(batch, now)
        for key in batch.wanted:
            before = self._retry(plan.gateways[key])
            tries, preempted = (before.tries, before.preempted) if before else (0, 0)
            failure = before.failure if before else None
            if hung and before and len(batch.wanted) == 1:
                failure = Failure(Reason.WORKLOAD_FAILED, _HUNG.format(seconds), cure=_HUNG_CURE)
            # The outcome of the run is unknown.
            self.refresh(key)
            record = self._records[key]
            record.hung += hung
            record.retry = _Retry(
                _version(plan.gateways[key]),
                failure,
                tries + 1 if hung else max(tries, 1),
                now + _RETRIES.after(tries + 1 if hung else max(tries, 1)),
                preempted=0 if hung else preempted + 1,
                alone=hung or (before is not None and before.alone),
            )

    def run_failed(self, batch: Batch, now: float) -> None:
        """Record that a run ended with an error at `now`: its outcome is unknown."""
        self._rest(batch, now)
        for key in batch.wanted:
            self.refresh(key)

    def failures(self, plan: Plan, batch: Batch) -> dict[Identity, Failure]:
        """Return why gateways of a batch could not be applied, as far as that was recorded."""
        found = {key: self.failure(plan.gateways[key]) for key in batch.wanted}
        return {key: failure for key, failure in found.items() if failure is not None}

    def record(
        self, plan: Plan, batch: Batch, outcome: Outcome, now: float
    ) -> dict[Identity, tuple[Drift, ...]]:
        """Record the outcome of an engine run at `now`; return the drift that was corrected, by gateway.

        A gateway was applied only where the state holds it exactly as planned. What became of any other is not known:
        it is tried again, with a look first, ever later.
        """
        corrected = {}
        self._rest(batch, now)
        # Memory may have run out; as many as went well are tried twice over.
        self._most = max(len(batch.wanted) // 2, 1) if outcome.killed else min(self._most * 2, self._limit)
        for key in batch.wanted:
            record = self._records.setdefault(key, _Record())
            record.hung, record.settled = 0, None
            version = _version(plan.gateways[key])
            known, failure = outcome.held.get(key), outcome.failures.get(key)
            if failure is not None or known is None or _of(known) != version:
                before = self._retry(plan.gateways[key])
                tries = before.tries + 1 if before else 1
                alone = before is not None and before.alone
                record.retry = _Retry(
                    version, failure or _UNCONFIRMED, tries, now + _RETRIES.after(tries), alone=alone
                )
                self.refresh(key)
                continue
            record.retry = None
            if record.refresh != batch.refreshed.get(key):
                # It may have changed again beside the run.
                continue
            drifted, record.drifted = record.drifted, None
            record.applied, record.refresh = known, None
            if drifted:
                corrected[key] = drifted.drifts
                least = RIVAL_CORRECTIONS if drifted.rival else 1
                record.corrections = record.corrections.after(now, least=least)
                if _of(drifted.applied) == version:
                    record.applied = _with_fields_of(known, drifted.applied)
        return corrected

    def to_release(self, plan: Plan) -> frozenset[Identity]:
        """Return the gateways that the state holds and that are no longer ours."""
        return frozenset(self._records.keys() - plan.gateways.keys())

    def forget(self, keys: Iterable[Identity]) -> None:
        """Drop all memory of gateways that were released from the state."""
        for key in keys:
            self._records.pop(key, None)

    def _rest(self, batch: Batch, now: float) -> None:
        if batch.overdue:
            self._rest_until = now + max(now - batch.due_at, _SHORTEST_REST_SECONDS)

    def next_run(self, plan: Plan, now: float) -> float | None:
        """Return when (seconds) the next run is due; None where no gateway is waiting for one."""
        if self._fresh(plan, now):
            return now
        waiting = (
            self._due(gateway)
            for gateway in plan.gateways.values()
            if gateway.objects and not self.is_applied(gateway)
        )
        return min((time for time in waiting if time is not None), default=None)

    def _due(self, gateway: GatewayPlan) -> float | None:
        retry = self._retry(gateway)
        times = retry.retry_at if retry else None, self._corrected_until(gateway)
        return max((time for time in times if time is not None), default=None)

    def _corrected_until(self, gateway: GatewayPlan) -> float | None:
        record = self._records.get(gateway.key)
        # An edit of the gateway does not wait.
        same = record and record.drifted and _of(record.drifted.applied) == _version(gateway)
        return record.corrections.until if record and same else None

    def _needs_refresh(self, gateway: GatewayPlan) -> bool:
        applied = self.applied(gateway.key)
        # A gateway that was deleted and made again: the objects of the old one are being collected.
        recreated = applied is not None and applied.uid != gateway.uid
        return recreated or self._refresh_of(gateway.key) is not None

    def _refresh_of(self, key: Identity) -> int | None:
        record = self._records.get(key)
        return record.refresh if record else None


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


def _whole_version(gateway: GatewayPlan) -> object:
    """Return what a status depends on, too."""
    return *_version(gateway), gateway.generation, gateway.warnings, gateway.failure


def _version(gateway: GatewayPlan) -> _Version:
    return gateway.uid, gateway.objects.digest if gateway.objects else ""
