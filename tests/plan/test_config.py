"""The generated LiteLLM configuration."""

import pytest

from gateway_components.api.gateways import AiModel
from gateway_components.plan.config import check_size, generated_config, literal_faults, model_list
from gateway_components.plan.findings import Failure, Reason
from tests.plan.make import gateway, tool_gateway

LARGEST = 1_048_576
GUARDRAILS = [{"guardrail_name": "b"}, {"guardrail_name": "a"}]
SETTINGS = {"request_timeout": 600, "callbacks": ["otel", "prometheus"]}


def test_ai_gateway_config_has_the_documented_content_and_order() -> None:
    config = generated_config(gateway(), {}, GUARDRAILS)
    assert config == {
        "model_list": [
            {
                "model_name": "gpt-4o",
                "litellm_params": {"model": "openai/gpt-4o", "api_key": "os.environ/OPENAI_API_KEY"},
            }
        ],
        "litellm_settings": SETTINGS,
        "guardrails": GUARDRAILS,
    }
    assert list(config) == ["model_list", "litellm_settings", "guardrails"]
    assert list(config["litellm_settings"]) == ["request_timeout", "callbacks"]
    assert list(config["model_list"][0]) == ["model_name", "litellm_params"]
    assert list(config["model_list"][0]["litellm_params"]) == ["model", "api_key"]


def test_tool_gateway_config_has_servers_and_no_models() -> None:
    config = generated_config(tool_gateway(), {"b": {"url": "2"}, "a": {"url": "1"}}, GUARDRAILS)
    assert config == {
        "mcp_servers": {"a": {"url": "1"}, "b": {"url": "2"}},
        "litellm_settings": SETTINGS,
        "guardrails": GUARDRAILS,
    }
    assert list(config) == ["mcp_servers", "litellm_settings", "guardrails"]
    assert list(config["mcp_servers"]) == ["a", "b"]


def test_without_guards_no_block_and_without_routes_an_empty_one() -> None:
    assert list(generated_config(gateway(), {}, ())) == ["model_list", "litellm_settings"]
    assert generated_config(tool_gateway(), {}, ())["mcp_servers"] == {}


def test_models_keep_their_order_and_their_repetitions() -> None:
    names = ["b", "a", "b"]
    models = model_list(AiModel(name=name, provider="p") for name in names)
    assert [model["model_name"] for model in models] == names


def test_name_and_provider_stay_verbatim_in_the_model() -> None:
    (model,) = model_list([AiModel(name="meta/llama: 3 #é", provider="Together AI")])
    assert model["model_name"] == "meta/llama: 3 #é"
    assert model["litellm_params"]["model"] == "Together AI/meta/llama: 3 #é"
    assert model["litellm_params"]["api_key"] == "os.environ/TOGETHER_AI_API_KEY"


def test_each_call_gives_a_configuration_of_its_own() -> None:
    first = generated_config(gateway(), {}, ())
    first["litellm_settings"]["callbacks"].append("mine")
    assert generated_config(gateway(), {}, ())["litellm_settings"]["callbacks"] == ["otel", "prometheus"]


def test_a_config_of_a_mebibyte_fits_and_a_byte_more_does_not() -> None:
    check_size("x" * LARGEST)
    with pytest.raises(Failure, match=r"config\.yaml would have 1048577 bytes") as caught:
        check_size("x" * (LARGEST + 1))
    assert caught.value.reason == Reason.CONFIG_GENERATION_FAILED
    assert caught.value.cure


def test_the_size_of_a_config_is_that_of_its_bytes() -> None:
    with pytest.raises(Failure, match="1048578 bytes"):
        check_size("é" * (LARGEST // 2 + 1))


def test_a_model_that_names_a_variable_is_refused_with_its_field() -> None:
    models = [
        {"name": "gpt-4o", "provider": "openai"},
        {"name": "os.environ/OTHER", "provider": "openai"},
        {"name": "OTHER", "provider": "os.environ"},
        {"name": "gpt", "provider": "os.environ/OTHER"},
    ]
    faults = literal_faults(generated_config(gateway(aiModels=models), {}, ()))
    assert [fault.field for fault in faults] == [
        "spec.aiModels[1].name",
        "spec.aiModels[2].provider",
        "spec.aiModels[3].provider",
    ]
    assert {fault.reason for fault in faults} == {Reason.CONFIG_GENERATION_FAILED}
    assert all(fault.cure and "OTHER" not in fault.message for fault in faults)


def test_keys_of_models_are_no_fault() -> None:
    assert literal_faults(generated_config(gateway(), {}, ())) == []
