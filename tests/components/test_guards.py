from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from pulumi_kubernetes.core.v1 import LocalObjectReferenceArgs, SecretKeySelectorArgs

from gateway_components import (
    AiGateway,
    AiGatewayArgs,
    BedrockGuardArgs,
    BedrockProviderArgs,
    ModerationGuardArgs,
    ModerationProviderArgs,
    PresidioGuardArgs,
    PresidioProviderArgs,
    ToolGateway,
    ToolGatewayArgs,
    strict_yaml,
)
from tests.components.recorder import SECRET, Recorder, run

MODELS = [{"name": "gpt-4o", "provider": "openai"}]
PRESIDIO = PresidioProviderArgs(base_url="http://presidio:3000")
PERSONAL = PresidioGuardArgs(
    name="personal-data",
    mode=["pre_call", "post_call"],
    provider=PRESIDIO,
    language="de",
    score_thresholds={"ALL": 0.5, "CREDIT_CARD": "0.9"},
    entity_actions={"CREDIT_CARD": "BLOCK"},
)
MODERATION = ModerationGuardArgs(
    name="moderation",
    mode=["pre_call"],
    provider=ModerationProviderArgs(
        base_url="https://eu.api.openai.com/v1",
        api_key_secret_ref=SecretKeySelectorArgs(name="moderation-key", key="token"),
    ),
    model="omni-moderation-latest",
)
BEDROCK = BedrockGuardArgs(
    name="bedrock",
    mode=["during_call"],
    provider=BedrockProviderArgs(
        region="eu-central-1", credentials_secret_ref=LocalObjectReferenceArgs(name="aws")
    ),
    guardrail_id="abc123",
    guardrail_version="7",
)
AS_MAPS: list[dict[str, Any]] = [
    {
        "name": "personal-data",
        "mode": ["pre_call", "post_call"],
        "provider": {"type": "presidio-api", "base_url": "http://presidio:3000"},
        "language": "de",
        "score_thresholds": {"ALL": 0.5, "CREDIT_CARD": "0.9"},
        "entity_actions": {"CREDIT_CARD": "BLOCK"},
    },
    {
        "name": "moderation",
        "mode": ["pre_call"],
        "provider": {
            "type": "openai-moderation-api",
            "base_url": "https://eu.api.openai.com/v1",
            "api_key_secret_ref": {"name": "moderation-key", "key": "token"},
        },
        "model": "omni-moderation-latest",
    },
    {
        "name": "bedrock",
        "mode": ["during_call"],
        "provider": {
            "type": "bedrock-api",
            "region": "eu-central-1",
            "credentials_secret_ref": {"name": "aws"},
        },
        "guardrail_id": "abc123",
        "guardrail_version": "7",
    },
]


def chat(guardrails: Callable[[], Any]) -> Recorder:
    return run(lambda: AiGateway("chat", AiGatewayArgs(models=MODELS, guardrails=guardrails())).url)


def entries(recorder: Recorder) -> Any:
    return strict_yaml.parse(recorder.inputs("ConfigMap")["data"]["config.yaml"])["guardrails"]


def variables(recorder: Recorder) -> dict[str, Any]:
    (container,) = recorder.inputs("Deployment")["spec"]["template"]["spec"]["containers"]
    return {variable["name"]: variable.get("valueFrom") for variable in container["env"]}


def late(value: Any) -> Any:
    """Return `value` with every part of it as an Output."""
    if isinstance(value, dict):
        value = {key: late(part) for key, part in value.items()}
    if isinstance(value, list):
        value = [late(part) for part in value]
    return pulumi.Output.from_input(0).apply(lambda _: value)


def test_every_guard_is_an_entry_of_the_configuration() -> None:
    personal, moderation, bedrock = entries(chat(lambda: [PERSONAL, MODERATION, BEDROCK]))
    assert personal == {
        "guardrail_name": "personal-data",
        "litellm_params": {
            "guardrail": "presidio",
            "mode": ["pre_call", "post_call"],
            "default_on": True,
            "output_parse_pii": True,
            "presidio_analyzer_api_base": "http://presidio:3000",
            "presidio_anonymizer_api_base": "http://presidio:3000",
            "presidio_language": "de",
            "presidio_score_thresholds": {"ALL": 0.5, "CREDIT_CARD": 0.9},
            "pii_entities_config": {"CREDIT_CARD": "BLOCK"},
        },
    }
    assert moderation["guardrail_name"] == "moderation"
    assert moderation["litellm_params"]["guardrail"] == "openai_moderation"
    assert moderation["litellm_params"]["model"] == "omni-moderation-latest"
    assert moderation["litellm_params"]["api_base"] == "https://eu.api.openai.com/v1"
    assert bedrock["litellm_params"]["guardrail"] == "bedrock"
    assert bedrock["litellm_params"]["mode"] == ["during_call"]
    assert bedrock["litellm_params"]["guardrailIdentifier"] == "abc123"
    assert bedrock["litellm_params"]["guardrailVersion"] == "7"
    assert bedrock["litellm_params"]["aws_region_name"] == "eu-central-1"


def test_the_anonymizer_of_presidio_may_be_another_service() -> None:
    provider = PresidioProviderArgs(base_url="http://analyzer", anonymizer_url="http://anonymizer")
    guard = PresidioGuardArgs(name="pii", mode=["pre_call"], provider=provider)
    (entry,) = entries(chat(lambda: [guard]))
    assert entry["litellm_params"]["presidio_analyzer_api_base"] == "http://analyzer"
    assert entry["litellm_params"]["presidio_anonymizer_api_base"] == "http://anonymizer"


def test_credentials_come_as_variables_from_secrets() -> None:
    recorder = chat(lambda: [MODERATION, BEDROCK])
    moderation, bedrock = (entry["litellm_params"] for entry in entries(recorder))
    known = variables(recorder)
    for params, parameter, secret, key in (
        (moderation, "api_key", "moderation-key", "token"),
        (bedrock, "aws_access_key_id", "aws", "aws-access-key-id"),
        (bedrock, "aws_secret_access_key", "aws", "aws-secret-access-key"),
    ):
        variable = params[parameter].removeprefix("os.environ/")
        assert known[variable]["secretKeyRef"] == {"name": secret, "key": key}


@pytest.mark.parametrize("given", [lambda maps: maps, late], ids=["maps", "outputs"])
def test_guards_may_be_args_classes_maps_and_outputs_alike(given: Callable[[Any], Any]) -> None:
    as_classes = chat(lambda: [PERSONAL, MODERATION, BEDROCK])
    other = chat(lambda: given(AS_MAPS))
    for kind in ("ConfigMap", "Deployment", "Service"):
        assert other.inputs(kind) == as_classes.inputs(kind)


def test_a_map_of_a_guard_may_hold_a_provider_of_an_args_class() -> None:
    (entry,) = entries(chat(lambda: [{"name": "pii", "mode": ["pre_call"], "provider": late_provider()}]))
    assert entry["litellm_params"]["presidio_analyzer_api_base"] == "http://presidio:3000"


def late_provider() -> Any:
    return pulumi.Output.from_input(0).apply(lambda _: PRESIDIO)


def test_guards_may_share_a_provider() -> None:
    guards = [
        PresidioGuardArgs(name="german", mode=["pre_call"], provider=PRESIDIO, language="de"),
        PresidioGuardArgs(name="english", mode=["pre_call"], provider=PRESIDIO, language="en"),
    ]
    names = [entry["guardrail_name"] for entry in entries(chat(lambda: guards))]
    assert names == ["german", "english"]


def test_a_tool_gateway_warns_of_a_mode_that_it_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi, "warn", said.append)
    recorder = run(lambda: ToolGateway("tools", ToolGatewayArgs(guardrails=[PERSONAL])).url)
    (entry,) = entries(recorder)
    assert entry["litellm_params"]["mode"] == ["pre_mcp_call"]
    assert any(
        warning.startswith('ToolGateway "tools": guardrails[0]: ') and "post_call" in warning
        for warning in said
    )


def test_a_guard_that_fits_no_tool_call_is_left_out_and_warned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi, "warn", said.append)
    recorder = run(lambda: ToolGateway("tools", ToolGatewayArgs(guardrails=[MODERATION])).url)
    assert "guardrails" not in strict_yaml.parse(recorder.inputs("ConfigMap")["data"]["config.yaml"])
    (warning,) = (text for text in said if "the callback otel" not in text)
    assert warning.startswith('ToolGateway "tools": guardrails[0]: Guard default/moderation is left out')


def test_a_name_of_a_secret_is_no_secret() -> None:
    recorder = chat(lambda: [MODERATION, BEDROCK])
    assert SECRET not in str([recorder.inputs(kind) for kind in ("ConfigMap", "Deployment", "Service")])
