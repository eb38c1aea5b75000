"""The generated LiteLLM configuration (spec, "Generated config.yaml")."""

from collections.abc import Iterable, Mapping
from typing import Any

from gateway_components.crds.aigateway import AiModel
from gateway_components.plan.environment import api_key_variable

__all__ = ["ai_config", "model_list"]

_REQUEST_TIMEOUT_SECONDS = 600
_CALLBACKS = ("otel", "prometheus")


def ai_config(models: Iterable[AiModel]) -> dict[str, Any]:
    """Return the configuration of an AiGateway before its patch, keys in the order they are written."""
    return {"model_list": model_list(models), "litellm_settings": litellm_settings()}


def model_list(models: Iterable[AiModel]) -> list[Mapping[str, Any]]:
    """Return LiteLLM's ``model_list``; keys are read from the environment, never written down."""
    return [
        {
            "model_name": model.name,
            "litellm_params": {
                "model": f"{model.provider}/{model.name}",
                "api_key": f"os.environ/{api_key_variable(model.provider)}",
            },
        }
        for model in models
    ]


def litellm_settings() -> dict[str, Any]:
    """Return the settings that every gateway has (operator-reference, "Supported LiteLLM features")."""
    return {"request_timeout": _REQUEST_TIMEOUT_SECONDS, "callbacks": list(_CALLBACKS)}
