"""One pass over one namespace: look, plan, apply what changed, say how it went.

Read this after `plan.plan`. It decides nothing about gateways; it carries out what plan and ledger decide.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from gateway_components.daemon.clock import Clock
from gateway_components.daemon.grace import Grace
from gateway_components.daemon.ledger import Batch, Ledger
from gateway_components.daemon.observe.telemetry import NOBODY, Step, Telemetry, UpResult
from gateway_components.daemon.overtaking import OvertakenError, overtakable
from gateway_components.daemon.ports import Engine, Reports, View
from gateway_components.daemon.stalls import ReadReasons, Stalls
from gateway_components.engine.errors import EngineInterruptedError
from gateway_components.engine.result import Outcome
from gateway_components.errors import GatewayError
from gateway_components.plan.conflicts import wanted_objects
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.keys import GatewayKey, ObjectKey, Subject
from gateway_components.plan.ownership import Drift
from gateway_components.plan.plan import Plan, gateway_key, plan
from gateway_components.plan.rollout import Rollout, StallReason
from gateway_components.plan.routes import RoutePlan, route_key
from gateway_components.plan.snapshot import Snapshot
from gateway_components.plan.workload import GatewayObjects
from gateway_components.together import causes, together, unbroken

__all__ = ["Reconciler"]

_UNSETTLED_SECONDS = 0.2
"""Pause before a status is written again that was computed from an object already out of date."""
_LOOK_SECONDS = 1.0
"""Pause between two looks at what changes beside a run: a look costs as much as the begin of a pass."""


Repair = Callable[[GatewayObjects, Collection[ObjectKey]], Coroutine[Any, Any, None]]
Changed = Callable[[str], Awaitable[None]]
"""Waits until something has changed in a namespace since the pass over it began, or since it was asked before."""


async def _nothing(_: GatewayObjects, __: Collection[ObjectKey]) -> None:
    pass


async def _unread(_: GatewayKey, __: str) -> tuple[StallReason, ...]:
    return ()


async def _never(_: str) -> None:
    await asyncio.Event().wait()


class Reconciler:
    """Brings one namespace after another to its plan.

    Parameters
    ----------
    view, engine, reporter
        What it reads, applies and reports with.
    clock
        Event loop whose time and threads are used.
    telemetry
        Hears of each step.
    repair
        Called with the objects of a gateway before it is applied again, and the names of those that may have been
        changed.
    read_pods
        Reads why the pods of a gateway do not come.
    changed
        Tells of changes beside a pass.
    """

    def __init__(
        self,
        view: View,
        engine: Engine,
        reporter: Reports,
        clock: Clock,
        telemetry: Telemetry = NOBODY,
        repair: Repair = _nothing,
        read_pods: ReadReasons = _unread,
        changed: Changed = _never,
    ) -> None:
        self._view = view
        self._engine = engine
        self._reporter = reporter
        self._clock = clock
        self._telemetry = telemetry
        self._repair = repair
        self._stalls = Stalls(read_pods)
        self._grace = Grace()
        self._changed = changed
        self._ledgers: dict[str, Ledger] = {}

    async def reconcile(self, namespace: str) -> float | None:
        """Make one pass.

        Returns
        -------
        float or None
            Seconds until the namespace is to be looked at again; None where nothing is waiting.

        Raises
        ------
        ApiError, ApiUnreachableError, EngineError, StateConflictError, FencedError, ExceptionGroup
            The pass could not be made; nothing is lost by making it again. A group holds several of these.
        """
        ledger = await self._ledger(namespace)
        snapshot = await self._snapshot(namespace, ledger)
        planned = self._plan(namespace, snapshot)
        self._look_for_drift(planned, ledger)
        release = ledger.leftovers(planned) - snapshot.undecided
        # Before the state forgets them: a crash in between must not leave our status on what is somebody else's.
        if not await self._release(release | self._disowned(snapshot, planned)):
            return _UNSETTLED_SECONDS
        settled = await self._report(namespace, planned, ledger)
        batch = ledger.due(planned, self._clock.now())
        if batch is None and ledger.held == release:
            # Nothing is left to keep, and nothing to tell the engine: its objects stay, or go with their owner.
            self._forget(namespace)
            await self._engine.forget(namespace)
            return None if settled else _UNSETTLED_SECONDS
        if release and (batch is None or batch.retry):
            batch = Batch()
        if batch is not None and batch.wanted and self._view.leaves(namespace):
            return 0.0
        if batch is not None:
            try:
                settled = await self._bring(namespace, planned, ledger, batch, release)
            except OvertakenError:
                return 0.0
        if not settled:
            return _UNSETTLED_SECONDS
        return self._due_in(namespace, ledger.next_retry(planned))

    def _due_in(self, namespace: str, retry_at: float | None) -> float | None:
        now = self._clock.now()
        times = retry_at, self._stalls.due(namespace), self._grace.due(namespace)
        return min((max(time - now, 0) for time in times if time is not None), default=None)

    def _forget(self, namespace: str) -> None:
        del self._ledgers[namespace]
        self._stalls.forget(namespace)
        self._grace.forget(namespace)

    async def _bring(
        self, namespace: str, planned: Plan, ledger: Ledger, batch: Batch, release: Collection[GatewayKey]
    ) -> bool:
        """Apply a batch, and tell how that went; False where something is left to be done soon."""
        outcome, seconds = await self._carry_out(namespace, planned, ledger, batch, release)
        mended = ledger.record(planned, batch, outcome, self._clock.now())
        unapplied = ledger.failures(planned, batch)
        self._reporter.engine_ran(namespace, batch, outcome.released, unapplied, seconds)
        ledger.forget(outcome.released)
        settled = await self._report(namespace, planned, ledger)
        for key, drifts in mended.items():
            for drift in drifts:
                self._telemetry.drift_corrected(drift.object.kind)
            await self._reporter.mended(key, self._view.raw(key), drifts)
        return settled and frozenset(release) <= frozenset(outcome.released)

    async def _snapshot(self, namespace: str, ledger: Ledger) -> Snapshot:
        with self._telemetry.step(Step.SNAPSHOT, namespace):
            found = await self._view.snapshot(namespace, ledger.held)
            return self._grace.apply(namespace, found, self._clock.now())

    def _plan(self, namespace: str, snapshot: Snapshot) -> Plan:
        with self._telemetry.step(Step.PLAN, namespace) as note:
            planned = plan(snapshot)
            note(gateways=len(planned.gateways), routes=len(planned.routes))
        return planned

    def _disowned(self, snapshot: Snapshot, planned: Plan) -> frozenset[Subject]:
        """Return the gateways and routes that bear a status of ours and are ours no longer."""
        generations: dict[Subject, int | None] = {
            **{gateway_key(found): found.metadata.generation for found in snapshot.gateways},
            **{found.key: found.generation for found in snapshot.unreadable_gateways},
            **{route_key(found): found.metadata.generation for found in snapshot.routes},
        }
        attached = {key for key, route in planned.routes.items() if route.gateway}
        disowned = set()
        for subject in generations.keys() - planned.gateways.keys() - attached:
            raw = self._view.raw(subject)
            # One that has changed meanwhile may be ours again, and another pass looks at it.
            current = raw is not None and raw["metadata"].get("generation") == generations[subject]
            by_us = self._view.reported(subject)
            if raw is not None and current and self._reporter.has_our_status(subject, raw, by_us=by_us):
                disowned.add(subject)
        return frozenset(disowned)

    async def _release(self, subjects: Collection[Subject]) -> bool:
        for subject in sorted(subjects, key=str):
            if not await self._reporter.released(subject, self._view.raw(subject)):
                return False
        return True

    async def _ledger(self, namespace: str) -> Ledger:
        ledger = self._ledgers.get(namespace)
        if ledger is None or not self._view.is_state_current(namespace, self._engine.version(namespace)):
            # Also where somebody wrote the state: what it says now may be what was true long ago.
            before = {key: ledger.applied(key) for key in ledger.held} if ledger else {}
            ledger = Ledger(await self._engine.held(namespace))
            for key in before.keys() | ledger.held if before else ():
                if before.get(key) != ledger.applied(key):
                    ledger.suspect(key)
            self._ledgers[namespace] = ledger
        return ledger

    def _look_for_drift(self, planned: Plan, ledger: Ledger) -> None:
        for key in planned.gateways:
            drifts = self._drifts(key, planned, ledger)
            if drifts:
                self._reporter.drifted(key, drifts)
                ledger.suspect(key, drifts)

    def _drifts(self, key: GatewayKey, planned: Plan, ledger: Ledger) -> Sequence[Drift]:
        applied = ledger.applied(key)
        return self._view.drifts(applied) if applied and ledger.is_applied(planned.gateways[key]) else ()

    async def _carry_out(
        self, namespace: str, planned: Plan, ledger: Ledger, batch: Batch, release: Collection[GatewayKey]
    ) -> tuple[Outcome, float]:
        """Repair and apply a batch, unless something more urgent overtakes it; the run took so many seconds."""
        began = self._clock.now()
        urgent = partial(self._urgent, namespace, ledger, batch, release, began + ledger.patience(batch))
        try:
            await overtakable(self._repair_all(planned, ledger, batch), urgent(), asyncio.Task.cancel)
            started = self._clock.now()
            outcome = await overtakable(
                self._apply(namespace, batch, release),
                urgent(),
                lambda _: self._engine.interrupt(namespace),
            )
        except OvertakenError:
            now = self._clock.now()
            ledger.overtaken(planned, batch, now, now - began)
            self._reporter.overtaken(namespace, batch, now - began)
            raise
        except BaseException:
            ledger.broke_off(batch, self._clock.now())
            raise
        return outcome, self._clock.now() - started

    async def _urgent(
        self,
        namespace: str,
        ledger: Ledger,
        batch: Batch,
        release: Collection[GatewayKey],
        patient_until: float,
    ) -> None:
        """Keep the statuses of others current beside a run; return once one of them is to be applied at once."""
        await self._clock.sleep(max(patient_until - self._clock.now(), 0))
        # What an overdue run goes before was there when it began, and nothing tells of it again.
        known = batch.overdue
        while True:
            if not known:
                with suppress(TimeoutError):
                    # Of pods and grace periods no change tells.
                    async with asyncio.timeout(self._due_in(namespace, None)):
                        await self._changed(namespace)
            known = False
            try:
                snapshot = await self._snapshot(namespace, ledger)
                planned = self._plan(namespace, snapshot)
                await unbroken(self._report(namespace, planned, ledger))
            except (GatewayError, ExceptionGroup) as error:
                if not all(isinstance(cause, GatewayError) for cause in causes(error)):
                    raise
                # The next pass, which the same change asks for, meets it again and tells.
            else:
                kept = snapshot.undecided.union(release)
                drifted = any(self._drifts(key, planned, ledger) for key in planned.gateways)
                if drifted or ledger.is_overtaken(planned, batch, self._clock.now(), kept):
                    return
            await self._clock.sleep(_LOOK_SECONDS)

    async def _repair_all(self, planned: Plan, ledger: Ledger, batch: Batch) -> None:
        def repair(key: GatewayKey) -> Coroutine[Any, Any, None]:
            drifts = ledger.drifts(key)
            # What was deleted is made anew by the engine.
            changed = {drift.object for drift in drifts if drift.fields or drift.rewritten}
            if not drifts or ledger.failure(planned.gateways[key]):
                # Nobody knows what was changed, or what else was.
                changed = set(wanted_objects(key))
            return self._repair(batch.wanted[key], changed)

        await together(map(repair, batch.doubts))

    async def _apply(self, namespace: str, batch: Batch, release: Collection[GatewayKey]) -> Outcome:
        started = self._clock.now()
        result = UpResult.ERROR
        try:
            with self._telemetry.step(
                Step.ENGINE_RUN, namespace, gateways=len(batch.wanted), refresh=batch.refresh
            ) as note:
                outcome = await self._engine.apply(namespace, batch.wanted, release, refresh=batch.refresh)
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

    async def _report(self, namespace: str, planned: Plan, ledger: Ledger) -> bool:
        """Write the status of all gateways and routes whose outcome is known; the others keep the one they have.

        Returns
        -------
        bool
            False where one changed before its status was written.
        """
        reports = []
        rollouts = await self._rollouts(namespace, planned, ledger)
        for gateway in planned.gateways.values():
            raw = self._view.raw(gateway.key)
            failure = gateway.failure or ledger.failure(gateway)
            if raw is not None and (failure or ledger.is_applied(gateway)):
                reports.append(self._reporter.gateway(gateway, raw, failure, rollouts.get(gateway.key)))
        for route in planned.routes.values():
            raw = self._view.route(route)
            gateway_of_route = planned.gateways.get(route.gateway) if route.gateway else None
            degraded, applied = None, False
            if gateway_of_route:
                degraded = gateway_of_route.failure or ledger.failure(gateway_of_route)
                applied = ledger.is_applied(gateway_of_route)
            if raw is not None and route.gateway and (route.failure or degraded or applied):
                reports.append(self._reporter.route(self._explained(route), raw, degraded))
        with self._telemetry.step(Step.STATUSES, namespace, reports=len(reports)):
            return all(await together(reports))

    async def _rollouts(self, namespace: str, planned: Plan, ledger: Ledger) -> Mapping[GatewayKey, Rollout]:
        """Return how far the gateways have come that were applied, and why they come no further."""
        rollouts = {
            gateway.key: rollout
            for gateway in planned.gateways.values()
            if ledger.is_applied(gateway) and (rollout := self._view.rollout(gateway))
        }
        return await self._stalls.explain(namespace, rollouts, self._clock.now())

    def _explained(self, route: RoutePlan) -> RoutePlan:
        # Of a route that cannot be read, the plan knows only that it has no upstream.
        fault = self._view.fault(route.key)
        if fault and route.failure and route.failure.reason == Reason.UPSTREAM_UNRESOLVED:
            return replace(route, failure=Failure(Reason.UPSTREAM_UNRESOLVED, fault))
        return route
