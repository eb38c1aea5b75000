"""Statuses of gateways and routes: which conditions hold, and what to write (spec, "Gateway status", "ToolRoute")."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway_components.plan.failure import Failure, PlanWarning, Reason
from gateway_components.plan.kinds import GatewayKind
from gateway_components.plan.rollout import Rollout
from gateway_components.plan.routes import RoutePlan

__all__ = [
    "ROUTE_READY",
    "Status",
    "gateway_status",
    "merge_status",
    "released_gateway",
    "released_route",
    "route_status",
]

ROUTE_READY = "Ready"
"""Type of the only condition of a route."""

_ROUTE_REASONS = frozenset(
    (
        Reason.RECONCILED,
        Reason.UPSTREAM_UNRESOLVED,
        Reason.DUPLICATE_SERVER_NAME,
        Reason.GATEWAY_DEGRADED,
        Reason.GATEWAY_NOT_FOUND,
    )
)

_LONGEST_MESSAGE = 32768
"""Characters that the CRDs admit in the message of a condition (`gateway_components.crds.meta.Condition`)."""

Conditions = Sequence[Mapping[str, Any]]
"""Conditions in JSON types, as ``status.conditions`` holds them."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a status is to say.

    Attributes
    ----------
    conditions
        Our conditions in JSON types, without transition times.
    url
        Its ``url``, empty where there is none; None for a kind without one.
    """

    conditions: Conditions
    url: str | None = None


def gateway_status(
    kind: GatewayKind,
    failure: Failure | None,
    rollout: Rollout | None,
    generation: int | None,
    url: str,
    warnings: Sequence[PlanWarning] = (),
) -> Status:
    """Return the status of a gateway.

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
    url
        Where the gateway is reached once it is ready.
    warnings
        What holds though it was applied.
    """
    serves = False
    configured: tuple[str, bool, str, str]
    ready: tuple[str, bool, str, str]
    if failure:
        configured = (kind.configured, False, failure.reason, str(failure))
        ready = (kind.ready, False, failure.reason, str(failure))
    else:
        configured = (kind.configured, True, Reason.CONFIGURATION_APPLIED, _applied(warnings))
        serves = rollout is not None and rollout.complete
        if rollout and serves:
            replicas = "replica is" if rollout.wanted == 1 else "replicas are"
            ready = (kind.ready, True, kind.ready_reason, f"{rollout.wanted} {replicas} available")
        else:
            message = str(rollout) if rollout else "the Deployment does not exist yet"
            ready = (kind.ready, False, Reason.DEPLOYMENT_ROLLING_OUT, message)
    conditions = [_condition(*parts, generation) for parts in (configured, ready)]
    return Status(conditions, (url if serves else "") if kind.has_url else None)


def route_status(route: RoutePlan, degraded: Failure | None, existing: Mapping[str, Any]) -> Status:
    """Return the status of a route that refers to a gateway.

    Parameters
    ----------
    route
        Its plan.
    degraded
        Why its gateway could not be planned or applied; None where it was applied.
    existing
        The status it has. A gateway that is degraded goes on with what it served before, so a URL that was there
        stays.
    """
    url = route.url or ""
    if route.failure:
        parts = ROUTE_READY, False, str(route.failure.reason), str(route.failure)
    elif degraded:
        message = f"{route.gateway} is not configured: {degraded}"
        parts = ROUTE_READY, False, str(Reason.GATEWAY_DEGRADED), message
        url = url if existing.get("url") == url else ""
    else:
        parts = ROUTE_READY, True, str(Reason.RECONCILED), f"{route.gateway} serves it"
    return Status([_condition(*parts, route.generation)], url)


def merge_status(existing: Mapping[str, Any], status: Status, now: str) -> dict[str, Any] | None:
    """Return the status to write; None where what exists says the same.

    Conditions of other types stay where they are. ``lastTransitionTime`` is `now` (RFC 3339) where the status
    flips, else the one that was there.
    """
    before = existing.get("conditions") or ()
    conditions = _merged(before, status.conditions, now)
    return _changed(existing, conditions, status.url)


def released_gateway(existing: Mapping[str, Any], kind: GatewayKind) -> dict[str, Any] | None:
    """Return the status of a gateway that is ours no longer; None where nothing of ours is in it."""
    if not _is_ours(existing, (kind.configured, kind.ready), {*Reason, kind.ready_reason}):
        return None
    kept = _without(existing, (kind.configured, kind.ready))
    return _changed(existing, kept, "" if kind.has_url else None)


def released_route(existing: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the status of a route that no gateway of ours serves; None where nothing of ours is in it."""
    if not _is_ours(existing, (ROUTE_READY,), _ROUTE_REASONS):
        return None
    return _changed(existing, _without(existing, (ROUTE_READY,)), "")


def _changed(
    existing: Mapping[str, Any], conditions: Sequence[Mapping[str, Any]], url: str | None
) -> dict[str, Any] | None:
    same_url = url is None or (existing.get("url") or "") == url
    if same_url and list(conditions) == list(existing.get("conditions") or ()):
        return None
    return {"conditions": list(conditions), **({} if url is None else {"url": url})}


def _merged(existing: Conditions, ours: Conditions, now: str) -> list[dict[str, Any]]:
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
    return merged


def _applied(warnings: Sequence[PlanWarning]) -> str:
    applied = "ConfigMap, Deployment and Service are applied"
    if not warnings:
        return applied
    number = "1 warning:" if len(warnings) == 1 else f"{len(warnings)} warnings, the first:"
    return f"{applied}; {number} {warnings[0]}"


def _is_ours(existing: Mapping[str, Any], types: Collection[str], reasons: Collection[str]) -> bool:
    """Tell whether a condition is of one of `types`, for one of `reasons`: others may have conditions of our types."""
    conditions = existing.get("conditions") or ()
    return any(entry.get("type") in types and entry.get("reason") in reasons for entry in conditions)


def _without(existing: Mapping[str, Any], types: Collection[str]) -> list[Mapping[str, Any]]:
    return [entry for entry in existing.get("conditions") or () if entry.get("type") not in types]


def _condition(type_: str, holds: bool, reason: str, message: str, generation: int | None) -> dict[str, Any]:
    condition: dict[str, Any] = {
        "type": type_,
        "status": "True" if holds else "False",
        "reason": str(reason),
        "message": message[:_LONGEST_MESSAGE],
    }
    if generation is not None:
        condition["observedGeneration"] = generation
    return condition
