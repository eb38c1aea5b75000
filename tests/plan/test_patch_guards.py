"""Guards that were asked for and that a config patch takes away or changes: told, whichever way it goes about it."""

from typing import Any

import pytest

from gateway_components import strict_yaml
from gateway_components.api.kinds import GATEWAY_KINDS
from gateway_components.errors import Finding
from gateway_components.plan.findings import WarningReason
from gateway_components.plan.plan import GatewayPlan, plan
from gateway_components.plan.status import gateway_status
from tests.plan.make import (
    gateway,
    guard,
    guardrail_provider,
    key,
    particular,
    patch_contents,
    snapshot,
    tool_gateway,
    tool_key,
)

PRESIDIO = {
    "guardrail": "presidio",
    "mode": ["pre_call", "post_call"],
    "default_on": True,
    "output_parse_pii": True,
    "presidio_analyzer_api_base": "http://presidio",
    "presidio_anonymizer_api_base": "http://presidio",
    "pii_entities_config": {"PERSON": "MASK"},
}
"""What the Guard ``pii`` becomes."""
TOPICS = {
    "guardrail": "bedrock",
    "mode": ["pre_call"],
    "default_on": True,
    "guardrailIdentifier": "abc",
    "guardrailVersion": "DRAFT",
    "aws_region_name": "eu-central-1",
}
"""And the Guard ``topics``."""


def _entry(name: str, params: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"guardrail_name": name, "litellm_params": params, **others}


BOTH = [_entry("pii", PRESIDIO), _entry("topics", TOPICS)]


def _planned(patch: dict[str, Any]) -> GatewayPlan:
    asking = gateway(patch="patch", guardrails=[{"name": "pii"}, {"name": "topics"}])
    found = snapshot(
        asking,
        guard(mode=["pre_call", "post_call"], presidio={"entityActions": {"PERSON": "MASK"}}),
        guardrail_provider(),
        guard("topics", provider={"name": "aws"}, bedrock={"guardrailId": "abc"}),
        guardrail_provider("aws", type_="bedrock-api", bedrock={"region": "eu-central-1"}),
        contents=patch_contents(strict_yaml.dump(patch)),
    )
    return plan(found).gateways[key()]


def _reported(patch: dict[str, Any]) -> list[Finding]:
    reasons = (WarningReason.GUARD_REMOVED, WarningReason.GUARD_CHANGED)
    return [warning for warning in _planned(patch).warnings if warning.reason in reasons]


REMOVED: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"guardrails": []}, "Guard team/pii, Guard team/topics", "an empty list"),
    ({"guardrails": None}, "Guard team/pii, Guard team/topics", "null deletes the block"),
    ({"guardrails": {}}, "Guard team/pii, Guard team/topics", "LiteLLM finds no list"),
    ({"guardrails": "none"}, "Guard team/pii, Guard team/topics", "nor here"),
    (
        {"guardrails": [_entry("other", {"guardrail": "hide-secrets"})]},
        "Guard team/pii, Guard team/topics",
        "another one",
    ),
    ({"guardrails": [_entry("topics", TOPICS)]}, "Guard team/pii", "one of them is listed again"),
    ({"guardrails": [_entry("PII", PRESIDIO), BOTH[1]]}, "Guard team/pii", "names are compared as they are"),
    (
        {"guardrails": [{**BOTH[0], "guardrail_id": "1"}, {**BOTH[1], "guardrail_id": "1"}]},
        "Guard team/topics",
        "of equal identifiers LiteLLM loads the first",
    ),
)


@pytest.mark.parametrize(("patch", "guards", "why"), REMOVED, ids=[case[2] for case in REMOVED])
def test_a_guard_that_a_patch_takes_away_is_reported(patch: dict[str, Any], guards: str, why: str) -> None:
    (warning,) = _reported(patch)
    assert warning.reason == WarningReason.GUARD_REMOVED, why
    assert warning.text == (
        'configmap "patch" key "patch.yaml": removes guards that spec.guardrails asks for, so they block nothing: '
        + guards
    )
    assert warning.inside is not None
    assert warning.inside.path == ("guardrails",)
    assert warning.cure


def _changed(**params: Any) -> dict[str, Any]:
    changed = {name: value for name, value in {**PRESIDIO, **params}.items() if value is not ...}
    return {"guardrails": [_entry("pii", changed), BOTH[1]]}


CHANGED: tuple[tuple[dict[str, Any], str, str], ...] = (
    (_changed(default_on=False), "default_on", "only who asks for it gets it"),
    (_changed(default_on=...), "default_on", "off is the default"),
    (_changed(default_on="true"), "default_on", "LiteLLM wants a boolean"),
    (_changed(mode=["pre_call"]), "mode", "answers are not looked at"),
    (_changed(mode="logging_only"), "mode", "nothing is held back"),
    (_changed(mode=...), "mode", "there is none"),
    (_changed(guardrail="hide-secrets"), "guardrail", "another one of its name"),
    (_changed(presidio_analyzer_api_base="http://yes-to-all"), "presidio_analyzer_api_base", "another judge"),
    (_changed(pii_entities_config={}), "pii_entities_config", "nothing is looked for"),
    (_changed(presidio_score_thresholds={"ALL": 1}), "presidio_score_thresholds", "nothing is found"),
    (_changed(mock_redacted_text={"text": "ok"}), "mock_redacted_text", "Presidio is not asked"),
)


@pytest.mark.parametrize(("patch", "param", "why"), CHANGED, ids=[case[2] for case in CHANGED])
def test_a_guard_changed_by_a_patch_is_shown_with_what_differs(
    patch: dict[str, Any], param: str, why: str
) -> None:
    (warning,) = _reported(patch)
    assert warning.reason == WarningReason.GUARD_CHANGED, why
    assert warning.text == (
        'configmap "patch" key "patch.yaml": changes the guardrail "pii" of Guard team/pii: '
        f"litellm_params.{param}"
    )


def test_a_guard_reduced_to_its_name_is_reported() -> None:
    (warning,) = _reported({"guardrails": [{"guardrail_name": "pii"}, BOTH[1]]})
    assert all(f"litellm_params.{param}" in warning.text for param in PRESIDIO)


def test_a_replica_that_lets_more_through_is_reported() -> None:
    (warning,) = _reported({"guardrails": [*BOTH, _entry("pii", {**PRESIDIO, "mode": []})]})
    assert warning.text.endswith("litellm_params.mode")


def test_no_value_of_a_patch_is_reported() -> None:
    reported = _reported(_changed(presidio_analyzer_api_base="http://me:hunter2@a"))
    assert "hunter2" not in str(reported)


SWITCHES = (
    (
        {"litellm_settings": {"skip_system_message_in_guardrail": True}},
        "litellm_settings.skip_system_message",
    ),
    (
        {"environment_variables": {"AWS_BEDROCK_RUNTIME_ENDPOINT": "http://yes-to-all"}},
        "environment_variables.AWS_BEDROCK_RUNTIME_ENDPOINT",
    ),
)


@pytest.mark.parametrize(("patch", "reported"), SWITCHES, ids=[case[1] for case in SWITCHES])
def test_a_setting_elsewhere_that_disarms_guards_is_reported(patch: dict[str, Any], reported: str) -> None:
    (warning,) = _reported(patch)
    assert reported in warning.text


HARMLESS: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "an empty patch"),
    ({"router_settings": {"num_retries": 1}}, "a patch of something else"),
    ({"guardrails": BOTH}, "the same again"),
    ({"guardrails": [*reversed(BOTH)]}, "in another order"),
    ({"guardrails": [*BOTH, _entry("other", {"guardrail": "hide-secrets", "mode": "pre_call"})]}, "one more"),
    (_changed(mode=["post_call", "during_call", "pre_call"]), "further modes"),
    ({"guardrails": [_entry("pii", PRESIDIO, guardrail_info={"params": []}), BOTH[1]]}, "a description"),
    ({"litellm_settings": {"skip_system_message_in_guardrail": False}}, "a switch that is off"),
)


@pytest.mark.parametrize(("patch", "why"), HARMLESS, ids=[case[1] for case in HARMLESS])
def test_a_patch_that_keeps_the_guards_is_not_reported(patch: dict[str, Any], why: str) -> None:
    assert _reported(patch) == [], why


def test_a_removed_guard_is_the_first_warning_in_the_condition() -> None:
    planned = _planned({"guardrails": [], "unheard_of": 1, "general_settings": {"master_key": ""}})
    assert planned.warnings[0].reason == WarningReason.GUARD_REMOVED
    status = gateway_status(GATEWAY_KINDS["AiGateway"], None, None, 1, "", planned.warnings)
    message = status.conditions[0]["message"]
    assert "4 warnings, the first: configmap" in message
    assert "Guard team/pii" in message


def test_guards_of_a_tool_gateway_are_looked_after_as_well() -> None:
    found = snapshot(
        tool_gateway(patch="patch", guardrails=[{"name": "pii"}]),
        guard(),
        guardrail_provider(),
        contents=patch_contents("guardrails: []"),
    )
    first, *_ = plan(found).gateways[tool_key()].warnings
    assert first.reason == WarningReason.GUARD_REMOVED


def test_a_guard_the_plan_left_out_is_not_removed_by_a_patch() -> None:
    found = snapshot(
        tool_gateway(patch="patch", guardrails=[{"name": "pii"}]),
        guard(mode=["post_call"]),
        guardrail_provider(),
        contents=patch_contents("guardrails: []"),
    )
    (warning,) = particular(plan(found).gateways[tool_key()])
    assert warning.reason == WarningReason.GUARD_LEFT_OUT
