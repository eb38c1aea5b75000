"""The event recorder: emits an event about an object, and logs the same line."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from gateway_components.api.kinds import GATEWAY_KINDS, READY, TOOL_GATEWAY
from gateway_components.daemon.clock import Clock
from gateway_components.errors import Finding
from gateway_components.identity import Identity
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.kube.fence import FencedClient
from gateway_components.kube.recorder import Event, publish
from gateway_components.plan.findings import Failure, WarningReason, plan_warning
from gateway_components.plan.ownership import Drift

Raw = Mapping[str, Any]

_ONCE = frozenset(kind.ready for kind in GATEWAY_KINDS.values())
"""Conditions that repeat the failure of another condition."""

_APPLIED = frozenset((READY, *(kind.configured for kind in GATEWAY_KINDS.values())))
"""Conditions that are True once the newest generation was applied."""


_MOST_WARNINGS = 20
"""As many events of an object at once: one patch can hold thousands of unknown keys, each a warning."""


class EventRecorder:
    """Emits each event once; one that cannot be written does not fail the reconcile."""

    def __init__(self, client: FencedClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._log = structlog.get_logger()
        self._warned: dict[Identity, tuple[str, frozenset[Finding]]] = {}

    async def condition(
        self, subject: Identity, raw: Raw, condition: Mapping[str, Any], failure: Failure | None
    ) -> None:
        """Emit an event about a condition that was just written, of `subject`, whose status was that of `raw` before.

        `failure` is why it does not hold; None where nothing failed.
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

    async def warnings(self, subject: Identity, raw: Raw, warnings: tuple[Finding, ...]) -> None:
        """Emit the warnings about an object that did not hold at the last call.

        Of more than a few, the first are emitted and the others counted.
        """
        uid, now = raw["metadata"]["uid"], frozenset(warnings)
        known_uid, before = self._warned.get(subject, ("", frozenset()))
        fresh = sorted(now - before if uid == known_uid else now, key=str)
        shown, others = fresh[:_MOST_WARNINGS], fresh[_MOST_WARNINGS:]
        if others:
            number = sum(warning.count for warning in others)
            shown.append(plan_warning(WarningReason(others[0].reason), f"there are {number} more warnings"))
        for warning in shown:
            self._log.warning(
                str(warning.reason),
                **named(subject),
                message=warning.text,
                field=warning.field,
                cure=warning.cure,
            )
            await self._publish(subject, raw, Event("Warning", warning.reason, "Plan", str(warning)))
        # If this is interrupted, the rest follows next time.
        self._warned[subject] = uid, now

    def assume_emitted(self, subject: Identity, raw: Raw, warnings: tuple[Finding, ...]) -> None:
        """Take these warnings about an object as emitted, by a daemon before this one."""
        self._warned[subject] = raw["metadata"]["uid"], frozenset(warnings)

    async def drift_corrected(self, subject: Identity, raw: Raw, drifts: Sequence[Drift]) -> None:
        """Emit an event about what somebody changed or deleted, once it is restored."""
        text = "; ".join(f"{drift}; restored" for drift in drifts)
        self._log.info("DriftCorrected", **named(subject), message=text)
        await self._publish(subject, raw, Event("Normal", "DriftCorrected", "Reconcile", text))

    async def rival_seen(self, subject: Identity, raw: Raw) -> None:
        """Warn that another operator runs the same gateways."""
        text = (
            "ai-gateway-litellm-operator runs as well and writes the same objects; scale it down to 0, as "
            "docs/migrating.md says. Until then they are looked at ever more rarely"
        )
        self._log.warning("RivalOperator", **named(subject), message=text)
        await self._publish(subject, raw, Event("Warning", "RivalOperator", "Reconcile", text))

    def forget(self, subject: Identity) -> None:
        """Drop the memory of an object that is no longer ours."""
        self._warned.pop(subject, None)

    async def _publish(self, subject: Identity, raw: Raw, event: Event) -> None:
        kind = GATEWAY_KINDS.get(subject.kind, TOOL_GATEWAY)
        now = self._clock.timestamp(precise=True)
        try:
            await publish(self._client, kind.controller, raw, event, now)
        except (ApiError, ApiUnreachableError) as error:
            # Conditions and log have said it; a namespace that is going takes no events.
            if isinstance(error, ApiError) and error.namespace_goes:
                return
            self._log.warning("event not written", **named(subject), reason=event.reason, error=str(error))


def _is_applied_again(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return whether an edit of the object was applied, which leaves the condition True as it was."""
    holds = old.get("status") == new["status"] == "True"
    return (
        new["type"] in _APPLIED and holds and old.get("observedGeneration") != new.get("observedGeneration")
    )


def _conditions(raw: Raw) -> list[Mapping[str, Any]]:
    return list((raw.get("status") or {}).get("conditions") or ())


def _log_event(condition: str) -> str:
    # "Ready" alone says nothing in a log of many kinds.
    return "ToolRouteReady" if condition == READY else condition


def named(subject: Identity) -> dict[str, str]:
    """Return the field by which a log line names a gateway or a route."""
    return {"gateway" if subject.kind in GATEWAY_KINDS else "route": str(subject)}
