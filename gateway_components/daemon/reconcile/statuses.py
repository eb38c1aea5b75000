"""Reports how the gateways and routes of a namespace stand: which statuses are written, and when again."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial

from gateway_components.daemon.clock import Clock
from gateway_components.daemon.observe.telemetry import Step, Telemetry
from gateway_components.daemon.reconcile.ledger import Ledger
from gateway_components.daemon.reconcile.ports import Reports, View
from gateway_components.daemon.reconcile.report import Report, Reported, StatusRetries
from gateway_components.daemon.reconcile.rollouts import ReadReasons, StalledRollouts
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason
from gateway_components.plan.plan import Plan
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.status import Rollout


class Statuses:
    """Reports the outcome of plans of one namespace, one after the other.

    The other parameters are those of a `Reconciler`; what is refused is written again by `retries`.
    """

    def __init__(
        self,
        namespace: str,
        view: View,
        reporter: Reports,
        clock: Clock,
        telemetry: Telemetry,
        read_pods: ReadReasons,
    ) -> None:
        self._namespace = namespace
        self._view = view
        self._reporter = reporter
        self._clock = clock
        self._telemetry = telemetry
        self._read_pods = read_pods
        self._turn = asyncio.Lock()
        self.retries = StatusRetries(clock)
        self.forget()

    @property
    def due(self) -> tuple[float | None, float | None]:
        """When (seconds) pods are looked at again, and refused statuses are written again."""
        return self._stalled.due, self.retries.due

    def forget(self) -> None:
        """Drop the memory of gateways, as there are none."""
        self._stalled = StalledRollouts(self._read_pods)
        self._reported = Reported()

    async def report(self, planned: Plan, ledger: Ledger, intact: Collection[Identity] = ()) -> bool:
        """Write the status of all gateways and routes whose outcome is known; the others keep the one they have.

        False where one changed before its status was written; one that is refused is written again later. Those of
        `intact` that were reported before are settled.
        """
        # What was seen when this was asked for: a later snapshot may have seen what nobody has compared yet.
        pending = ledger.pending(planned, self._view.stamp)
        stamps = {key: self._view.stamp(key) for key in pending.gateways}
        async with self._turn:
            self._reported.begin()
            # While pods are read, a run beside may end: it is reported after it.
            failures = _outcomes(pending, ledger)
            rollouts = await self._rollouts(pending, ledger)
            own = self._of_gateways(pending, ledger, intact, stamps, failures, rollouts)
            routes = self._of_routes(planned, ledger)
            with self._telemetry.step(Step.STATUSES, self._namespace, reports=len(own) + len(routes)):
                of_guests = [report for route, report in routes if route.foreign]
                own += [report for route, report in routes if not route.foreign]
                return await self.retries.write(own, of_guests)

    def _of_gateways(
        self,
        pending: Plan,
        ledger: Ledger,
        intact: Collection[Identity],
        stamps: Mapping[Identity, object],
        failures: Mapping[Identity, Failure | None],
        rollouts: Mapping[Identity, Rollout],
    ) -> list[Report]:
        """Return what is to be reported of gateways; settle those of which nothing is."""
        reports: list[Report] = []
        for key, failure in failures.items():
            gateway, stamp, rollout = pending.gateways[key], stamps[key], rollouts.get(key)
            url = gateway.objects and gateway.objects.url
            facts = (stamp, gateway.generation, url, gateway.warnings, failure, rollout)
            if stamp is not None and self._reported.is_current(key, facts):
                if key in intact and not failure and not self._stalled.is_looked_at(key):
                    ledger.settle(gateway, stamp)
            # One that was deleted and made again has another plan.
            elif (raw := self._view.raw(key)) and gateway.uid in {None, raw["metadata"].get("uid")}:
                write = partial(self._reporter.gateway, gateway, raw, failure, rollout)
                reports.append((key, partial(self._reported.report, key, facts, write)))
        return reports

    def _of_routes(self, planned: Plan, ledger: Ledger) -> list[tuple[RoutePlan, Report]]:
        reports: list[tuple[RoutePlan, Report]] = []
        for route in planned.routes.values():
            raw = self._view.route(route)
            gateway_of_route = planned.gateways.get(route.gateway) if route.gateway else None
            degraded, applied = None, False
            if gateway_of_route:
                degraded = gateway_of_route.failure or ledger.failure(gateway_of_route)
                applied = ledger.is_applied(gateway_of_route)
            if raw is not None and route.gateway and (route.failure or degraded or applied):
                report = partial(self._reporter.route, self._explained(route), raw, degraded)
                reports.append((route, (route.key, report)))
        return reports

    async def _rollouts(self, pending: Plan, ledger: Ledger) -> Mapping[Identity, Rollout]:
        """Return how far the gateways have come that were applied, and why they come no further."""
        rollouts = {
            gateway.key: rollout
            for gateway in pending.gateways.values()
            if ledger.is_applied(gateway) and (rollout := self._view.rollout(gateway))
        }
        return await self._stalled.explain(rollouts, self._clock.now())

    def _explained(self, route: RoutePlan) -> RoutePlan:
        # Of a route that cannot be read, the plan knows only that it has no upstream.
        fault = self._view.fault(route.key)
        if fault and route.failure and route.failure.reason == Reason.UPSTREAM_UNRESOLVED:
            return replace(route, failure=Failure(Reason.UPSTREAM_UNRESOLVED, fault))
        return route


def _outcomes(pending: Plan, ledger: Ledger) -> dict[Identity, Failure | None]:
    """Return why gateways could not be planned or applied; None for those that were applied."""
    return {
        gateway.key: failure
        for gateway in pending.gateways.values()
        if (failure := gateway.failure or ledger.failure(gateway)) or ledger.is_applied(gateway)
    }
