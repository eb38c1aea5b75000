"""What holds for the parameters and credentials of every type of provider."""

from typing import Any

import pytest

from gateway_components.plan.findings import Failure
from gateway_components.plan.guardrail_params import (
    _FIELDS,
    GuardrailParams,
    GuardrailRequest,
    guardrail_params,
)
from tests.plan.guardrail_requests import (
    BEDROCK,
    SELECTOR,
    URL,
    bedrock,
    foreign,
    moderation,
    params_of,
    presidio,
    refused,
)
from tests.plan.make import gateway, guard, guardrail_provider


def test_variables_of_two_providers_are_never_the_same() -> None:
    credentials = {"apiKeySecretRef": SELECTOR}
    names = set()
    for name in ("a-b", "a.b", "a--b", "A-B"):
        found = guardrail_provider(name, type_="openai-moderation-api", openaiModeration=credentials)
        params = guardrail_params(GuardrailRequest(gateway(), guard(), found, ()))
        names |= {variable["name"] for variable in params.credentials}
    assert len(names) == 4
    assert all(name.replace("_", "a").isalnum() for name in names)


STOLEN = "os.environ/OPENAI_API_KEY"


KEYED = {"apiKeySecretRef": SELECTOR}


TAKEN = (
    (lambda: presidio(language=STOLEN), "the Guard's spec.presidio.language"),
    (lambda: presidio(scoreThresholds={STOLEN: "1"}), "the Guard's spec.presidio.scoreThresholds"),
    (lambda: presidio(entityActions={STOLEN: "MASK"}), "the Guard's spec.presidio.entityActions"),
    (
        lambda: moderation(KEYED, openaiModeration={"model": STOLEN}),
        "the Guard's spec.openaiModeration.model",
    ),
)


@pytest.mark.parametrize(("make", "field"), TAKEN, ids=[case[1] for case in TAKEN])
def test_a_text_that_names_a_variable_is_refused(make: Any, field: str) -> None:
    failure = refused(make)
    assert f"{field} begins with os.environ/" in failure.message
    assert STOLEN not in str(failure)


def test_every_text_of_a_guard_has_a_field() -> None:
    everything = (
        presidio(language="de", scoreThresholds={"ALL": "1"}, entityActions={"PERSON": "MASK"}),
        moderation({"baseUrl": "https://m.example", **KEYED}, openaiModeration={"model": "m"}),
        bedrock({"name": "aws"}),
    )
    ours = {"output_parse_pii", "api_key", "aws_access_key_id", "aws_secret_access_key"}
    assert {name for params in everything for name in params.values} - ours == set(_FIELDS)


PRIVATE = "private-text"


LEAKS = (
    (lambda: foreign({"presidio": {"baseUrl": URL}}, presidio={"scoreThresholds": {PRIVATE: PRIVATE}})),
    (lambda: foreign({"presidio": {"baseUrl": URL}}, presidio={"entityActions": {PRIVATE: PRIVATE}})),
    (lambda: foreign({"presidio": {"baseUrl": f"ftp://{PRIVATE}"}})),
    (lambda: foreign({"bedrock": {"region": PRIVATE}}, type_="bedrock-api", bedrock=BEDROCK)),
    (
        lambda: foreign(
            {"bedrock": {"region": "eu-central-1"}},
            type_="bedrock-api",
            bedrock={"guardrailId": f"{PRIVATE}/"},
        )
    ),
    (
        lambda: foreign(
            {"openaiModeration": {"apiKeySecretRef": {"name": PRIVATE, "key": PRIVATE}}},
            type_="openai-moderation-api",
        )
    ),
    (
        lambda: foreign(
            {"bedrock": {"region": "eu-central-1", "credentialsSecretRef": {"name": f"{PRIVATE}!"}}},
            type_="bedrock-api",
            bedrock=BEDROCK,
        )
    ),
)


@pytest.mark.parametrize("make", LEAKS, ids=range(len(LEAKS)))
def test_values_of_another_namespace_are_hidden_from_the_owner(make: Any) -> None:
    with pytest.raises(Failure) as caught:
        make()
    message = str(caught.value)
    assert PRIVATE not in message
    assert message.startswith("Guard theirs/pii with GuardrailProvider theirs/checker: ")
    assert " spec." in message


BLOCKS = (
    ("presidio-api", {"bedrock": {"region": "r"}}, "has the type presidio-api and no spec.presidio"),
    ("bedrock-api", {"presidio": {"baseUrl": URL}}, "has the type bedrock-api and no spec.bedrock"),
)


@pytest.mark.parametrize(("type_", "blocks", "message"), BLOCKS, ids=[case[0] for case in BLOCKS])
def test_a_provider_without_the_block_of_its_type(type_: str, blocks: Any, message: str) -> None:
    assert message in refused(params_of, blocks, type_=type_, bedrock=BEDROCK).message


URLS = (
    ("presidio", lambda url: params_of({"presidio": {"baseUrl": url}})),
    ("openaiModeration", lambda url: moderation({"baseUrl": url})),
)


@pytest.mark.parametrize(("block", "make"), URLS, ids=[case[0] for case in URLS])
@pytest.mark.parametrize("url", ["ftp://me:hunter2@a", "http://me:hunter2@a", "hunter2:3000", "/hunter2"])
def test_a_url_nobody_can_call_is_shown_without_its_password(block: str, make: Any, url: str) -> None:
    failure = refused(make, url)
    assert f"the provider's spec.{block}.baseUrl " in failure.message
    assert "hunter2" not in str(failure)


def _moderation_elsewhere() -> GuardrailParams:
    service = {"openaiModeration": {"apiKeySecretRef": SELECTOR}}
    return params_of(service, type_="openai-moderation-api", namespace="guards")


UNMOUNTABLE = (
    (
        _moderation_elsewhere,
        "the Secret in the provider's spec.openaiModeration.apiKeySecretRef",
        "put Secret and provider into namespace team",
    ),
    (
        lambda: bedrock({"name": "aws"}, namespace="guards"),
        "the Secret in the provider's spec.bedrock.credentialsSecretRef",
        "put the Secret into namespace team",
    ),
    (
        lambda: bedrock({"name": "aws", "namespace": "x"}),
        "Secret x/aws",
        "put the Secret into namespace team",
    ),
)


@pytest.mark.parametrize(("make", "secret", "cure"), UNMOUNTABLE, ids=[case[1] for case in UNMOUNTABLE])
def test_a_secret_that_no_pod_of_the_gateway_can_mount(make: Any, secret: str, cure: str) -> None:
    failure = refused(make)
    assert f"{secret} cannot be mounted: a pod takes Secrets from its own namespace" in failure.message
    assert failure.cure.startswith(cure)


NAMELESS = (
    (lambda: bedrock({}), "spec.bedrock.credentialsSecretRef has no name"),
    (
        lambda: bedrock({"name": "My Secret"}),
        'credentialsSecretRef is "My Secret", which is not a valid object name',
    ),
    (lambda: moderation({"apiKeySecretRef": {"key": "k"}}), "apiKeySecretRef has no name"),
    (lambda: moderation({"apiKeySecretRef": {"name": "s", "key": ""}}), "apiKeySecretRef is empty"),
    (lambda: moderation({"apiKeySecretRef": {"name": "s", "key": "a b"}}), 'apiKeySecretRef is "a b"'),
)


@pytest.mark.parametrize(("make", "message"), NAMELESS, ids=[case[1] for case in NAMELESS])
def test_a_secret_that_a_deployment_cannot_name_is_refused(make: Any, message: str) -> None:
    assert message in refused(make).message
