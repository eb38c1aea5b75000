"""Says how things went: statuses of gateways and routes, news about them, lines in the log."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import structlog

from gateway_components.daemon.clock import Clock
from gateway_components.daemon.ledger import Batch
from gateway_components.daemon.news import News, named
from gateway_components.kube.fence import FencedClient
from gateway_components.kube.resources import CUSTOM_RESOURCES
from gateway_components.kube.status import write_status
from gateway_components.plan.failure import Failure, PlanWarning, WarningReason
from gateway_components.plan.keys import GatewayKey, Subject
from gateway_components.plan.kinds import GATEWAY_KINDS
from gateway_components.plan.ownership import Drift
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.rollout import Rollout
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.status import (
    Status,
    gateway_status,
    merge_status,
    released_gateway,
    released_route,
    route_status,
)

__all__ = ["Reporter"]

Raw = Mapping[str, Any]


class Reporter:
    """Reports outcomes; a report that says nothing new writes nothing.

    Parameters
    ----------
    client
        The cluster.
    clock
        Gives the times that conditions and events carry.
    """

    def __init__(self, client: FencedClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._news = News(client, clock)
        self._reported: set[Subject] = set()
        self._log = structlog.get_logger()

    async def gateway(
        self, gateway: GatewayPlan, raw: Raw, failure: Failure | None, rollout: Rollout | None
    ) -> bool:
        """Bring the status of a gateway up to date, and tell of it what is new.

        Parameters
        ----------
        gateway, raw
            The plan, and the object as it was last seen.
        failure
            Why its desired state was not reached; None where it was.
        rollout
            Progress of its Deployment.

        Returns
        -------
        bool
            False where the gateway changed before its status was written.
        """
        url = gateway.objects.url if gateway.objects else ""
        status = gateway_status(
            GATEWAY_KINDS[gateway.key.kind], failure, rollout, gateway.generation, url, gateway.warnings
        )
        if not await self._write(gateway.key, raw, status, failure):
            return False
        stalled = () if failure or rollout is None else _stalled(rollout)
        await self._news.warnings(gateway.key, raw, (*gateway.warnings, *stalled))
        return True

    async def route(self, route: RoutePlan, raw: Raw, degraded: Failure | None) -> bool:
        """Bring the status of a route up to date, and tell of it what is new.

        Parameters
        ----------
        route, raw
            The plan, and the object as it was last seen.
        degraded
            Why its gateway was not planned or not applied; None where it was.

        Returns
        -------
        bool
            False where the route changed before its status was written.
        """
        status = route_status(route, degraded, raw.get("status") or {})
        if not await self._write(route.key, raw, status, route.failure or degraded):
            return False
        await self._news.warnings(route.key, raw, route.warnings)
        return True

    def has_our_status(self, subject: Subject, raw: Raw, *, by_us: bool) -> bool:
        """Tell whether a gateway or a route bears a status of ours.

        Parameters
        ----------
        subject, raw
            Which one, and the object as it was last seen.
        by_us
            Whether its conditions were last written by a daemon of ours. Where somebody else wrote others beside
            them, the memory of this process counts.
        """
        return (by_us or subject in self._reported) and _released(subject, raw) is not None

    async def released(self, subject: Subject, raw: Raw | None) -> bool:
        """Take our status off what is ours no longer; None stands for what is gone.

        Returns
        -------
        bool
            False where it changed before its status was written.
        """
        self._log.info("released", **named(subject), exists=raw is not None)
        status = _released(subject, raw) if raw is not None else None
        if raw is not None and status is not None and not await self._patch(subject, raw, status):
            return False
        self.forget(subject)
        return True

    def forget(self, subject: Subject) -> None:
        """Drop all memory of a gateway or a route, which is gone or ours no longer."""
        self._reported.discard(subject)
        self._news.forget(subject)

    def drifted(self, key: GatewayKey, drifts: Sequence[Drift]) -> None:
        """Log what somebody changed or deleted, before it is put right."""
        self._log.info("drifted", **named(key), objects=[str(drift) for drift in drifts])

    async def mended(self, key: GatewayKey, raw: Raw | None, drifts: Sequence[Drift]) -> None:
        """Tell that what somebody changed or deleted was put right; `raw` is None where the gateway is gone."""
        if raw is not None:
            await self._news.mended(key, raw, drifts)

    def engine_ran(
        self,
        namespace: str,
        batch: Batch,
        release: Collection[GatewayKey],
        failures: Mapping[GatewayKey, Failure],
        seconds: float,
    ) -> None:
        """Log one run of the engine."""
        self._log.info(
            "engine ran",
            namespace=namespace,
            applied=sorted(key.name for key in batch.wanted if key not in failures),
            failed=sorted(key.name for key in failures),
            released=sorted(key.name for key in release),
            refresh=batch.refresh,
            seconds=round(seconds, 3),
        )

    def overtaken(self, namespace: str, batch: Batch, seconds: float) -> None:
        """Log that a run was cut short for changes of other gateways."""
        self._log.info(
            "run overtaken",
            namespace=namespace,
            gateways=sorted(key.name for key in batch.wanted),
            retry=batch.retry,
            seconds=round(seconds, 3),
        )

    async def _write(self, subject: Subject, raw: Raw, status: Status, failure: Failure | None) -> bool:
        merged = merge_status(raw.get("status") or {}, status, self._clock.timestamp())
        if merged is not None and not await self._patch(subject, raw, merged):
            return False
        self._reported.add(subject)
        if merged is None:
            return True
        for condition in status.conditions:
            await self._news.condition(subject, raw, condition, failure)
        return True

    async def _patch(self, subject: Subject, raw: Raw, status: Mapping[str, Any]) -> bool:
        kind = subject.kind if isinstance(subject, GatewayKey) else "ToolRoute"
        # An empty URL is none: whoever looks finds no field that says nothing.
        fields = {**status, "url": status["url"] or None} if "url" in status else status
        return await write_status(self._client, CUSTOM_RESOURCES[kind], raw["metadata"], fields)


def _stalled(rollout: Rollout) -> tuple[PlanWarning, ...]:
    """Return the warnings about a rollout that makes no progress."""
    reasons = () if rollout.complete or not rollout.current else rollout.reasons
    return tuple(PlanWarning(WarningReason.ROLLOUT_STALLED, str(reason)) for reason in reasons)


def _released(subject: Subject, raw: Raw) -> dict[str, Any] | None:
    existing = raw.get("status") or {}
    if isinstance(subject, GatewayKey):
        return released_gateway(existing, GATEWAY_KINDS[subject.kind])
    return released_route(existing)
