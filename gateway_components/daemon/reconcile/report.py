"""Reports outcomes: statuses of gateways and routes, events about them, log lines.

A status that the API server refuses is retried apart, and nobody else waits for it. The owner of a route to a foreign
gateway may fill it up to the limit of etcd, so that no status fits.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

import structlog

from gateway_components.api.kinds import GATEWAY_KINDS
from gateway_components.backoff import Backoff
from gateway_components.concurrency import gather
from gateway_components.daemon.clock import Clock
from gateway_components.daemon.reconcile.events import EventRecorder, named
from gateway_components.daemon.reconcile.ports import Batch
from gateway_components.errors import Finding, GatewayError
from gateway_components.identity import Identity
from gateway_components.kube.errors import ApiError
from gateway_components.kube.fence import FencedClient
from gateway_components.kube.recorder import write_status
from gateway_components.kube.resources import CUSTOM_RESOURCES
from gateway_components.plan.findings import Failure, WarningReason, plan_warning
from gateway_components.plan.ownership import Drift
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.status import (
    Rollout,
    Status,
    gateway_status,
    merge_status,
    released_gateway,
    released_route,
    route_status,
)

Raw = Mapping[str, Any]


class Reporter:
    """Reports outcomes; a report that says nothing new writes nothing."""

    def __init__(self, client: FencedClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._events = EventRecorder(client, clock)
        self._reported: set[Identity] = set()
        self._log = structlog.get_logger()

    async def gateway(
        self, gateway: GatewayPlan, raw: Raw, failure: Failure | None, rollout: Rollout | None
    ) -> bool:
        """Update the status of a gateway, and emit events about what is new; False where it changed before that.

        Its warnings go first. So a status that a daemon before this one left as it should be says that they were
        emitted: after a restart among a thousand gateways nothing is written, instead of thousands of events.

        Parameters
        ----------
        failure
            Why its desired state was not reached; None where it was.
        rollout
            Progress of its Deployment.
        """
        url = gateway.objects.url if gateway.objects else ""
        status = gateway_status(
            GATEWAY_KINDS[gateway.key.kind], failure, rollout, gateway.generation, url, gateway.warnings
        )
        warnings = (*gateway.warnings, *(() if failure or rollout is None else _stalled(rollout)))
        merged = self._merged(raw, status)
        if merged is None and gateway.key not in self._reported:
            self._events.assume_emitted(gateway.key, raw, warnings)
        else:
            await self._events.warnings(gateway.key, raw, warnings)
        return await self._write(gateway.key, raw, status, merged, failure)

    async def route(self, route: RoutePlan, raw: Raw, degraded: Failure | None) -> bool:
        """Update the status of a route, and emit events about what is new; False where it changed before that.

        `degraded` is why its gateway was not planned or not applied; None where it was.
        """
        status = route_status(route, degraded, raw.get("status") or {})
        failure = route.failure or degraded
        if not await self._write(route.key, raw, status, self._merged(raw, status), failure):
            return False
        await self._events.warnings(route.key, raw, route.warnings)
        return True

    def has_our_status(self, subject: Identity, raw: Raw, *, by_us: bool) -> bool:
        """Return whether a gateway or a route bears a status of ours.

        `by_us` says whether its conditions were last written by a daemon of ours. Where somebody else wrote others
        beside them, the memory of this process counts.
        """
        return (by_us or subject in self._reported) and _released(subject, raw) is not None

    async def released(self, subject: Identity, raw: Raw | None) -> bool:
        """Remove our status from what is no longer ours, or gone (None); False where it changed before that."""
        self._log.info("released", **named(subject), exists=raw is not None)
        status = _released(subject, raw) if raw is not None else None
        if raw is not None and status is not None and not await self._patch(subject, raw, status):
            return False
        self.forget(subject)
        return True

    def forget(self, subject: Identity) -> None:
        """Drop all memory of a gateway or a route, which is gone or no longer ours."""
        self._reported.discard(subject)
        self._events.forget(subject)

    async def rival_seen(self, key: Identity, raw: Raw) -> None:
        """Warn of another operator that runs the same gateway."""
        await self._events.rival_seen(key, raw)

    def drifted(self, key: Identity, drifts: Sequence[Drift]) -> None:
        """Log what somebody changed or deleted, before it is corrected."""
        self._log.info("drifted", **named(key), objects=[str(drift) for drift in drifts])

    async def drift_corrected(self, key: Identity, raw: Raw | None, drifts: Sequence[Drift]) -> None:
        """Emit an event about drift that was corrected; `raw` is None where the gateway is gone."""
        if raw is not None:
            await self._events.drift_corrected(key, raw, drifts)

    def engine_ran(
        self, namespace: str, batch: Batch, failures: Mapping[Identity, Failure], seconds: float
    ) -> None:
        """Log one run of the engine, of a batch that holds what it released."""
        self._log.info(
            "engine ran",
            namespace=namespace,
            applied=sorted(key.name for key in batch.wanted if key not in failures),
            failed=sorted(key.name for key in failures),
            released=sorted(key.name for key in batch.release),
            refresh=batch.refresh,
            seconds=round(seconds, 3),
        )

    def preempted(self, namespace: str, batch: Batch, seconds: float) -> None:
        """Log that a run was interrupted for changes of other gateways."""
        self._log.info(
            "run preempted",
            namespace=namespace,
            gateways=sorted(key.name for key in batch.wanted),
            retry=batch.retry,
            seconds=round(seconds, 3),
        )

    async def _write(
        self,
        subject: Identity,
        raw: Raw,
        status: Status,
        merged: Mapping[str, Any] | None,
        failure: Failure | None,
    ) -> bool:
        if merged is not None and not await self._patch(subject, raw, merged):
            return False
        self._reported.add(subject)
        if merged is None:
            return True
        for condition in status.conditions:
            await self._events.condition(subject, raw, condition, failure)
        return True

    def _merged(self, raw: Raw, status: Status) -> dict[str, Any] | None:
        return merge_status(raw.get("status") or {}, status, self._clock.timestamp())

    async def _patch(self, subject: Identity, raw: Raw, status: Mapping[str, Any]) -> bool:
        kind = subject.kind if subject.kind in GATEWAY_KINDS else "ToolRoute"
        # An empty URL is none: whoever looks finds no field that says nothing.
        fields = {**status, "url": status["url"] or None} if "url" in status else status
        return await write_status(self._client, CUSTOM_RESOURCES[kind], raw["metadata"], fields)


def _stalled(rollout: Rollout) -> tuple[Finding, ...]:
    reasons = () if rollout.complete or not rollout.current else rollout.reasons
    return tuple(plan_warning(WarningReason.ROLLOUT_STALLED, str(reason)) for reason in reasons)


def _released(subject: Identity, raw: Raw) -> dict[str, Any] | None:
    existing = raw.get("status") or {}
    if subject.kind in GATEWAY_KINDS:
        return released_gateway(existing, GATEWAY_KINDS[subject.kind])
    return released_route(existing)


_FIRST_SECONDS = 1.0
_LONGEST_SECONDS = 30.0
AT_ONCE = 6
"""Requests of one reconcile: fewer than the client sends at once, or those of others would wait behind thousands."""
_GUEST_SECONDS = 1.0
"""How long statuses of routes of other namespaces may hold up a reconcile: somebody may make ten thousand."""

Report = tuple[Identity, Callable[[], Coroutine[Any, Any, bool]]]
"""A gateway or a route, and what writes its status: False where it changed before that."""


class StatusRetries:
    """Keeps a status that cannot be written from ending a reconcile of its namespace.

    What was refused in this reconcile is to be written again at the time `due` (seconds), if anything was.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._backoff = Backoff(_FIRST_SECONDS, _LONGEST_SECONDS)
        self._place = 0
        self._log = structlog.get_logger()
        self.due: float | None = None

    def begin(self) -> None:
        """Begin a reconcile; one in which nothing is refused makes the next pause short again."""
        if self.due is None:
            self._backoff.reset()
        self.due = None

    async def unless(self, subject: Identity, report: Awaitable[bool]) -> bool:
        """Return what `report` returns; True where the API server refuses it, or it cannot be made.

        A GatewayError about more than this status, such as no answer or a lost leadership, is raised.
        """
        try:
            return await report
        except ApiError as error:
            self._log.warning("status not written", **named(subject), error=str(error))
        except GatewayError:
            raise
        except Exception:  # noqa: BLE001  (a fault of ours about one object must not keep the others from being applied)
            self._log.exception("status not made", **named(subject))
        if self.due is None:
            self.due = self._clock.now() + self._backoff.next()
        return True

    async def write(self, own: Sequence[Report], guests: Sequence[Report]) -> bool:
        """Write the statuses of a reconcile, those of `guests` last and as many as there is time for.

        False where one changed meanwhile or time ran out: another reconcile goes on.
        """
        settled = await self._written(own)
        began, place, self._place = self._clock.now(), self._place, 0
        turns = [*guests[place:], *guests[:place]]
        for first in range(0, len(turns), AT_ONCE):
            if self._clock.now() - began > _GUEST_SECONDS:
                self._place = (place + first) % len(turns)
                return False
            settled = await self._written(turns[first : first + AT_ONCE]) and settled
        return settled

    async def _written(self, reports: Sequence[Report]) -> bool:
        return all(await gather((self.unless(subject, report()) for subject, report in reports), AT_ONCE))


class Reported:
    """The last report of each gateway of a namespace: while it stays the same, its status is not made again.

    A reconcile of a thousand gateways otherwise reads each of them to find that there is nothing to write.
    """

    def __init__(self) -> None:
        self._before: dict[Identity, object] = {}
        self._now: dict[Identity, object] = {}

    def begin(self) -> None:
        """Begin a round over all gateways; those that the one before left out are forgotten."""
        self._before, self._now = self._now, {}

    def is_current(self, key: Identity, facts: object) -> bool:
        """Return whether exactly this was reported of a gateway in the last round."""
        current = self._before.get(key) == facts
        if current:
            self._now[key] = facts
        return current

    async def report(
        self, key: Identity, facts: object, write: Callable[[], Coroutine[Any, Any, bool]]
    ) -> bool:
        """Return what `write` returns; where it succeeded, the report is current."""
        written = await write()
        if written:
            self._now[key] = facts
        return written
