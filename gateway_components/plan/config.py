"""The generated LiteLLM configuration (spec, "Generated config.yaml")."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway_components.crds.aigateway import AiGateway, AiModel
from gateway_components.plan.environment import api_key_variable, from_environment
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.snapshot import Gateway

__all__ = ["check_size", "generated_config", "model_list"]

_REQUEST_TIMEOUT_SECONDS = 600
_CALLBACKS = ("otel", "prometheus")
_LARGEST = 1024 * 1024
"""Bytes that the values of a ConfigMap may have, keys not counted (measured on kube-apiserver 1.36)."""


def generated_config(
    gateway: Gateway, servers: Mapping[str, Mapping[str, Any]], guardrails: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the configuration of a gateway before its patch, keys in the order they are written.

    Parameters
    ----------
    gateway
        An AiGateway has a ``model_list``, a ToolGateway ``mcp_servers``.
    servers
        Entries of ``mcp_servers`` by their key.
    guardrails
        Entries of ``guardrails``; left out where there are none.
    """
    config: dict[str, Any] = (
        {"model_list": model_list(gateway.spec.ai_models)}
        if isinstance(gateway, AiGateway)
        else {"mcp_servers": {key: servers[key] for key in sorted(servers)}}
    )
    config["litellm_settings"] = litellm_settings()
    if guardrails:
        config["guardrails"] = list(guardrails)
    return config


def model_list(models: Iterable[AiModel]) -> list[Mapping[str, Any]]:
    """Return LiteLLM's ``model_list``; keys are read from the environment, never written down."""
    return [
        {
            "model_name": model.name,
            "litellm_params": {
                "model": f"{model.provider}/{model.name}",
                "api_key": from_environment(api_key_variable(model.provider)),
            },
        }
        for model in models
    ]


def litellm_settings() -> dict[str, Any]:
    """Return the settings that every gateway has (operator-reference, "Supported LiteLLM features")."""
    return {"request_timeout": _REQUEST_TIMEOUT_SECONDS, "callbacks": list(_CALLBACKS)}


def check_size(config_yaml: str) -> None:
    """Refuse a configuration that is too large for a ConfigMap.

    Raises
    ------
    Failure
        ``ConfigGenerationFailed``, with the size.
    """
    size = len(config_yaml.encode())
    if size > _LARGEST:
        raise Failure(
            Reason.CONFIG_GENERATION_FAILED,
            f"config.yaml would have {size} bytes, but a ConfigMap holds {_LARGEST}",
            cure="shorten the config patch, or spread models or routes over several gateways",
        )
