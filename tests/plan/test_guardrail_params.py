"""LiteLLM's parameters and credentials, by type of provider."""

from collections.abc import Mapping
from typing import Any

import pytest

from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason, WarningReason
from gateway_components.plan.guardrail_params import (
    _FIELDS,
    ANONYMIZER_ANNOTATION,
    GuardrailParams,
    GuardrailRequest,
    guardrail_params,
)
from tests.plan.make import gateway, guard, guardrail_provider

URL = "http://presidio:3000"
SELECTOR = {"name": "moderation", "key": "token"}
KEYS_OF_MODELS = {"name": "api-key-secrets", "key": "OPENAI_API_KEY", "optional": True}
BEDROCK = {"guardrailId": "abc"}


def _params(
    provider: Mapping[str, Any], *, type_: str = "presidio-api", namespace: str = "team", **checks: Any
) -> GuardrailParams:
    found = guardrail_provider(type_=type_, namespace=namespace, **provider)
    return guardrail_params(GuardrailRequest(gateway(), guard(**checks), found, ("spec", "guardrails", 0)))


def _foreign(provider: Mapping[str, Any], *, type_: str = "presidio-api", **checks: Any) -> GuardrailParams:
    """Return the parameters of a Guard and a provider in a namespace that is not that of the gateway."""
    found = guardrail_provider(type_=type_, namespace="theirs", **provider)
    asked = GuardrailRequest(gateway(), guard(namespace="theirs", **checks), found, ("spec", "guardrails", 0))
    return guardrail_params(asked)


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


def test_presidio_parameters_have_the_documented_order() -> None:
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


def _with_anonymizer(url: str) -> GuardrailParams:
    found = guardrail_provider(annotations={ANONYMIZER_ANNOTATION: url}, presidio={"baseUrl": URL})
    return guardrail_params(GuardrailRequest(gateway(), guard(), found, ("spec", "guardrails", 0)))


def test_the_anonymizer_of_presidio_may_be_another_service() -> None:
    values = _with_anonymizer("http://anonymizer:3000").values
    assert values["presidio_analyzer_api_base"] == URL
    assert values["presidio_anonymizer_api_base"] == "http://anonymizer:3000"
    assert _with_anonymizer("").values["presidio_anonymizer_api_base"] == URL


def test_an_anonymizer_that_nobody_can_call_names_the_annotation() -> None:
    failure = _refused(_with_anonymizer, "http://me:hunter2@anonymizer")
    assert f"the provider's metadata.annotations[{ANONYMIZER_ANNOTATION}] holds a user" in failure.message
    assert "hunter2" not in str(failure)


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


def test_an_api_key_of_presidio_is_a_warning() -> None:
    params = _params({"presidio": {"baseUrl": URL, "apiKeySecretRef": SELECTOR}})
    (warning,) = params.warnings
    assert (warning.reason, warning.field) == (WarningReason.CREDENTIAL_IGNORED, "spec.guardrails[0]")
    assert "GuardrailProvider team/checker" in warning.message
    assert (params.credentials, params.secret) == ((), None)


def test_moderation_defaults_to_the_api_key_of_the_models() -> None:
    variable = {"name": "OPENAI_API_KEY", "valueFrom": {"secretKeyRef": KEYS_OF_MODELS}}
    assert _moderation(None) == GuardrailParams(
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
    params = _moderation({"baseUrl": url})
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
    failure = _refused(_moderation, {"baseUrl": url})
    assert "OPENAI_API_KEY of Secret api-key-secrets is sent to OpenAI alone" in failure.message, why
    assert "set its spec.openaiModeration.apiKeySecretRef" in failure.cure


def test_a_key_for_another_address_cannot_be_optional() -> None:
    optional = {**SELECTOR, "optional": True}
    elsewhere = _moderation({"baseUrl": "https://moderation.example", "apiKeySecretRef": optional})
    (variable,) = elsewhere.credentials
    assert variable["valueFrom"] == {"secretKeyRef": SELECTOR}
    assert [warning.reason for warning in elsewhere.warnings] == [WarningReason.CREDENTIAL_REQUIRED]
    at_openai = _moderation({"apiKeySecretRef": optional})
    assert at_openai.credentials[0]["valueFrom"] == {"secretKeyRef": optional}
    assert at_openai.warnings == ()


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
    assert params.secret == Identity("Secret", "team", "moderation")


def test_bedrock_defaults_to_the_pods_identity_and_the_draft() -> None:
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
    assert params.secret == Identity("Secret", "team", "aws")


def test_a_secret_is_taken_from_the_namespace_of_the_gateway() -> None:
    params = _bedrock({"name": "aws", "namespace": "team"}, namespace="services")
    assert params.secret == Identity("Secret", "team", "aws")


def test_variables_of_two_providers_are_never_the_same() -> None:
    credentials = {"apiKeySecretRef": SELECTOR}
    names = set()
    for name in ("a-b", "a.b", "a--b", "A-B"):
        found = guardrail_provider(name, type_="openai-moderation-api", openaiModeration=credentials)
        params = guardrail_params(GuardrailRequest(gateway(), guard(), found, ()))
        names |= {variable["name"] for variable in params.credentials}
    assert len(names) == 4
    assert all(name.replace("_", "a").isalnum() for name in names)


NO_REGIONS = [
    "x.evil.example/",
    "us-east-1.evil.example",
    "us-east-1/",
    "us-east",
    "US-EAST-1",
    "r",
    "us-east-1\n",
]


@pytest.mark.parametrize("region", [*NO_REGIONS, "os.environ/AWS_SECRET_ACCESS_KEY", "eu-central-1#"])
def test_what_is_no_region_of_aws_is_refused(region: str) -> None:
    failure = _refused(_params, {"bedrock": {"region": region}}, type_="bedrock-api", bedrock=BEDROCK)
    assert f'the provider\'s spec.bedrock.region is "{region}", which is no AWS region' in failure.message
    assert failure.cure == "write one such as eu-central-1"


REGIONS = [
    "us-east-1",
    "ap-southeast-7",
    "us-gov-west-1",
    "cn-northwest-1",
    "us-isob-east-1",
    "eusc-de-east-1",
]


@pytest.mark.parametrize("region", REGIONS)
def test_regions_of_all_partitions_of_aws_pass(region: str) -> None:
    params = _params({"bedrock": {"region": region}}, type_="bedrock-api", bedrock=BEDROCK)
    assert params.values["aws_region_name"] == region


ARN = "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:guardrail/abc123"


@pytest.mark.parametrize("id_", ["abc123", "gr-1", ARN])
def test_an_identifier_of_a_guardrail_passes(id_: str) -> None:
    assert _bedrock(guardrailId=id_).values["guardrailIdentifier"] == id_


@pytest.mark.parametrize(
    "id_", ["../x", "a/b", "a?b", "a b", "os.environ/X", f"{ARN}/x", "a" * 65, "-a", "abc\n"]
)
def test_what_is_no_identifier_of_a_guardrail_is_refused(id_: str) -> None:
    told = _refused(_bedrock, guardrailId=id_).message
    assert f'the Guard\'s spec.bedrock.guardrailId is "{id_}", which is no identifier of a guardrail' in told


@pytest.mark.parametrize("version", ["1/../..", "draft", "0", "v1", "os.environ/X", "1 "])
def test_what_is_no_version_of_a_guardrail_is_refused(version: str) -> None:
    told = _refused(_bedrock, guardrailVersion=version).message
    assert f'the Guard\'s spec.bedrock.guardrailVersion is "{version}", which is no version' in told


STOLEN = "os.environ/OPENAI_API_KEY"
KEYED = {"apiKeySecretRef": SELECTOR}
TAKEN = (
    (lambda: _presidio(language=STOLEN), "the Guard's spec.presidio.language"),
    (lambda: _presidio(scoreThresholds={STOLEN: "1"}), "the Guard's spec.presidio.scoreThresholds"),
    (lambda: _presidio(entityActions={STOLEN: "MASK"}), "the Guard's spec.presidio.entityActions"),
    (
        lambda: _moderation(KEYED, openaiModeration={"model": STOLEN}),
        "the Guard's spec.openaiModeration.model",
    ),
)


@pytest.mark.parametrize(("make", "field"), TAKEN, ids=[case[1] for case in TAKEN])
def test_a_text_that_names_a_variable_is_refused(make: Any, field: str) -> None:
    failure = _refused(make)
    assert f"{field} begins with os.environ/" in failure.message
    assert STOLEN not in str(failure)


def test_every_text_of_a_guard_has_a_field_to_be_told_by() -> None:
    everything = (
        _presidio(language="de", scoreThresholds={"ALL": "1"}, entityActions={"PERSON": "MASK"}),
        _moderation({"baseUrl": "https://m.example", **KEYED}, openaiModeration={"model": "m"}),
        _bedrock({"name": "aws"}),
    )
    ours = {"output_parse_pii", "api_key", "aws_access_key_id", "aws_secret_access_key"}
    assert {name for params in everything for name in params.values} - ours == set(_FIELDS)


PRIVATE = "private-text"
LEAKS = (
    (lambda: _foreign({"presidio": {"baseUrl": URL}}, presidio={"scoreThresholds": {PRIVATE: PRIVATE}})),
    (lambda: _foreign({"presidio": {"baseUrl": URL}}, presidio={"entityActions": {PRIVATE: PRIVATE}})),
    (lambda: _foreign({"presidio": {"baseUrl": f"ftp://{PRIVATE}"}})),
    (lambda: _foreign({"bedrock": {"region": PRIVATE}}, type_="bedrock-api", bedrock=BEDROCK)),
    (
        lambda: _foreign(
            {"bedrock": {"region": "eu-central-1"}},
            type_="bedrock-api",
            bedrock={"guardrailId": f"{PRIVATE}/"},
        )
    ),
    (
        lambda: _foreign(
            {"openaiModeration": {"apiKeySecretRef": {"name": PRIVATE, "key": PRIVATE}}},
            type_="openai-moderation-api",
        )
    ),
    (
        lambda: _foreign(
            {"bedrock": {"region": "eu-central-1", "credentialsSecretRef": {"name": f"{PRIVATE}!"}}},
            type_="bedrock-api",
            bedrock=BEDROCK,
        )
    ),
)


@pytest.mark.parametrize("make", LEAKS, ids=range(len(LEAKS)))
def test_values_of_another_namespace_are_not_told_to_the_owner(make: Any) -> None:
    with pytest.raises(Failure) as caught:
        make()
    told = str(caught.value)
    assert PRIVATE not in told
    assert told.startswith("Guard theirs/pii with GuardrailProvider theirs/checker: ")
    assert " spec." in told


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
def test_a_url_nobody_can_call_is_told_without_its_password(block: str, make: Any, url: str) -> None:
    failure = _refused(make, url)
    assert f"the provider's spec.{block}.baseUrl " in failure.message
    assert "hunter2" not in str(failure)


def _moderation_elsewhere() -> GuardrailParams:
    service = {"openaiModeration": {"apiKeySecretRef": SELECTOR}}
    return _params(service, type_="openai-moderation-api", namespace="guards")


UNMOUNTABLE = (
    (
        _moderation_elsewhere,
        "the Secret in the provider's spec.openaiModeration.apiKeySecretRef",
        "put Secret and provider into namespace team",
    ),
    (
        lambda: _bedrock({"name": "aws"}, namespace="guards"),
        "the Secret in the provider's spec.bedrock.credentialsSecretRef",
        "put the Secret into namespace team",
    ),
    (
        lambda: _bedrock({"name": "aws", "namespace": "x"}),
        "Secret x/aws",
        "put the Secret into namespace team",
    ),
)


@pytest.mark.parametrize(("make", "secret", "cure"), UNMOUNTABLE, ids=[case[1] for case in UNMOUNTABLE])
def test_a_secret_that_no_pod_of_the_gateway_can_mount(make: Any, secret: str, cure: str) -> None:
    failure = _refused(make)
    assert f"{secret} cannot be mounted: a pod takes Secrets from its own namespace" in failure.message
    assert failure.cure.startswith(cure)


NAMELESS = (
    (lambda: _bedrock({}), "spec.bedrock.credentialsSecretRef has no name"),
    (lambda: _bedrock({"name": "My Secret"}), 'credentialsSecretRef is "My Secret", which is no name'),
    (lambda: _moderation({"apiKeySecretRef": {"key": "k"}}), "apiKeySecretRef has no name"),
    (lambda: _moderation({"apiKeySecretRef": {"name": "s", "key": ""}}), "apiKeySecretRef is empty"),
    (lambda: _moderation({"apiKeySecretRef": {"name": "s", "key": "a b"}}), 'apiKeySecretRef is "a b"'),
)


@pytest.mark.parametrize(("make", "told"), NAMELESS, ids=[case[1] for case in NAMELESS])
def test_a_secret_that_a_deployment_cannot_name_is_refused(make: Any, told: str) -> None:
    assert told in _refused(make).message
