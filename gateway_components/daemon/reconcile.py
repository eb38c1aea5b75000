"""One pass over one namespace: look, plan, apply what changed, say how it went.

Read this after `plan.plan`. It decides nothing about gateways; it carries out what plan and ledger decide.
"""

import asyncio
from collections.abc import Collection
from dataclasses import replace

from gateway_components.daemon.clock import Clock
from gateway_components.daemon.ledger import Batch, Ledger
from gateway_components.daemon.ports import Engine, View
from gateway_components.daemon.report import Reporter
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.keys import GatewayKey, Subject
from gateway_components.plan.plan import Plan, gateway_key, plan
from gateway_components.plan.routes import RoutePlan, route_key
from gateway_components.plan.snapshot import Snapshot

__all__ = ["Reconciler"]

_UNSETTLED_SECONDS = 0.2
"""Pause before a status is written again that was computed from an object already out of date."""


class Reconciler:
    """Brings one namespace after another to its plan.

    Parameters
    ----------
    view, engine, reporter
        What it reads, applies and reports with.
    clock
        Event loop whose time and threads are used.
    """

    def __init__(self, view: View, engine: Engine, reporter: Reporter, clock: Clock) -> None:
        self._view = view
        self._engine = engine
        self._reporter = reporter
        self._clock = clock
        self._ledgers: dict[str, Ledger] = {}

    def suspect(self, key: GatewayKey) -> None:
        """Note that objects of a gateway were changed or deleted by somebody else."""
        ledger = self._ledgers.get(key.namespace)
        if ledger:
            ledger.suspect(key)

    async def reconcile(self, namespace: str) -> float | None:
        """Make one pass.

        Returns
        -------
        float or None
            Seconds until the namespace is to be looked at again; None where nothing is waiting.

        Raises
        ------
        ApiError, ApiUnreachableError, EngineError
            The pass could not be made; nothing is lost by making it again.
        """
        ledger = self._ledgers.get(namespace)
        if ledger is None:
            ledger = Ledger(await self._clock.in_thread(self._engine.held, namespace))
            self._ledgers[namespace] = ledger
        snapshot = await self._view.snapshot(namespace)
        planned = plan(snapshot)
        release = ledger.leftovers(planned)
        # Before the state forgets them: a crash in between must not leave our status on what is somebody else's.
        if not await self._release(release | self._disowned(snapshot, planned)):
            return _UNSETTLED_SECONDS
        settled = await self._report(planned, ledger)
        batches = ledger.batches(planned, self._clock.now())
        if not batches and ledger.held == release:
            # Nothing is left to keep, and nothing to tell the engine: its objects stay, or go with their owner.
            await self._clock.in_thread(self._engine.forget, namespace)
            del self._ledgers[namespace]
            return None if settled else _UNSETTLED_SECONDS
        if release and not batches:
            batches = [Batch()]
        for batch in batches:
            if batch.wanted and self._view.leaves(namespace):
                return 0.0
            failures = await self._apply(namespace, batch, release)
            ledger.record(planned, batch, failures, self._clock.now())
            ledger.forget(release)
            release = frozenset()
            settled = await self._report(planned, ledger)
        if not settled:
            return _UNSETTLED_SECONDS
        retry_at = ledger.next_retry(planned)
        return None if retry_at is None else max(retry_at - self._clock.now(), 0)

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

    async def _apply(
        self, namespace: str, batch: Batch, release: Collection[GatewayKey]
    ) -> dict[GatewayKey, Failure]:
        started = self._clock.now()
        failures = await self._clock.in_thread(
            lambda: self._engine.apply(namespace, batch.wanted, release, refresh=batch.refresh)
        )
        self._reporter.engine_ran(namespace, batch, release, failures, self._clock.now() - started)
        return failures

    async def _report(self, planned: Plan, ledger: Ledger) -> bool:
        """Write the status of all gateways and routes whose outcome is known; the others keep the one they have.

        Returns
        -------
        bool
            False where one changed before its status was written.
        """
        reports = []
        for gateway in planned.gateways.values():
            raw = self._view.raw(gateway.key)
            failure = gateway.failure or ledger.failure(gateway)
            if raw is not None and (failure or ledger.is_applied(gateway)):
                rollout = self._view.rollout(gateway)
                reports.append(self._reporter.gateway(gateway, raw, failure, rollout))
        for route in planned.routes.values():
            raw = self._view.route(route)
            gateway_of_route = planned.gateways.get(route.gateway) if route.gateway else None
            degraded, applied = None, False
            if gateway_of_route:
                degraded = gateway_of_route.failure or ledger.failure(gateway_of_route)
                applied = ledger.is_applied(gateway_of_route)
            if raw is not None and route.gateway and (route.failure or degraded or applied):
                reports.append(self._reporter.route(self._explained(route), raw, degraded))
        # All are awaited before one may fail the pass: none is left running behind its back.
        outcomes = await asyncio.gather(*reports, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return all(outcomes)

    def _explained(self, route: RoutePlan) -> RoutePlan:
        # Of a route that cannot be read, the plan knows only that it has no upstream.
        fault = self._view.fault(route.key)
        if fault and route.failure and route.failure.reason == Reason.UPSTREAM_UNRESOLVED:
            return replace(route, failure=Failure(Reason.UPSTREAM_UNRESOLVED, fault))
        return route
