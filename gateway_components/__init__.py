"""LiteLLM gateways on Kubernetes as Pulumi components.

The public API: ``from gateway_components import AiGateway, AiGatewayArgs, AiModelArgs``; likewise ``ToolGateway``.

The names are imported on first use, so that the parts that know no Pulumi do not wait for it to load.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway_components.components.ai_args import AiGatewayArgs, AiModelArgs
    from gateway_components.components.gateway import AiGateway, ToolGateway
    from gateway_components.components.gateway_args import MetadataArgs
    from gateway_components.components.guard_args import (
        BedrockGuardArgs,
        BedrockProviderArgs,
        GuardArgs,
        ModerationGuardArgs,
        ModerationProviderArgs,
        PresidioGuardArgs,
        PresidioProviderArgs,
    )
    from gateway_components.components.route import ToolRoute
    from gateway_components.components.tool_args import ToolGatewayArgs, ToolRouteArgs, ToolServerArgs
    from gateway_components.errors import GatewayError, InputError

__all__ = [
    "AiGateway",
    "AiGatewayArgs",
    "AiModelArgs",
    "BedrockGuardArgs",
    "BedrockProviderArgs",
    "GatewayError",
    "GuardArgs",
    "InputError",
    "MetadataArgs",
    "ModerationGuardArgs",
    "ModerationProviderArgs",
    "PresidioGuardArgs",
    "PresidioProviderArgs",
    "ToolGateway",
    "ToolGatewayArgs",
    "ToolRoute",
    "ToolRouteArgs",
    "ToolServerArgs",
]

_MODULES = {
    "AiGateway": "gateway_components.components.gateway",
    "AiGatewayArgs": "gateway_components.components.ai_args",
    "AiModelArgs": "gateway_components.components.ai_args",
    "BedrockGuardArgs": "gateway_components.components.guard_args",
    "BedrockProviderArgs": "gateway_components.components.guard_args",
    "GatewayError": "gateway_components.errors",
    "GuardArgs": "gateway_components.components.guard_args",
    "InputError": "gateway_components.errors",
    "MetadataArgs": "gateway_components.components.gateway_args",
    "ModerationGuardArgs": "gateway_components.components.guard_args",
    "ModerationProviderArgs": "gateway_components.components.guard_args",
    "PresidioGuardArgs": "gateway_components.components.guard_args",
    "PresidioProviderArgs": "gateway_components.components.guard_args",
    "ToolGateway": "gateway_components.components.gateway",
    "ToolGatewayArgs": "gateway_components.components.tool_args",
    "ToolRoute": "gateway_components.components.route",
    "ToolRouteArgs": "gateway_components.components.tool_args",
    "ToolServerArgs": "gateway_components.components.tool_args",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _MODULES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_MODULES[name]), name)
