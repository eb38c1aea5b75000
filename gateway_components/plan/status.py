"""Statuses of gateways: which conditions hold, and what to write (spec, "Gateway status")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.kinds import GatewayKind

__all__ = ["Rollout", "gateway_conditions", "merge_conditions", "without_conditions"]

Conditions = Sequence[Mapping[str, Any]]
"""Conditions in JSON types, as ``status.conditions`` holds them."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far a Deployment has come.

    Attributes
    ----------
    current
        Whether its controller has seen the desired pod template.
    wanted, total, updated, available
        Numbers of replicas: of the spec, of those that exist, of those on the newest template, of those that
        serve.
    """

    current: bool
    wanted: int
    total: int
    updated: int
    available: int

    @property
    def complete(self) -> bool:
        """Whether all wanted replicas run the newest template and serve, as ``kubectl rollout status`` has it."""
        updated = self.updated >= self.wanted and self.total <= self.updated
        return self.current and updated and self.available >= self.updated

    def __str__(self) -> str:
        """Return the progress in words."""
        if not self.current:
            return "the Deployment has not taken up the newest configuration yet"
        old = f", {self.total - self.updated} old ones still there" if self.total > self.updated else ""
        return f"{self.updated} of {self.wanted} replicas updated, {self.available} available{old}"


def gateway_conditions(
    kind: GatewayKind, failure: Failure | None, rollout: Rollout | None, generation: int | None
) -> list[dict[str, Any]]:
    """Return the two conditions of a gateway, without transition times.

    Parameters
    ----------
    kind
        Whose names to use.
    failure
        Why the desired state was not planned or not applied; None where it was applied.
    rollout
        Progress of the Deployment; None where there is none yet.
    generation
        ``metadata.generation`` of the gateway that the conditions speak of.
    """
    configured: tuple[str, bool, str, str]
    ready: tuple[str, bool, str, str]
    if failure:
        configured = (kind.configured, False, failure.reason, str(failure))
        ready = (kind.ready, False, failure.reason, str(failure))
    else:
        configured = (
            kind.configured,
            True,
            Reason.CONFIGURATION_APPLIED,
            "ConfigMap, Deployment and Service are applied",
        )
        if rollout and rollout.complete:
            replicas = "replica is" if rollout.wanted == 1 else "replicas are"
            ready = (kind.ready, True, kind.ready_reason, f"{rollout.wanted} {replicas} available")
        else:
            message = str(rollout) if rollout else "the Deployment does not exist yet"
            ready = (kind.ready, False, Reason.DEPLOYMENT_ROLLING_OUT, message)
    return [_condition(*parts, generation) for parts in (configured, ready)]


def merge_conditions(existing: Conditions, ours: Conditions, now: str) -> list[dict[str, Any]] | None:
    """Return the conditions to write; None where what exists says the same.

    Conditions of other types stay where they are. ``lastTransitionTime`` is `now` (RFC 3339) where the status
    flips, else the one that was there.
    """
    merged = [dict(condition) for condition in existing]
    places = {condition.get("type"): place for place, condition in enumerate(merged)}
    for condition in ours:
        place = places.get(condition["type"])
        if place is None:
            merged.append({**condition, "lastTransitionTime": now})
            continue
        old = merged[place]
        same_status = old.get("status") == condition["status"]
        since = old.get("lastTransitionTime", now) if same_status else now
        merged[place] = {**condition, "lastTransitionTime": since}
    return None if merged == [dict(condition) for condition in existing] else merged


def without_conditions(existing: Conditions, kind: GatewayKind) -> list[dict[str, Any]] | None:
    """Return `existing` without the conditions of `kind`; None where it has none of them."""
    kept = [
        dict(condition)
        for condition in existing
        if condition.get("type") not in (kind.configured, kind.ready)
    ]
    return kept if len(kept) < len(existing) else None


def _condition(type_: str, holds: bool, reason: str, message: str, generation: int | None) -> dict[str, Any]:
    condition: dict[str, Any] = {
        "type": type_,
        "status": "True" if holds else "False",
        "reason": str(reason),
        "message": message[:32768],
    }
    if generation is not None:
        condition["observedGeneration"] = generation
    return condition
