"""One reconcile of one namespace: read, plan, apply what changed, report.

Read this after `plan.plan`. It carries out what plan and ledger decide about gateways.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from gateway_components.concurrency import both, gather, leaf_errors, uninterrupted
from gateway_components.daemon.clock import Clock
from gateway_components.daemon.observe.telemetry import NOBODY, Step, Telemetry, UpResult
from gateway_components.daemon.reconcile.grace import Grace
from gateway_components.daemon.reconcile.ledger import Ledger
from gateway_components.daemon.reconcile.ports import (
    Batch,
    Changed,
    Engine,
    Planning,
    PreemptedError,
    Repair,
    Reports,
    View,
    never,
    no_repair,
    plan_at_once,
    preemptible,
    unread,
)
from gateway_components.daemon.reconcile.report import AT_ONCE
from gateway_components.daemon.reconcile.rollouts import ReadReasons
from gateway_components.daemon.reconcile.statuses import Statuses
from gateway_components.engine.diagnostics import Outcome
from gateway_components.engine.errors import EngineInterruptedError
from gateway_components.errors import GatewayError
from gateway_components.identity import Identity
from gateway_components.plan.claims import wanted_objects
from gateway_components.plan.ownership import Drift
from gateway_components.plan.plan import GatewayPlan, Plan
from gateway_components.plan.reclaim import is_rivalled
from gateway_components.plan.snapshot import Snapshot

_UNSETTLED_SECONDS = 0.2
"""Pause before a status is written again that was computed from an object already out of date."""
_LOOK_SECONDS = 1.0
"""Pause between looks at changes during a run: a look costs as much as the start of a reconcile."""


@dataclass(slots=True)
class _Memory:
    """What is known of one namespace; the ledger is read first."""

    statuses: Statuses
    grace: Grace = field(default_factory=Grace)
    ledger: Ledger | None = None


class Reconciler:
    """Reconciles one namespace after another with its plan.

    Parameters
    ----------
    view, engine, reporter
        What it reads, applies and reports with.
    clock
        Event loop whose time and threads are used.
    repair
        Called with the objects of a gateway before it is applied again, and the names of possibly changed ones.
    read_pods
        Reads why the pods of a gateway do not come.
    changed
        Waits for changes beside a reconcile.
    follows
        Whether the next reconcile of the namespace would begin as soon as the one under way has ended.
    """

    def __init__(
        self,
        view: View,
        engine: Engine,
        reporter: Reports,
        clock: Clock,
        telemetry: Telemetry = NOBODY,
        repair: Repair = no_repair,
        read_pods: ReadReasons = unread,
        changed: Changed = never,
        planning: Planning = plan_at_once,
        follows: Callable[[], bool] = lambda: True,
    ) -> None:
        self._view = view
        self._engine = engine
        self._reporter = reporter
        self._clock = clock
        self._telemetry = telemetry
        self._repair = repair
        self._new_statuses = partial(
            Statuses, view=view, reporter=reporter, clock=clock, telemetry=telemetry, read_pods=read_pods
        )
        self._changed = changed
        self._planning = planning
        self._follows = follows
        self._known: dict[str, _Memory] = {}
        self._rivals: set[Identity] = set()

    async def reconcile(self, namespace: str) -> float | None:
        """Reconcile a namespace once; return the seconds until the next one is due, None where nothing is waiting.

        Raises ApiError, ApiUnreachableError, EngineError, StateConflictError, FencedError or ExceptionGroup: the
        reconcile failed and can be repeated. A group holds several of these.
        """
        if namespace not in self._known:
            self._known[namespace] = _Memory(self._new_statuses(namespace))
        statuses = self._known[namespace].statuses
        statuses.retries.begin()
        ledger = await self._ledger(namespace)
        snapshot = await self._snapshot(namespace, ledger)
        planned = await self._plan(namespace, snapshot)
        self._look_for_adoptions(snapshot, planned, ledger)
        pending = ledger.pending(planned, self._view.stamp)
        rivals = await self._look_for_rivals(snapshot, pending)
        intact = self._look_for_drift(snapshot, pending, ledger, rivals)
        release = ledger.to_release(planned) - snapshot.undecided
        # Before the state forgets them: a crash in between must not leave our status on what is somebody else's.
        if not await self._release(namespace, release | self._disowned(snapshot, planned)):
            return _UNSETTLED_SECONDS
        report = statuses.report(planned, ledger, intact)
        batch = ledger.due(pending, self._clock.now())
        if batch is None and ledger.held == release:
            settled = await report and not planned.unfinished
            # Nothing is left for the engine to do: objects stay, or go with their owner.
            due = self._forget(namespace, settled=settled)
            await self._engine.forget(namespace)
            return due
        if release and (batch is None or batch.retry):
            batch = Batch()
        if batch is None:
            settled = await report
        else:
            batch = replace(batch, release=release)
            try:
                # The statuses and events of a crowd take as long as its run.
                _, complete = await both(report, self._run_batch(namespace, planned, ledger, batch))
            except PreemptedError:
                return 0.0
            if complete and ledger.due(pending, self._clock.now()) is not None and self._follows():
                # The next reconcile applies it, and reports this run beside that one.
                return 0.0
            settled = await statuses.report(planned, ledger) and complete
        if not settled or planned.unfinished:
            return _UNSETTLED_SECONDS
        return self._due_in(namespace, ledger.next_run(pending, self._clock.now()))

    def _due_in(self, namespace: str, retry_at: float | None) -> float | None:
        known = self._known[namespace]
        times = retry_at, known.grace.due, *known.statuses.due
        return min((max(time - self._clock.now(), 0) for time in times if time is not None), default=None)

    def _forget(self, namespace: str, *, settled: bool) -> float | None:
        """Drop the memory of a namespace without gateways; return in how many seconds statuses are to be written.

        While there are any, it is remembered whose turn it is, and which pause is next.
        """
        known = self._known[namespace]
        known.ledger, known.grace = None, Grace()
        known.statuses.forget()
        due = self._due_in(namespace, None) if settled else _UNSETTLED_SECONDS
        if due is None:
            del self._known[namespace]
        return due

    async def _run_batch(self, namespace: str, planned: Plan, ledger: Ledger, batch: Batch) -> bool:
        """Apply a batch, and record how that went; False where something of what it releases is still held."""
        async with self._engine.room(len(batch.wanted)):
            if batch.wanted and self._view.leaves(namespace):
                raise PreemptedError
            outcome, seconds = await self._carry_out(namespace, planned, ledger, batch)
        corrected = ledger.record(planned, batch, outcome, self._clock.now())
        unapplied = ledger.failures(planned, batch)
        self._reporter.engine_ran(namespace, replace(batch, release=outcome.released), unapplied, seconds)
        ledger.forget(outcome.released)
        for key, drifts in corrected.items():
            for drift in drifts:
                self._telemetry.drift_corrected(drift.object.kind)
            await self._reporter.drift_corrected(key, self._view.raw(key), drifts)
        return frozenset(batch.release) <= frozenset(outcome.released)

    async def _snapshot(self, namespace: str, ledger: Ledger) -> Snapshot:
        with self._telemetry.step(Step.SNAPSHOT, namespace):
            found = await self._view.snapshot(namespace, ledger.held)
            return self._known[namespace].grace.apply(found, self._clock.now())

    async def _plan(self, namespace: str, snapshot: Snapshot) -> Plan:
        with self._telemetry.step(Step.PLAN, namespace) as note:
            planned = await self._planning(namespace, snapshot)
            note(gateways=len(planned.gateways), routes=len(planned.routes))
        return planned

    def _disowned(self, snapshot: Snapshot, planned: Plan) -> frozenset[Identity]:
        """Return the gateways and routes that bear a status of ours and are no longer ours."""
        generations: dict[Identity, int | None] = {
            **{found.identity: found.metadata.generation for found in snapshot.gateways},
            **{key: found.generation for key, found in snapshot.unreadable_gateways.items()},
            **{found.identity: found.metadata.generation for found in snapshot.routes},
        }
        attached = {key for key, route in planned.routes.items() if route.gateway}
        disowned = set()
        for subject in generations.keys() - planned.gateways.keys() - attached:
            raw = self._view.raw(subject)
            # One that has changed meanwhile may be ours again, and another reconcile looks at it.
            current = raw is not None and raw["metadata"].get("generation") == generations[subject]
            by_us = self._view.reported(subject)
            if raw is not None and current and self._reporter.has_our_status(subject, raw, by_us=by_us):
                disowned.add(subject)
        return frozenset(disowned)

    async def _release(self, namespace: str, subjects: Collection[Identity]) -> bool:
        for subject in sorted(subjects, key=str):
            released = self._reporter.released(subject, self._view.raw(subject))
            if subject.kind == "ToolRoute":  # no state holds it, and it may be of another namespace
                released = self._known[namespace].statuses.retries.unless(subject, released)
            if not await released:
                return False
        return True

    async def _ledger(self, namespace: str) -> Ledger:
        ledger = self._known[namespace].ledger
        if ledger is None or not self._view.is_state_current(namespace, self._engine.version(namespace)):
            # Also where somebody wrote the state: what it says now may be what was true long ago.
            before = {key: ledger.applied(key) for key in ledger.held} if ledger else {}
            ledger = Ledger(await self._engine.held(namespace), self._engine.most)
            for key in before.keys() | ledger.held if before else ():
                if before.get(key) != ledger.applied(key):
                    ledger.refresh(key)
            self._known[namespace].ledger = ledger
        return ledger

    def _look_for_adoptions(self, snapshot: Snapshot, planned: Plan, ledger: Ledger) -> None:
        """Have objects that another operator made for a gateway repaired before they are applied."""
        for key in planned.gateways.keys() - ledger.held:
            found = [snapshot.existing.get(wanted) for wanted in wanted_objects(key)]
            if any(one is not None and not one.applied for one in found):
                ledger.refresh(key)

    async def _look_for_rivals(self, snapshot: Snapshot, pending: Plan) -> frozenset[Identity]:
        """Return the gateways that another operator wrote after us, and warn of those that are new."""
        running = {key: snapshot.running[key] for key in pending.gateways if key in snapshot.running}
        rivals = {key for key, hashes in running.items() if is_rivalled(hashes)}
        for key in sorted(rivals - self._rivals):
            raw = self._view.raw(key)
            if raw is not None:
                await self._reporter.rival_seen(key, raw)
        self._rivals = (self._rivals - running.keys()) | rivals
        return frozenset(rivals)

    def _look_for_drift(
        self, snapshot: Snapshot, pending: Plan, ledger: Ledger, rivals: Collection[Identity]
    ) -> frozenset[Identity]:
        """Have those refreshed that drifted; return those whose objects were all seen to be as they were applied."""
        for key, gateway in pending.gateways.items():
            if drifts := self._drifts(gateway, ledger):
                self._reporter.drifted(key, drifts)
                ledger.refresh(key, drifts, rival=key in rivals)
        applied = {key: found for key in pending.gateways if (found := ledger.applied(key))}
        return frozenset(key for key, one in applied.items() if one.marks.keys() <= snapshot.existing.keys())

    def _drifts(self, gateway: GatewayPlan, ledger: Ledger) -> Sequence[Drift]:
        applied = ledger.applied(gateway.key)
        return self._view.drifts(applied) if applied and ledger.is_applied(gateway) else ()

    async def _carry_out(
        self, namespace: str, planned: Plan, ledger: Ledger, batch: Batch
    ) -> tuple[Outcome, float]:
        """Repair and apply a batch, unless something more urgent preempts it; the run took so many seconds."""
        began = self._clock.now()
        urgent = partial(self._urgent, namespace, ledger, batch, began + ledger.patience(batch))
        try:
            await preemptible(self._repair_all(planned, ledger, batch), urgent(), asyncio.Task.cancel)
            started = self._clock.now()
            outcome = await preemptible(
                self._apply(namespace, batch), urgent(), lambda _: self._engine.interrupt(namespace)
            )
        except PreemptedError:
            now = self._clock.now()
            ledger.preempted(planned, batch, now, now - began)
            self._reporter.preempted(namespace, batch, now - began)
            raise
        except BaseException:
            ledger.run_failed(batch, self._clock.now())
            raise
        return outcome, self._clock.now() - started

    async def _urgent(self, namespace: str, ledger: Ledger, batch: Batch, patient_until: float) -> None:
        """Keep the statuses of others current beside a run; return once one of them is to be applied at once."""
        await self._clock.sleep(max(patient_until - self._clock.now(), 0))
        # What an overdue run precedes was known when it began, and no change reports it again.
        known = batch.overdue
        while True:
            if not known:
                with suppress(TimeoutError):
                    # Nothing reports a change of pods, or the end of a grace period.
                    async with asyncio.timeout(self._due_in(namespace, None)):
                        await self._changed(namespace)
            known = False
            try:
                snapshot = await self._snapshot(namespace, ledger)
                planned = await self._plan(namespace, snapshot)
                await uninterrupted(self._known[namespace].statuses.report(planned, ledger))
            except (GatewayError, ExceptionGroup) as error:
                if not all(isinstance(cause, GatewayError) for cause in leaf_errors(error)):
                    raise
                # The next reconcile, which the same change asks for, fails in the same way and reports it.
            else:
                kept = snapshot.undecided.union(batch.release)
                pending = ledger.pending(planned, self._view.stamp)
                drifted = any(self._drifts(gateway, ledger) for gateway in pending.gateways.values())
                if drifted or ledger.is_preempted(planned, batch, self._clock.now(), kept):
                    return
            await self._clock.sleep(_LOOK_SECONDS)

    async def _repair_all(self, planned: Plan, ledger: Ledger, batch: Batch) -> None:
        def repair(key: Identity) -> Coroutine[Any, Any, None]:
            drifts = ledger.drifts(key)
            # The engine creates deleted objects again.
            changed = {drift.object for drift in drifts if drift.fields or drift.rewritten}
            if not drifts or key in self._rivals or ledger.failure(planned.gateways[key]):
                # Which objects were changed is unknown.
                changed = set(wanted_objects(key))
            return self._repair(batch.wanted[key], changed)

        await gather(map(repair, batch.refreshed), AT_ONCE)

    async def _apply(self, namespace: str, batch: Batch) -> Outcome:
        started = self._clock.now()
        result = UpResult.ERROR
        try:
            with self._telemetry.step(
                Step.ENGINE_RUN, namespace, gateways=len(batch.wanted), refresh=batch.refresh
            ) as note:
                outcome = await self._engine.apply(namespace, batch)
                note(failed=len(outcome.failures))
            result = UpResult.FAILED if outcome.failures else UpResult.OK
        except BaseException as error:
            if isinstance(error, EngineInterruptedError | asyncio.CancelledError):
                result = UpResult.INTERRUPTED
            raise
        finally:
            # Without gateways the engine only forgets some, which takes no run.
            if batch.wanted:
                self._telemetry.engine_ran(result, self._clock.now() - started)
        return outcome
