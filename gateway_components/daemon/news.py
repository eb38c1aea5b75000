"""Tells of what is new: an event about the object, and a log line beside it."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from gateway_components.daemon.clock import Clock
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.kube.events import Event, publish
from gateway_components.kube.fence import FencedClient
from gateway_components.plan.failure import Failure, PlanWarning
from gateway_components.plan.keys import GatewayKey, Subject
from gateway_components.plan.kinds import GATEWAY_KINDS, TOOL_GATEWAY
from gateway_components.plan.ownership import Drift
from gateway_components.plan.status import ROUTE_READY

__all__ = ["News", "named"]

Raw = Mapping[str, Any]

_ONCE = frozenset(kind.ready for kind in GATEWAY_KINDS.values())
"""Conditions whose failure stands in another condition as well, which has told of it."""

_APPLIED = frozenset((ROUTE_READY, *(kind.configured for kind in GATEWAY_KINDS.values())))
"""Conditions that are True once the newest generation was applied."""


_MOST_WARNINGS = 20
"""As many are told of an object at once: one patch can hold thousands of unknown keys, each of which is a warning."""


class News:
    """Tells what a user should hear of, once; an event that cannot be written is no fault of the pass.

    Parameters
    ----------
    client
        The cluster.
    clock
        Gives the times that events carry.
    """

    def __init__(self, client: FencedClient, clock: Clock) -> None:
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
        again = _is_applied_again(old, condition)
        if not again and all(old.get(part) == condition[part] for part in ("status", "reason", "message")):
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
        same_reason = not again and old.get("reason") == condition["reason"]
        known = condition["type"] in _ONCE if failure else same_reason
        if known:
            return
        event = Event(
            "Warning" if failure else "Normal", condition["reason"], "Reconcile", condition["message"]
        )
        await self._publish(subject, raw, event)

    async def warnings(self, subject: Subject, raw: Raw, warnings: tuple[PlanWarning, ...]) -> None:
        """Tell of those warnings about an object that did not hold when it was last asked for.

        Of more than a few, the first are told and the others counted.
        """
        uid, now = raw["metadata"]["uid"], frozenset(warnings)
        known_uid, before = self._warned.get(subject, ("", frozenset()))
        fresh = sorted(now - before if uid == known_uid else now, key=str)
        told, others = fresh[:_MOST_WARNINGS], fresh[_MOST_WARNINGS:]
        if others:
            told.append(PlanWarning(others[0].reason, f"there are {len(others)} more warnings"))
        for warning in told:
            self._log.warning(
                str(warning.reason),
                **named(subject),
                message=warning.message,
                field=warning.field,
                cure=warning.cure,
            )
            await self._publish(subject, raw, Event("Warning", warning.reason, "Plan", str(warning)))
        # Of what was broken off, the rest is told next time.
        self._warned[subject] = uid, now

    async def mended(self, subject: Subject, raw: Raw, drifts: Sequence[Drift]) -> None:
        """Tell what somebody changed or deleted, once it was put right."""
        text = "; ".join(f"{drift}, and is put right" for drift in drifts)
        self._log.info("DriftCorrected", **named(subject), message=text)
        await self._publish(subject, raw, Event("Normal", "DriftCorrected", "Reconcile", text))

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


def _is_applied_again(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Tell whether an edit of the object was applied, which leaves the condition True as it was."""
    holds = old.get("status") == new["status"] == "True"
    return (
        new["type"] in _APPLIED and holds and old.get("observedGeneration") != new.get("observedGeneration")
    )


def _conditions(raw: Raw) -> list[Mapping[str, Any]]:
    return list((raw.get("status") or {}).get("conditions") or ())


def _log_event(condition: str) -> str:
    # "Ready" alone says nothing in a log of many kinds.
    return "ToolRouteReady" if condition == ROUTE_READY else condition


def named(subject: Subject) -> dict[str, str]:
    """Return the field by which a log line names a gateway or a route."""
    return {"gateway" if isinstance(subject, GatewayKey) else "route": str(subject)}
