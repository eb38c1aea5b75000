"""Statuses of gateways and routes: how a rollout goes, which conditions hold, and what to write to the API server."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway_components.api.kinds import READY, GatewayKind
from gateway_components.errors import Finding
from gateway_components.plan.findings import MOST_COUNTED, Failure, Reason
from gateway_components.plan.routes import RoutePlan

_MOST_REASONS = 5
"""As many are shown: pods with many containers can have as many faults."""
_LONGEST_REASON = 1000
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class StallReason:
    """Why a rollout makes no progress, as Kubernetes reports it.

    Attributes
    ----------
    reason
        The word for it, such as ``FailedCreate``, ``Unschedulable`` or ``CrashLoopBackOff``.
    container, init
        The container that it is about, empty for the pod or the Deployment; and whether that is an init container.
    ended, exit_code
        The word for how a restarted container ended, such as ``OOMKilled``, and its exit code; empty and None if it did
        not.
    message
        What may be shown of the details; never what the container itself wrote.
    """

    reason: str
    container: str = ""
    init: bool = False
    ended: str = ""
    exit_code: int | None = None
    message: str = ""

    def __str__(self) -> str:
        """Return all of it in one line."""
        code = "" if self.exit_code is None else f"exit code {self.exit_code}"
        ending = ", ".join(
            part[:_LONGEST_NAME] for part in (self.ended and f"last {self.ended}", code) if part
        )
        where = f"{'init ' if self.init else ''}container {self.container}: " if self.container else ""
        what = f"{where}{self.reason[:_LONGEST_NAME]}{f' ({ending})' if ending else ''}"
        return f"{what}: {self.message[:_LONGEST_REASON]}" if self.message else what


@dataclass(frozen=True, slots=True)
class Rollout:
    """How far a Deployment has come.

    Attributes
    ----------
    current
        Whether its controller has seen the desired pod template.
    wanted, total, updated, available
        Numbers of replicas: desired, existing, on the newest template, serving.
    reasons
        Why it makes no progress, as far as that is known.
    uid, generation
        Which Deployment it is, and of which generation; an empty UID for one that no gateway owns.
    """

    current: bool
    wanted: int
    total: int
    updated: int
    available: int
    reasons: tuple[StallReason, ...] = ()
    uid: str = ""
    generation: int = 0

    @property
    def deployment(self) -> tuple[str, int]:
        """What it is the rollout of: reasons of another one say nothing about it."""
        return self.uid, self.generation

    @property
    def complete(self) -> bool:
        """Whether all wanted replicas run the newest template and serve, as ``kubectl rollout status`` has it."""
        updated = self.updated >= self.wanted and self.total <= self.updated
        return self.current and updated and self.available >= self.updated

    def __str__(self) -> str:
        """Return the progress in words, and the reasons where there is none."""
        if not self.current:
            return "the Deployment has not observed the latest configuration yet"
        old = f", {self.total - self.updated} old ones still running" if self.total > self.updated else ""
        progress = f"{self.updated} of {self.wanted} replicas updated, {self.available} available{old}"
        return "; ".join((progress, *map(str, self.reasons[:_MOST_REASONS])))


_RECONCILING, _STALLED = "Reconciling", "Stalled"
"""Conditions of kstatus (``sigs.k8s.io/cli-utils/pkg/kstatus``), which are there only while something is unusual.

The first means progress, the second an error or a rollout that exceeded its deadline.
"""
_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
"""By this reason, kstatus takes a Deployment for failed."""

_ROUTE_REASONS = frozenset(
    (
        Reason.RECONCILED,
        Reason.UPSTREAM_UNRESOLVED,
        Reason.DUPLICATE_SERVER_NAME,
        Reason.GATEWAY_DEGRADED,
        Reason.GATEWAY_NOT_FOUND,
        Reason.REFERENCE_NOT_PERMITTED,
        Reason.ROUTE_TOO_LARGE,
        Reason.TOOL_FILTER_INVALID,
    )
)

_LONGEST_MESSAGE = 32768
"""Characters that the CRDs admit in the message of a condition (`gateway_components.api.meta.Condition`)."""

Conditions = Sequence[Mapping[str, Any]]
"""Conditions in JSON types, as ``status.conditions`` holds them."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a status is to say, all of it of one ``metadata.generation``.

    Attributes
    ----------
    conditions
        Our conditions in JSON types, without transition times.
    url
        Its ``url``, empty where there is none; None for a kind without one.
    standard
        What `conditions` says, in the types that kubectl, kstatus, Flux and Argo CD look for.
    """

    conditions: Conditions
    url: str | None = None
    standard: Conditions = ()
    generation: int | None = None


def gateway_status(
    kind: GatewayKind,
    failure: Failure | None,
    rollout: Rollout | None,
    generation: int | None,
    url: str,
    warnings: Sequence[Finding] = (),
) -> Status:
    """Return the status of a gateway, whose conditions speak of ``metadata.generation``.

    Parameters
    ----------
    failure
        Why the desired state was not planned or not applied; None where it was applied.
    rollout
        Progress of the Deployment; None where there is none yet.
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
            ready = (kind.ready, True, kind.ready, f"{rollout.wanted} {replicas} available")
        else:
            message = str(rollout) if rollout else "the Deployment does not exist yet"
            ready = (kind.ready, False, Reason.DEPLOYMENT_ROLLING_OUT, message)
    conditions = [_condition(*parts, generation) for parts in (configured, ready)]
    progresses = failure is None and not (rollout and _is_overdue(rollout))
    standard = [{**conditions[1], "type": type_} for type_ in (READY, *_unusual(serves, progresses))]
    for condition in standard[1:]:
        condition["status"] = "True"
    return Status(conditions, (url if serves else "") if kind.has_url else None, standard, generation)


def route_status(route: RoutePlan, degraded: Failure | None, existing: Mapping[str, Any]) -> Status:
    """Return the status of a route that refers to a gateway.

    `degraded` is why its gateway could not be planned or applied. Such a gateway goes on with what it served before, so
    a URL in the `existing` status stays.
    """
    url = route.url or ""
    if route.failure:
        parts = READY, False, str(route.failure.reason), str(route.failure)
    elif degraded:
        # What is wrong with it concerns its own namespace alone.
        message = f"{route.gateway} is {'degraded' if route.foreign else f'not configured: {degraded}'}"
        parts = READY, False, str(Reason.GATEWAY_DEGRADED), message
        url = url if existing.get("url") == url else ""
    else:
        parts = READY, True, str(Reason.RECONCILED), f"{route.gateway} serves it"
    ready = _condition(*parts, route.generation)
    standard = [{**ready, "type": type_, "status": "True"} for type_ in _unusual(parts[1], False)]
    return Status([ready], url, standard, route.generation)


def merge_status(existing: Mapping[str, Any], status: Status, now: str) -> dict[str, Any] | None:
    """Return the status to write; None where what exists says the same.

    Conditions of other types stay where they are. ``lastTransitionTime`` is `now` (RFC 3339) where the status
    flips, else the one that was there. That ``observedGeneration`` is missing is no reason to write: CRDs without that
    field have it pruned each time.
    """
    ours = (*status.conditions, *status.standard)
    gone = {_RECONCILING, _STALLED} - {condition["type"] for condition in ours}
    conditions = _merged(_without(existing, gone), ours, now)
    seen = existing.get("observedGeneration")
    observed = {} if status.generation is None else {"observedGeneration": status.generation}
    changed = _changed(existing, conditions, status.url)
    if changed is None and seen is not None and seen != status.generation:
        changed = {"conditions": conditions}
    return None if changed is None else {**changed, **observed}


def released_gateway(existing: Mapping[str, Any], kind: GatewayKind) -> dict[str, Any] | None:
    """Return the status of a gateway that is no longer ours; None where nothing of ours is in it."""
    reasons = {*Reason, kind.ready}
    if not _is_ours(existing, (kind.configured, kind.ready), reasons):
        return None
    kept = _without(existing, (kind.configured, kind.ready))
    # Of the types that anybody may use, those with a reason of ours.
    return _released(existing, _without_standard(kept, reasons), "" if kind.has_url else None)


def released_route(existing: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the status of a route that no gateway of ours serves; None where nothing of ours is in it."""
    if not _is_ours(existing, (READY,), _ROUTE_REASONS):
        return None
    return _released(existing, _without_standard(_without(existing, (READY,)), _ROUTE_REASONS), "")


def _unusual(ready: bool, progresses: bool) -> tuple[str, ...]:
    return () if ready else (_RECONCILING if progresses else _STALLED,)


def _is_overdue(rollout: Rollout) -> bool:
    return rollout.current and any(reason.reason == _DEADLINE_EXCEEDED for reason in rollout.reasons)


def _released(
    existing: Mapping[str, Any], kept: Sequence[Mapping[str, Any]], url: str | None
) -> dict[str, Any] | None:
    changed = _changed(existing, kept, url)
    if changed is not None and "observedGeneration" in existing:
        changed["observedGeneration"] = None
    return changed


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


def _applied(warnings: Sequence[Finding]) -> str:
    applied = "ConfigMap, Deployment and Service are applied"
    if not warnings:
        return applied
    count = sum(warning.count for warning in warnings)
    number = f"more than {MOST_COUNTED}" if count > MOST_COUNTED else str(count)
    counted = "1 warning:" if count == 1 else f"{number} warnings, the first:"
    return f"{applied}; {counted} {warnings[0]}"


def _is_ours(existing: Mapping[str, Any], types: Collection[str], reasons: Collection[str]) -> bool:
    """Return whether a condition has one of `types` and of `reasons`: others may use our types."""
    conditions = existing.get("conditions") or ()
    return any(entry.get("type") in types and entry.get("reason") in reasons for entry in conditions)


def _without_standard(
    conditions: Iterable[Mapping[str, Any]], reasons: Collection[str]
) -> list[Mapping[str, Any]]:
    types = (READY, _RECONCILING, _STALLED)
    return [
        entry for entry in conditions if entry.get("type") not in types or entry.get("reason") not in reasons
    ]


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
