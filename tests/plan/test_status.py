"""Conditions of gateways."""

from typing import Any

import pytest

from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.kinds import AI_GATEWAY
from gateway_components.plan.status import Rollout, gateway_conditions, merge_conditions, without_conditions

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
        "the Deployment has not taken up the newest configuration yet",
        "the numbers speak of an older template",
    ),
    (
        Rollout(current=True, wanted=2, total=2, updated=1, available=2),
        "1 of 2 replicas updated, 2 available, 1 old ones still there",
        "an old replica still serves in place of a new one",
    ),
    (
        Rollout(current=True, wanted=2, total=2, updated=2, available=1),
        "2 of 2 replicas updated, 1 available",
        "a new replica does not serve yet",
    ),
    (
        Rollout(current=True, wanted=1, total=2, updated=1, available=2),
        "1 of 1 replicas updated, 2 available, 1 old ones still there",
        "an old replica still serves beside the new one",
    ),
)


def _ours(failure: Failure | None = None, rollout: Rollout | None = DONE) -> list[dict[str, Any]]:
    return gateway_conditions(AI_GATEWAY, failure, rollout, 7)


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


@pytest.mark.parametrize(("rollout", "told", "why"), ROLLOUTS, ids=[case[2] for case in ROLLOUTS])
def test_rolling_out_is_configured_and_not_ready(rollout: Rollout | None, told: str, why: str) -> None:
    configured, ready = _ours(rollout=rollout)
    assert configured["status"] == "True", why
    assert (ready["status"], ready["reason"]) == ("False", "DeploymentRollingOut"), why
    assert ready["message"] == told, why


FAILURES = (
    "ConfigGenerationFailed",
    "ConfigPatchInvalid",
    "NameConflict",
    "ConfigMapFailed",
    "DeploymentFailed",
    "ServiceFailed",
    "WorkloadFailed",
)


@pytest.mark.parametrize("reason", FAILURES)
def test_a_failure_makes_both_conditions_false_with_its_reason_and_message(reason: str) -> None:
    failure = Failure(Reason(reason), "it went wrong", field="spec.port", cure="change it")
    for condition in _ours(failure):
        assert (condition["status"], condition["reason"]) == ("False", reason)
        assert condition["message"] == "it went wrong (field spec.port; change it)"
        assert condition["observedGeneration"] == 7


def test_a_message_of_any_length_fits_the_schema() -> None:
    for condition in _ours(Failure(Reason.DEPLOYMENT_FAILED, "é" * 40_000)):
        assert len(condition["message"]) == 32_768


def test_without_a_generation_none_is_observed() -> None:
    assert all(
        "observedGeneration" not in found for found in gateway_conditions(AI_GATEWAY, None, DONE, None)
    )


def _written(failure: Failure | None = None, since: str = EARLIER) -> list[dict[str, Any]]:
    return [{**condition, "lastTransitionTime": since} for condition in _ours(failure)]


def test_new_conditions_begin_now_after_those_of_others() -> None:
    assert merge_conditions([FOREIGN], _ours(), NOW) == [FOREIGN, *_written(since=NOW)]


def test_equal_conditions_need_no_write_however_old_they_are() -> None:
    assert merge_conditions([*_written(), FOREIGN], _ours(), NOW) is None


def test_a_changed_message_keeps_the_time_of_the_last_flip() -> None:
    one, two = (Failure(Reason.SERVICE_FAILED, text) for text in ("one", "two"))
    assert merge_conditions(_written(one), _ours(two), NOW) == _written(two)


def test_a_changed_reason_keeps_the_time_of_the_last_flip() -> None:
    one, two = (Failure(reason, "m") for reason in (Reason.SERVICE_FAILED, Reason.NAME_CONFLICT))
    assert merge_conditions(_written(one), _ours(two), NOW) == _written(two)


def test_a_new_generation_is_written_and_is_no_flip() -> None:
    merged = merge_conditions(_written(), gateway_conditions(AI_GATEWAY, None, DONE, 8), NOW)
    assert merged is not None
    assert [(found["observedGeneration"], found["lastTransitionTime"]) for found in merged] == [
        (8, EARLIER),
        (8, EARLIER),
    ]


def test_only_the_condition_that_flips_gets_a_new_time() -> None:
    merged = merge_conditions(_written(), _ours(rollout=None), NOW)
    assert merged is not None
    assert [(found["status"], found["lastTransitionTime"]) for found in merged] == [
        ("True", EARLIER),
        ("False", NOW),
    ]


def test_a_condition_without_a_time_gets_one() -> None:
    assert merge_conditions(_ours(), _ours(), NOW) == _written(since=NOW)


def test_conditions_of_others_keep_place_and_content() -> None:
    configured, ready = _written()
    merged = merge_conditions([configured, FOREIGN, ready], _ours(rollout=None), NOW)
    assert merged is not None
    assert merged[1] == FOREIGN
    assert [found["type"] for found in merged] == ["AiGatewayConfigured", "Audited", "AiGatewayReady"]


def test_release_takes_our_conditions_and_leaves_those_of_others() -> None:
    assert without_conditions([FOREIGN, *_written()], AI_GATEWAY) == [FOREIGN]
    assert without_conditions([FOREIGN], AI_GATEWAY) is None
    assert without_conditions([], AI_GATEWAY) is None
