"""What kstatus makes of our statuses, by its own rules.

The rules are those of ``sigs.k8s.io/cli-utils/pkg/kstatus/status`` (``generic.go`` and ``Compute`` in ``status.go``,
Apache-2.0), which Flux and ``kapp`` go by, for a kind that it has no rules of its own for.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from gateway_components.api.kinds import AI_GATEWAY, GATEWAY_KINDS, TOOL_GATEWAY, GatewayKind
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.status import (
    Rollout,
    StallReason,
    Status,
    gateway_status,
    merge_status,
    released_gateway,
    route_status,
)
from tests.plan.kstatus import kstatus

NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
DONE = Rollout(current=True, wanted=1, total=1, updated=1, available=1)
ROLLING = Rollout(current=True, wanted=1, total=1, updated=1, available=0)
CRASHING = Rollout(True, 1, 1, 1, 0, reasons=(StallReason("CrashLoopBackOff", "litellm"),))
OVERDUE = Rollout(True, 1, 1, 1, 0, reasons=(StallReason("ProgressDeadlineExceeded", message="too long"),))
OUTDATED = Rollout(False, 1, 1, 1, 1, reasons=OVERDUE.reasons)
REFUSED = Failure(Reason.CONFIG_PATCH_INVALID, "no such patch")

GATEWAYS = (
    (None, DONE, "Current", "it serves"),
    (None, Rollout(True, 0, 0, 0, 0), "Current", "scaled to nothing, it is all that it is to be"),
    (None, ROLLING, "InProgress", "its pods come"),
    (None, None, "InProgress", "there is no Deployment yet"),
    (None, CRASHING, "InProgress", "a pod that crashes may find what it lacks; a Deployment counts so too"),
    (None, OVERDUE, "Failed", "as its Deployment does"),
    (None, OUTDATED, "InProgress", "what was overdue is the last template"),
    (REFUSED, DONE, "Failed", "the input is at fault, though the last good pods serve"),
    (Failure(Reason.SERVICE_FAILED, "no"), None, "Failed", "the API server refused an object"),
)


def _object(status: Mapping[str, Any] | None, generation: int = 7, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"generation": generation, **metadata}, "status": dict(status or {})}


def _written(status: Status, before: Mapping[str, Any] | None = None, now: str = NOW) -> dict[str, Any]:
    written = merge_status(before or {}, status, now)
    assert written is not None
    return written


@pytest.mark.parametrize("kind", GATEWAY_KINDS.values(), ids=GATEWAY_KINDS)
@pytest.mark.parametrize(("failure", "rollout", "seen", "why"), GATEWAYS, ids=[case[3] for case in GATEWAYS])
def test_a_gateway_is_seen_as_it_is(
    kind: GatewayKind, failure: Failure | None, rollout: Rollout | None, seen: str, why: str
) -> None:
    written = _written(gateway_status(kind, failure, rollout, 7, "http://url"))
    assert kstatus(_object(written)) == seen, why
    conditions = {condition["type"]: condition for condition in written["conditions"]}
    assert {**conditions["Ready"], "type": kind.ready} == conditions[kind.ready], "Ready is the kind's own"
    unusual = conditions.keys() & {"Reconciling", "Stalled"}
    assert unusual == {"Current": set(), "InProgress": {"Reconciling"}, "Failed": {"Stalled"}}[seen], why


@pytest.mark.parametrize(
    ("failure", "degraded", "seen"),
    [
        (None, None, "Current"),
        (Failure(Reason.UPSTREAM_UNRESOLVED, "no server"), None, "Failed"),
        (None, REFUSED, "Failed"),
    ],
)
def test_a_route_is_seen_as_it_is(failure: Failure | None, degraded: Failure | None, seen: str) -> None:
    gateway = Identity("ToolGateway", "team", "tools")
    route = RoutePlan(Identity("ToolRoute", "team", "files"), 7, gateway, "team__files", failure=failure)
    assert kstatus(_object(_written(route_status(route, degraded, {})))) == seen


def test_our_unusual_conditions_go_and_those_of_others_stay() -> None:
    foreign = {
        "type": "Audited",
        "status": "True",
        "reason": "Seen",
        "message": "",
        "lastTransitionTime": NOW,
    }
    broken = _written(gateway_status(AI_GATEWAY, REFUSED, None, 7, ""), {"conditions": [foreign]})
    rolling = _written(gateway_status(AI_GATEWAY, None, ROLLING, 7, ""), broken, LATER)
    assert kstatus(_object(rolling)) == "InProgress"
    ready = _written(gateway_status(AI_GATEWAY, None, DONE, 7, ""), rolling, LATER)
    assert [found["type"] for found in ready["conditions"]] == [
        "Audited",
        "AiGatewayConfigured",
        "AiGatewayReady",
        "Ready",
    ]


def test_an_edit_that_nobody_has_seen_is_in_progress() -> None:
    written = _written(gateway_status(AI_GATEWAY, None, DONE, 7, ""))
    assert written["observedGeneration"] == 7
    assert kstatus(_object(written, generation=8)) == "InProgress"


def test_a_pruned_generation_is_not_written_for_ever() -> None:
    status = gateway_status(AI_GATEWAY, None, DONE, 7, "")
    written = _written(status)
    assert merge_status(written, status, LATER) is None
    pruned = {"conditions": written["conditions"]}
    assert merge_status(pruned, status, LATER) is None, "as CRDs without the field leave it"
    assert kstatus(_object(pruned)) == "Current"


def test_a_generation_that_is_another_is_restored() -> None:
    status = gateway_status(TOOL_GATEWAY, None, DONE, 7, "http://url")
    written = _written(status)
    again = merge_status({**written, "observedGeneration": 6}, status, LATER)
    assert again is not None
    assert again["observedGeneration"] == 7


def test_a_gateway_that_is_released_bears_nothing_of_ours() -> None:
    theirs = {
        "type": "Stalled",
        "status": "True",
        "reason": "Theirs",
        "message": "",
        "lastTransitionTime": NOW,
    }
    written = _written(gateway_status(AI_GATEWAY, None, ROLLING, 7, ""))
    released = released_gateway({**written, "conditions": [*written["conditions"], theirs]}, AI_GATEWAY)
    assert released == {"conditions": [theirs], "observedGeneration": None}
