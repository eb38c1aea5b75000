"""Tells of what is new: an event about the object, and a log line beside it."""

from collections.abc import Mapping
from typing import Any

import structlog

from gateway_components.daemon.clock import Clock
from gateway_components.daemon.triggers import Subject
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.kube.events import Event, publish
from gateway_components.plan.failure import Failure, PlanWarning
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.kinds import GATEWAY_KINDS, TOOL_GATEWAY
from gateway_components.plan.status import ROUTE_READY

__all__ = ["News", "named"]

Raw = Mapping[str, Any]

_ONCE = frozenset(kind.ready for kind in GATEWAY_KINDS.values())
"""Conditions whose failure stands in another condition as well, which has told of it."""


class News:
    """Tells what a user should hear of, once; an event that cannot be written is no fault of the pass.

    Parameters
    ----------
    client
        The cluster.
    clock
        Gives the times that events carry.
    """

    def __init__(self, client: KubeClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._log = structlog.get_logger()
        self._warned: dict[Subject, tuple[str, frozenset[PlanWarning]]] = {}

    async def condition(
        self, subject: Subject, raw: Raw, condition: Mapping[str, Any], failure: Failure | None
    ) -> None:
        """Tell of a condition that was just written.

        Parameters
        ----------
        subject, raw
            Whose it is, and the object with the status it had before.
        condition
            What it is now.
        failure
            Why it does not hold; None where nothing failed.
        """
        old = next((c for c in _conditions(raw) if c.get("type") == condition["type"]), {})
        if all(old.get(part) == condition[part] for part in ("status", "reason", "message")):
            return
        log = self._log.warning if failure else self._log.info
        log(
            _log_event(condition["type"]),
            **named(subject),
            status=condition["status"],
            reason=condition["reason"],
            message=condition["message"],
            **({"field": failure.field, "cure": failure.cure} if failure else {}),
        )
        # Progress of a rollout changes the message many times; one event says it.
        known = condition["type"] in _ONCE if failure else old.get("reason") == condition["reason"]
        if known:
            return
        event = Event(
            "Warning" if failure else "Normal", condition["reason"], "Reconcile", condition["message"]
        )
        await self._publish(subject, raw, event)

    async def warnings(self, subject: Subject, raw: Raw, warnings: tuple[PlanWarning, ...]) -> None:
        """Tell of those warnings about an object that did not hold when it was last asked for."""
        uid, now = raw["metadata"]["uid"], frozenset(warnings)
        known_uid, before = self._warned.get(subject, ("", frozenset()))
        self._warned[subject] = uid, now
        fresh = now - before if uid == known_uid else now
        for warning in sorted(fresh, key=str):
            self._log.warning(
                str(warning.reason),
                **named(subject),
                message=warning.message,
                field=warning.field,
                cure=warning.cure,
            )
            await self._publish(subject, raw, Event("Warning", warning.reason, "Plan", str(warning)))

    def forget(self, subject: Subject) -> None:
        """Drop the memory of an object that is ours no longer."""
        self._warned.pop(subject, None)

    async def _publish(self, subject: Subject, raw: Raw, event: Event) -> None:
        kind = GATEWAY_KINDS[subject.kind] if isinstance(subject, GatewayKey) else TOOL_GATEWAY
        now = self._clock.timestamp(precise=True)
        try:
            await publish(self._client, kind.controller, raw, event, now)
        except (ApiError, ApiUnreachableError) as error:
            # Conditions and log have said it; a namespace that is going takes no events.
            self._log.warning("event not written", **named(subject), reason=event.reason, error=str(error))


def _conditions(raw: Raw) -> list[Mapping[str, Any]]:
    return list((raw.get("status") or {}).get("conditions") or ())


def _log_event(condition: str) -> str:
    # "Ready" alone says nothing in a log of many kinds.
    return "ToolRouteReady" if condition == ROUTE_READY else condition


def named(subject: Subject) -> dict[str, str]:
    """Return the field by which a log line names a gateway or a route."""
    return {"gateway" if isinstance(subject, GatewayKey) else "route": str(subject)}
