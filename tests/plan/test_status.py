"""Statuses of gateways."""

from typing import Any

import pytest

from gateway_components.api.kinds import AI_GATEWAY, TOOL_GATEWAY
from gateway_components.errors import Finding
from gateway_components.plan.findings import Failure, Reason, WarningReason, plan_warning
from gateway_components.plan.status import (
    Rollout,
    Status,
    gateway_status,
    merge_status,
    released_gateway,
)

NOW, EARLIER = "2025-02-01T00:00:00Z", "2025-01-01T00:00:00Z"
DONE = Rollout(current=True, wanted=1, total=1, updated=1, available=1)
FOREIGN = {
    "type": "Audited",
    "status": "True",
    "reason": "Seen",
    "message": "",
    "lastTransitionTime": EARLIER,
}

ROLLOUTS = (
    (None, "the Deployment does not exist yet", "nothing is there"),
    (
        Rollout(current=False, wanted=1, total=1, updated=1, available=1),
        "the Deployment has not observed the latest configuration yet",
        "the numbers speak of an older template",
    ),
    (
        Rollout(current=True, wanted=2, total=2, updated=1, available=2),
        "1 of 2 replicas updated, 2 available, 1 old ones still running",
        "an old replica still serves in place of a new one",
    ),
    (
        Rollout(current=True, wanted=2, total=2, updated=2, available=1),
        "2 of 2 replicas updated, 1 available",
        "a new replica does not serve yet",
    ),
    (
        Rollout(current=True, wanted=1, total=2, updated=1, available=2),
        "1 of 1 replicas updated, 2 available, 1 old ones still running",
        "an old replica still serves beside the new one",
    ),
)


URL = "http://tools.team.svc.cluster.local"


def _status(
    failure: Failure | None = None, rollout: Rollout | None = DONE, generation: int | None = 7
) -> Status:
    return gateway_status(AI_GATEWAY, failure, rollout, generation, URL)


def _ours(failure: Failure | None = None, rollout: Rollout | None = DONE) -> list[dict[str, Any]]:
    return [dict(condition) for condition in _status(failure, rollout).conditions]


def _merged(existing: list[dict[str, Any]], status: Status) -> list[dict[str, Any]] | None:
    written = merge_status({"conditions": existing}, status, NOW)
    assert written is None or set(written) == {"conditions", "observedGeneration"}
    return list(written["conditions"]) if written else None


def test_applied_and_rolled_out_is_configured_and_ready() -> None:
    assert _ours() == [
        {
            "type": "AiGatewayConfigured",
            "status": "True",
            "reason": "ConfigurationApplied",
            "message": "ConfigMap, Deployment and Service are applied",
            "observedGeneration": 7,
        },
        {
            "type": "AiGatewayReady",
            "status": "True",
            "reason": "AiGatewayReady",
            "message": "1 replica is available",
            "observedGeneration": 7,
        },
    ]


def test_scaled_to_nothing_is_ready() -> None:
    _, ready = _ours(rollout=Rollout(current=True, wanted=0, total=0, updated=0, available=0))
    assert (ready["status"], ready["message"]) == ("True", "0 replicas are available")


@pytest.mark.parametrize(("rollout", "reported", "why"), ROLLOUTS, ids=[case[2] for case in ROLLOUTS])
def test_rolling_out_is_configured_and_not_ready(rollout: Rollout | None, reported: str, why: str) -> None:
    configured, ready = _ours(rollout=rollout)
    assert configured["status"] == "True", why
    assert (ready["status"], ready["reason"]) == ("False", "DeploymentRollingOut"), why
    assert ready["message"] == reported, why


WARNINGS = tuple(
    plan_warning(WarningReason.CONFIG_KEY_UNKNOWN, text, cure="mend it") for text in ("one", "two")
)


def test_warnings_are_reported_as_long_as_they_hold() -> None:
    def said(*warnings: Finding, failure: Failure | None = None) -> str:
        configured = gateway_status(AI_GATEWAY, failure, DONE, 7, URL, warnings).conditions[0]
        message: str = configured["message"]
        return message

    applied = "ConfigMap, Deployment and Service are applied"
    assert said(*WARNINGS) == f"{applied}; 2 warnings, the first: one (mend it)"
    assert said(WARNINGS[1]) == f"{applied}; 1 warning: two (mend it)"
    assert said(*WARNINGS, failure=Failure(Reason.SERVICE_FAILED, "no")) == "no", "nothing was applied"


FAILURES = (
    "ConfigGenerationFailed",
    "GuardrailsResolutionFailed",
    "ConfigPatchInvalid",
    "NameConflict",
    "ConfigMapFailed",
    "DeploymentFailed",
    "ServiceFailed",
    "WorkloadFailed",
)


@pytest.mark.parametrize("reason", FAILURES)
def test_a_failure_makes_both_conditions_false(reason: str) -> None:
    failure = Failure(Reason(reason), "it went wrong", path=("spec", "port"), cure="change it")
    for condition in _ours(failure):
        assert (condition["status"], condition["reason"]) == ("False", reason)
        assert condition["message"] == "it went wrong (field spec.port; change it)"
        assert condition["observedGeneration"] == 7


def test_a_message_without_end_is_cut_and_says_so() -> None:
    for condition in _ours(Failure(Reason.DEPLOYMENT_FAILED, "é" * 40_000)):
        assert len(condition["message"]) < 5_000
        assert "40000 characters" in condition["message"]


def test_without_a_generation_none_is_observed() -> None:
    assert all("observedGeneration" not in found for found in _status(generation=None).conditions)


def _written(failure: Failure | None = None, since: str = EARLIER) -> list[dict[str, Any]]:
    status = _status(failure)
    return [
        {**condition, "lastTransitionTime": since} for condition in (*status.conditions, *status.standard)
    ]


def test_new_conditions_begin_now_after_those_of_others() -> None:
    assert _merged([FOREIGN], _status()) == [FOREIGN, *_written(since=NOW)]


def test_equal_conditions_need_no_write_however_old_they_are() -> None:
    assert _merged([*_written(), FOREIGN], _status()) is None


def test_a_changed_message_keeps_the_time_of_the_last_flip() -> None:
    one, two = (Failure(Reason.SERVICE_FAILED, text) for text in ("one", "two"))
    assert _merged(_written(one), _status(two)) == _written(two)


def test_a_changed_reason_keeps_the_time_of_the_last_flip() -> None:
    one, two = (Failure(reason, "m") for reason in (Reason.SERVICE_FAILED, Reason.NAME_CONFLICT))
    assert _merged(_written(one), _status(two)) == _written(two)


def test_a_new_generation_is_written_and_is_no_flip() -> None:
    merged = _merged(_written(), _status(generation=8))
    assert merged is not None
    assert {(found["observedGeneration"], found["lastTransitionTime"]) for found in merged} == {(8, EARLIER)}


def test_only_the_condition_that_flips_gets_a_new_time() -> None:
    merged = _merged(_written(), _status(rollout=None))
    assert merged is not None
    assert [(found["status"], found["lastTransitionTime"]) for found in merged] == [
        ("True", EARLIER),
        ("False", NOW),
        ("False", NOW),
        ("True", NOW),
    ]


def test_a_condition_without_a_time_gets_one() -> None:
    assert _merged(_ours(), _status()) == _written(since=NOW)


def test_conditions_of_others_keep_place_and_content() -> None:
    configured, ready, _ = _written()
    merged = _merged([configured, FOREIGN, ready], _status(rollout=None))
    assert merged is not None
    assert merged[1] == FOREIGN
    types = [found["type"] for found in merged]
    assert types == ["AiGatewayConfigured", "Audited", "AiGatewayReady", "Ready", "Reconciling"]


def test_a_gateway_without_a_status_gets_one() -> None:
    assert merge_status({}, _status(), NOW) == {"conditions": _written(since=NOW), "observedGeneration": 7}


def test_an_ai_gateway_has_no_url() -> None:
    assert _status().url is None


def _tool_status(failure: Failure | None = None, rollout: Rollout | None = DONE) -> Status:
    return gateway_status(TOOL_GATEWAY, failure, rollout, 7, URL)


def test_a_tool_gateway_has_conditions_of_its_own_names() -> None:
    found = [(entry["type"], entry["status"], entry["reason"]) for entry in _tool_status().conditions]
    assert found == [
        ("ToolGatewayConfigured", "True", "ConfigurationApplied"),
        ("ToolGatewayReady", "True", "ToolGatewayReady"),
    ]


def test_a_tool_gateway_has_its_url_once_it_is_rolled_out() -> None:
    assert _tool_status().url == URL
    assert _tool_status(rollout=None).url == ""
    assert _tool_status(Failure(Reason.NAME_CONFLICT, "m")).url == ""
    for rollout, _, why in ROLLOUTS:
        assert _tool_status(rollout=rollout).url == "", why


def test_a_url_alone_is_reason_enough_to_write() -> None:
    conditions = merge_status({}, _tool_status(), EARLIER)
    assert conditions is not None
    existing = {**conditions, "url": "http://old"}
    assert merge_status(existing, _tool_status(), NOW) == {**existing, "url": URL}
    assert merge_status({**existing, "url": URL}, _tool_status(), NOW) is None


def test_a_missing_url_is_an_empty_one() -> None:
    written = merge_status({}, _tool_status(rollout=None), EARLIER)
    assert written is not None
    assert written.pop("url") == ""
    assert merge_status(written, _tool_status(rollout=None), NOW) is None


def test_release_takes_our_conditions_and_leaves_those_of_others() -> None:
    assert released_gateway({"conditions": [FOREIGN, *_written()]}, AI_GATEWAY) == {"conditions": [FOREIGN]}
    assert released_gateway({}, AI_GATEWAY) is None
    for conditions in (None, [], [FOREIGN]):
        assert released_gateway({"conditions": conditions}, AI_GATEWAY) is None


def test_release_takes_the_url_of_a_tool_gateway_along() -> None:
    ours = merge_status({"conditions": [FOREIGN]}, _tool_status(), EARLIER)
    expected = {"conditions": [FOREIGN], "url": "", "observedGeneration": None}
    assert released_gateway(ours or {}, TOOL_GATEWAY) == expected


FOREIGN_READY = {"type": "ToolGatewayReady", "status": "True", "reason": "Proxied", "message": ""}


def test_release_leaves_a_foreign_status_alone() -> None:
    for conditions in ([], [FOREIGN], [FOREIGN_READY]):
        assert released_gateway({"conditions": conditions, "url": "http://theirs"}, TOOL_GATEWAY) is None
