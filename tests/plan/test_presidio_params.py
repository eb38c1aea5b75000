"""Presidio's parameters in LiteLLM."""

import pytest

from gateway_components.plan.findings import WarningReason
from gateway_components.plan.guardrail_params import (
    ANONYMIZER_ANNOTATION,
    GuardrailParams,
    GuardrailRequest,
    guardrail_params,
)
from tests.plan.guardrail_requests import SELECTOR, URL, params_of, presidio, refused
from tests.plan.make import gateway, guard, guardrail_provider


def test_presidio_with_no_more_than_it_must_have() -> None:
    assert presidio() == GuardrailParams(
        "presidio",
        {
            "output_parse_pii": True,
            "presidio_analyzer_api_base": URL,
            "presidio_anonymizer_api_base": URL,
        },
    )


def test_presidio_parameters_have_the_documented_order() -> None:
    values = presidio(
        language="de",
        scoreThresholds={"PERSON": "0.5", "ALL": "1"},
        entityActions={"PERSON": "mask", "CREDIT_CARD": "BLOCK"},
    ).values
    assert list(values.items())[3:] == [
        ("presidio_language", "de"),
        ("presidio_score_thresholds", {"ALL": 1.0, "PERSON": 0.5}),
        ("pii_entities_config", {"CREDIT_CARD": "BLOCK", "PERSON": "MASK"}),
    ]
    assert list(values["presidio_score_thresholds"]) == ["ALL", "PERSON"]
    assert list(values["pii_entities_config"]) == ["CREDIT_CARD", "PERSON"]


def test_the_url_of_presidio_is_verbatim() -> None:
    values = params_of({"presidio": {"baseUrl": f"{URL}/"}}).values
    assert values["presidio_analyzer_api_base"] == values["presidio_anonymizer_api_base"] == f"{URL}/"


def _with_anonymizer(url: str) -> GuardrailParams:
    found = guardrail_provider(annotations={ANONYMIZER_ANNOTATION: url}, presidio={"baseUrl": URL})
    return guardrail_params(GuardrailRequest(gateway(), guard(), found, ("spec", "guardrails", 0)))


def test_the_anonymizer_of_presidio_may_be_another_service() -> None:
    values = _with_anonymizer("http://anonymizer:3000").values
    assert values["presidio_analyzer_api_base"] == URL
    assert values["presidio_anonymizer_api_base"] == "http://anonymizer:3000"
    assert _with_anonymizer("").values["presidio_anonymizer_api_base"] == URL


def test_an_anonymizer_that_nobody_can_call_names_the_annotation() -> None:
    failure = refused(_with_anonymizer, "http://me:hunter2@anonymizer")
    assert f"the provider's metadata.annotations[{ANONYMIZER_ANNOTATION}] holds a user" in failure.message
    assert "hunter2" not in str(failure)


@pytest.mark.parametrize("text", ["high", "", "nan", "inf", "-0.1", "1.1", "0,5", "1e999"])
def test_a_threshold_that_is_no_score_is_refused(text: str) -> None:
    message = refused(presidio, scoreThresholds={"PERSON": text}).message
    assert f'spec.presidio.scoreThresholds has "{text}" for PERSON' in message


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("1", 1), ("0.85", 0.85), (" .5 ", 0.5), ("1e-1", 0.1)]
)
def test_a_threshold_from_0_to_1_is_a_number(text: str, value: float) -> None:
    assert presidio(scoreThresholds={"ALL": text}).values["presidio_score_thresholds"] == {"ALL": value}


@pytest.mark.parametrize("text", ["HIDE", "", "MASK "])
def test_an_action_that_litellm_does_not_start_with_is_refused(text: str) -> None:
    failure = refused(presidio, entityActions={"PERSON": text})
    assert f'spec.presidio.entityActions has "{text}" for PERSON' in failure.message
    assert failure.cure == "write MASK or BLOCK"


def test_an_api_key_of_presidio_is_a_warning() -> None:
    params = params_of({"presidio": {"baseUrl": URL, "apiKeySecretRef": SELECTOR}})
    (warning,) = params.warnings
    assert (warning.reason, warning.field) == (WarningReason.CREDENTIAL_IGNORED, "spec.guardrails[0]")
    assert "GuardrailProvider team/checker" in warning.message
    assert (params.credentials, params.secret) == ((), None)
