"""LiteLLM's parameters and credentials, by type of provider."""

from collections.abc import Mapping
from typing import Any

import pytest

from gateway_components.plan.failure import Failure, Reason, WarningReason
from gateway_components.plan.guardrail_params import GuardrailParams, GuardrailRequest, guardrail_params
from gateway_components.plan.keys import Reference
from tests.plan.make import gateway, guard, guardrail_provider

URL = "http://presidio:3000"
SELECTOR = {"name": "moderation", "key": "token"}
KEYS_OF_MODELS = {"name": "api-key-secrets", "key": "OPENAI_API_KEY", "optional": True}
BEDROCK = {"guardrailId": "abc"}


def _params(
    provider: Mapping[str, Any], *, type_: str = "presidio-api", namespace: str = "team", **checks: Any
) -> GuardrailParams:
    found = guardrail_provider(type_=type_, namespace=namespace, **provider)
    return guardrail_params(GuardrailRequest(gateway(), guard(**checks), found, "spec.guardrails[0]"))


def _presidio(**checks: Any) -> GuardrailParams:
    return _params({"presidio": {"baseUrl": URL}}, presidio=checks)


def _moderation(service: Mapping[str, Any] | None, **checks: Any) -> GuardrailParams:
    # A null counts as absent: the provider has no block at all.
    block = {} if service is None else {"openaiModeration": service}
    return _params({**block, "bedrock": None}, type_="openai-moderation-api", **checks)


def _bedrock(
    credentials: Mapping[str, str] | None = None, namespace: str = "team", **checks: Any
) -> GuardrailParams:
    reference = {} if credentials is None else {"credentialsSecretRef": credentials}
    block = {"region": "eu-central-1", **reference}
    return _params(
        {"bedrock": block}, type_="bedrock-api", namespace=namespace, bedrock={**BEDROCK, **checks}
    )


def _refused(make: Any, *arguments: Any, **named: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        make(*arguments, **named)
    assert caught.value.reason == Reason.GUARDRAILS_RESOLUTION_FAILED
    assert caught.value.field == "spec.guardrails[0]"
    assert caught.value.message.startswith("Guard team/pii with GuardrailProvider ")
    assert caught.value.cure
    return caught.value


def test_presidio_with_no_more_than_it_must_have() -> None:
    assert _presidio() == GuardrailParams(
        "presidio",
        {
            "output_parse_pii": True,
            "presidio_analyzer_api_base": URL,
            "presidio_anonymizer_api_base": URL,
        },
    )


def test_presidio_with_everything_has_its_parameters_in_the_documented_order() -> None:
    values = _presidio(
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
    values = _params({"presidio": {"baseUrl": f"{URL}/"}}).values
    assert values["presidio_analyzer_api_base"] == values["presidio_anonymizer_api_base"] == f"{URL}/"


@pytest.mark.parametrize("text", ["high", "", "nan", "inf", "-0.1", "1.1", "0,5", "1e999"])
def test_a_threshold_that_is_no_score_is_refused(text: str) -> None:
    told = _refused(_presidio, scoreThresholds={"PERSON": text}).message
    assert f'spec.presidio.scoreThresholds has "{text}" for PERSON' in told


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("1", 1), ("0.85", 0.85), (" .5 ", 0.5), ("1e-1", 0.1)]
)
def test_a_threshold_from_0_to_1_is_a_number(text: str, value: float) -> None:
    assert _presidio(scoreThresholds={"ALL": text}).values["presidio_score_thresholds"] == {"ALL": value}


@pytest.mark.parametrize("text", ["HIDE", "", "MASK "])
def test_an_action_that_litellm_does_not_start_with_is_refused(text: str) -> None:
    failure = _refused(_presidio, entityActions={"PERSON": text})
    assert f'spec.presidio.entityActions has "{text}" for PERSON' in failure.message
    assert failure.cure == "write MASK or BLOCK"


def test_an_api_key_of_presidio_is_a_warning_because_litellm_sends_none() -> None:
    params = _params({"presidio": {"baseUrl": URL, "apiKeySecretRef": SELECTOR}})
    (warning,) = params.warnings
    assert (warning.reason, warning.field) == (WarningReason.CREDENTIAL_IGNORED, "spec.guardrails[0]")
    assert "GuardrailProvider team/checker" in warning.message
    assert (params.credentials, params.secret) == ((), None)


def test_moderation_without_anything_uses_the_api_key_of_the_models() -> None:
    variable = {"name": "OPENAI_API_KEY", "valueFrom": {"secretKeyRef": KEYS_OF_MODELS}}
    assert _moderation(None) == GuardrailParams(
        "openai_moderation",
        {"api_key": "os.environ/OPENAI_API_KEY"},
        tool_calls=False,
        credentials=(variable,),
    )


def test_moderation_with_everything() -> None:
    service = {
        "baseUrl": "https://moderation.example/v1/",
        "apiKeySecretRef": {**SELECTOR, "optional": False},
    }
    params = _moderation(service, openaiModeration={"model": "m"})
    (variable,) = params.credentials
    assert list(params.values.items()) == [
        ("model", "m"),
        ("api_base", "https://moderation.example/v1"),
        ("api_key", f"os.environ/{variable['name']}"),
    ]
    assert variable["valueFrom"] == {"secretKeyRef": {**SELECTOR, "optional": False}}
    assert params.secret == Reference("Secret", "team", "moderation")


def test_bedrock_without_credentials_uses_the_identity_of_the_pod_and_the_draft() -> None:
    assert _bedrock() == GuardrailParams(
        "bedrock",
        {"guardrailIdentifier": "abc", "guardrailVersion": "DRAFT", "aws_region_name": "eu-central-1"},
    )


def test_bedrock_with_everything() -> None:
    params = _bedrock({"name": "aws"}, guardrailVersion="2")
    names = [variable["name"] for variable in params.credentials]
    assert list(params.values.items()) == [
        ("guardrailIdentifier", "abc"),
        ("guardrailVersion", "2"),
        ("aws_region_name", "eu-central-1"),
        ("aws_access_key_id", f"os.environ/{names[0]}"),
        ("aws_secret_access_key", f"os.environ/{names[1]}"),
    ]
    assert [variable["valueFrom"]["secretKeyRef"] for variable in params.credentials] == [
        {"name": "aws", "key": "aws-access-key-id"},
        {"name": "aws", "key": "aws-secret-access-key"},
    ]
    assert params.secret == Reference("Secret", "team", "aws")


def test_a_secret_in_the_namespace_of_the_gateway_can_be_mounted_wherever_the_provider_is() -> None:
    params = _bedrock({"name": "aws", "namespace": "team"}, namespace="services")
    assert params.secret == Reference("Secret", "team", "aws")


def test_variables_of_two_providers_are_never_the_same() -> None:
    credentials = {"apiKeySecretRef": SELECTOR}
    names = set()
    for name in ("a-b", "a.b", "a--b", "A-B"):
        found = guardrail_provider(name, type_="openai-moderation-api", openaiModeration=credentials)
        params = guardrail_params(GuardrailRequest(gateway(), guard(), found, ""))
        names |= {variable["name"] for variable in params.credentials}
    assert len(names) == 4
    assert all(name.replace("_", "a").isalnum() for name in names)


BLOCKS = (
    ("presidio-api", {"bedrock": {"region": "r"}}, "has the type presidio-api and no spec.presidio"),
    ("bedrock-api", {"presidio": {"baseUrl": URL}}, "has the type bedrock-api and no spec.bedrock"),
)


@pytest.mark.parametrize(("type_", "blocks", "told"), BLOCKS, ids=[case[0] for case in BLOCKS])
def test_a_provider_without_the_block_of_its_type(type_: str, blocks: Any, told: str) -> None:
    assert told in _refused(_params, blocks, type_=type_, bedrock=BEDROCK).message


def test_a_guard_that_names_no_guardrail_of_bedrock() -> None:
    failure = _refused(_params, {"bedrock": {"region": "r"}}, type_="bedrock-api")
    assert "the Guard has no spec.bedrock" in failure.message
    assert "guardrailId is empty" in _refused(_bedrock, guardrailId="").message


def test_bedrock_without_a_region() -> None:
    empty = {"bedrock": {"region": ""}}
    failure = _refused(_params, empty, type_="bedrock-api", bedrock=BEDROCK)
    assert "spec.bedrock.region is empty" in failure.message


URLS = (
    ("presidio", lambda url: _params({"presidio": {"baseUrl": url}})),
    ("openaiModeration", lambda url: _moderation({"baseUrl": url})),
)


@pytest.mark.parametrize(("block", "make"), URLS, ids=[case[0] for case in URLS])
@pytest.mark.parametrize("url", ["ftp://me:hunter2@a", "http://me:hunter2@a", "hunter2:3000", "/hunter2"])
def test_a_url_that_nobody_can_call_names_its_field_and_shows_no_password(
    block: str, make: Any, url: str
) -> None:
    failure = _refused(make, url)
    assert f"the provider's spec.{block}.baseUrl " in failure.message
    assert "hunter2" not in str(failure)


def _moderation_elsewhere() -> GuardrailParams:
    service = {"openaiModeration": {"apiKeySecretRef": SELECTOR}}
    return _params(service, type_="openai-moderation-api", namespace="guards")


UNMOUNTABLE = (
    (_moderation_elsewhere, "guards/moderation", "put Secret and provider into namespace team"),
    (
        lambda: _bedrock({"name": "aws"}, namespace="guards"),
        "guards/aws",
        "put the Secret into namespace team",
    ),
    (lambda: _bedrock({"name": "aws", "namespace": "x"}), "x/aws", "put the Secret into namespace team"),
)


@pytest.mark.parametrize(("make", "secret", "cure"), UNMOUNTABLE, ids=[case[1] for case in UNMOUNTABLE])
def test_a_secret_that_no_pod_of_the_gateway_can_mount(make: Any, secret: str, cure: str) -> None:
    failure = _refused(make)
    assert f"Secret {secret} cannot be mounted: a pod takes Secrets from its own namespace" in failure.message
    assert failure.cure.startswith(cure)


NAMELESS = (
    (lambda: _bedrock({}), "spec.bedrock.credentialsSecretRef has no name"),
    (lambda: _bedrock({"name": "My Secret"}), 'credentialsSecretRef is "My Secret", which is no name'),
    (lambda: _moderation({"apiKeySecretRef": {"key": "k"}}), "apiKeySecretRef has no name"),
    (lambda: _moderation({"apiKeySecretRef": {"name": "s", "key": ""}}), "apiKeySecretRef is empty"),
    (lambda: _moderation({"apiKeySecretRef": {"name": "s", "key": "a b"}}), 'apiKeySecretRef is "a b"'),
)


@pytest.mark.parametrize(("make", "told"), NAMELESS, ids=[case[1] for case in NAMELESS])
def test_a_secret_that_the_api_server_would_refuse_in_the_deployment(make: Any, told: str) -> None:
    assert told in _refused(make).message
