"""One pass over one namespace: look, plan, apply what changed, say how it went.

Read this after `plan.plan`. It decides nothing about gateways; it carries out what plan and ledger decide.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, Protocol

from gateway_components.daemon.clock import Clock
from gateway_components.daemon.ledger import Batch, Ledger
from gateway_components.daemon.report import Reporter
from gateway_components.plan.failure import Failure
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.plan import GatewayPlan, Plan, plan
from gateway_components.plan.snapshot import Snapshot
from gateway_components.plan.status import Rollout
from gateway_components.plan.workload import GatewayObjects

__all__ = ["Engine", "Reconciler", "View"]

_UNSETTLED_SECONDS = 0.2
"""Pause before a status is written again that was computed from an object already out of date."""


class View(Protocol):
    """What a pass reads."""

    async def snapshot(self, namespace: str) -> Snapshot:
        """Return everything that the plan of `namespace` depends on."""

    def gateway(self, key: GatewayKey) -> Mapping[str, Any] | None:
        """Return the raw object of a gateway; None where it is gone."""

    def rollout(self, gateway: GatewayPlan) -> Rollout | None:
        """Return the progress of a gateway's Deployment."""


class Engine(Protocol):
    """What a pass applies with; blocking, one run per namespace at a time."""

    def held(self, namespace: str) -> frozenset[GatewayKey]:
        """Return the gateways in the state of `namespace`."""

    def apply(
        self,
        namespace: str,
        wanted: Mapping[GatewayKey, GatewayObjects],
        release: Collection[GatewayKey],
        *,
        refresh: bool,
    ) -> dict[GatewayKey, Failure]:
        """Apply `wanted`, let go of `release`, and return what failed."""

    def forget(self, namespace: str) -> None:
        """Drop the state of a namespace without gateways."""


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
        planned = plan(await self._view.snapshot(namespace))
        release = ledger.leftovers(planned)
        for key in release:
            # Before the state forgets it: a crash in between must not leave our conditions on a foreign gateway.
            if not await self._reporter.released(key, self._view.gateway(key)):
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
            failures = await self._apply(namespace, batch, release)
            ledger.record(planned, batch, failures, self._clock.now())
            ledger.forget(release)
            release = frozenset()
            settled = await self._report(planned, ledger)
        if not settled:
            return _UNSETTLED_SECONDS
        retry_at = ledger.next_retry(planned)
        return None if retry_at is None else max(retry_at - self._clock.now(), 0)

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
        """Write the status of every gateway whose outcome is known; the others keep the one they have.

        Returns
        -------
        bool
            False where a gateway changed before its status was written.
        """
        reports = []
        for key, gateway in planned.gateways.items():
            raw = self._view.gateway(key)
            failure = gateway.failure or ledger.failure(gateway)
            if raw is not None and (failure or ledger.is_applied(gateway)):
                rollout = self._view.rollout(gateway)
                reports.append(self._reporter.outcome(gateway, raw, failure, rollout))
        # All are awaited before one may fail the pass: none is left running behind its back.
        outcomes = await asyncio.gather(*reports, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return all(outcomes)
