"""Parameters of OpenAI's moderation, and who gets which key."""

import pytest

from gateway_components.identity import Identity
from gateway_components.plan.findings import WarningReason
from gateway_components.plan.guardrail_params import (
    GuardrailParams,
)
from tests.plan.guardrail_requests import SELECTOR, moderation, refused

KEYS_OF_MODELS = {"name": "api-key-secrets", "key": "OPENAI_API_KEY", "optional": True}


def test_moderation_defaults_to_the_api_key_of_the_models() -> None:
    variable = {"name": "OPENAI_API_KEY", "valueFrom": {"secretKeyRef": KEYS_OF_MODELS}}
    assert moderation(None) == GuardrailParams(
        "openai_moderation",
        {"api_key": "os.environ/OPENAI_API_KEY"},
        tool_calls=False,
        credentials=(variable,),
    )


@pytest.mark.parametrize(
    "url",
    ["https://api.openai.com/v1", "https://API.OPENAI.com:443/v1/", "https://eu.api.openai.com/v1"],
)
def test_openai_at_its_own_address_gets_the_key_of_the_models(url: str) -> None:
    params = moderation({"baseUrl": url})
    assert params.values["api_key"] == "os.environ/OPENAI_API_KEY"


ELSEWHERE = (
    ("http://collector.team-b.svc/v1", "another host"),
    ("https://api.openai.com.evil.example/v1", "a host that begins like theirs"),
    ("https://evil-api.openai.com.example/v1", "a host that has theirs in it"),
    ("https://notapi.openai.com/v1", "a host that ends like theirs"),
    ("http://api.openai.com/v1", "the key would be sent in the clear"),
    ("https://api.openai.com:8443/v1", "another port"),
)


@pytest.mark.parametrize(("url", "why"), ELSEWHERE, ids=[case[1] for case in ELSEWHERE])
def test_another_address_never_gets_the_api_key_of_the_models(url: str, why: str) -> None:
    failure = refused(moderation, {"baseUrl": url})
    assert "OPENAI_API_KEY of Secret api-key-secrets is sent to OpenAI alone" in failure.message, why
    assert "set its spec.openaiModeration.apiKeySecretRef" in failure.cure


def test_a_key_for_another_address_cannot_be_optional() -> None:
    optional = {**SELECTOR, "optional": True}
    elsewhere = moderation({"baseUrl": "https://moderation.example", "apiKeySecretRef": optional})
    (variable,) = elsewhere.credentials
    assert variable["valueFrom"] == {"secretKeyRef": SELECTOR}
    assert [warning.reason for warning in elsewhere.warnings] == [WarningReason.CREDENTIAL_REQUIRED]
    at_openai = moderation({"apiKeySecretRef": optional})
    assert at_openai.credentials[0]["valueFrom"] == {"secretKeyRef": optional}
    assert at_openai.warnings == ()


def test_moderation_with_everything() -> None:
    service = {
        "baseUrl": "https://moderation.example/v1/",
        "apiKeySecretRef": {**SELECTOR, "optional": False},
    }
    params = moderation(service, openaiModeration={"model": "m"})
    (variable,) = params.credentials
    assert list(params.values.items()) == [
        ("model", "m"),
        ("api_base", "https://moderation.example/v1"),
        ("api_key", f"os.environ/{variable['name']}"),
    ]
    assert variable["valueFrom"] == {"secretKeyRef": {**SELECTOR, "optional": False}}
    assert params.secret == Identity("Secret", "team", "moderation")
