"""The generated LiteLLM configuration."""

from gateway_components.crds.aigateway import AiModel
from gateway_components.plan.config import ai_config, model_list


def test_config_of_an_ai_gateway_has_the_documented_content_in_the_documented_order() -> None:
    config = ai_config([AiModel(name="gpt-4o", provider="openai")])
    assert config == {
        "model_list": [
            {
                "model_name": "gpt-4o",
                "litellm_params": {"model": "openai/gpt-4o", "api_key": "os.environ/OPENAI_API_KEY"},
            }
        ],
        "litellm_settings": {"request_timeout": 600, "callbacks": ["otel", "prometheus"]},
    }
    assert list(config) == ["model_list", "litellm_settings"]
    assert list(config["litellm_settings"]) == ["request_timeout", "callbacks"]
    assert list(config["model_list"][0]) == ["model_name", "litellm_params"]
    assert list(config["model_list"][0]["litellm_params"]) == ["model", "api_key"]


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
    first = ai_config([])
    first["litellm_settings"]["callbacks"].append("mine")
    assert ai_config([])["litellm_settings"]["callbacks"] == ["otel", "prometheus"]
