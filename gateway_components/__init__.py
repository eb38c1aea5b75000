"""LiteLLM gateways on Kubernetes as Pulumi components.

The public API: ``from gateway_components import AiGateway, AiGatewayArgs, AiModelArgs``; likewise ``ToolGateway``.

The names are imported on first use, so that the parts that know no Pulumi do not wait for it to load.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway_components.components.args import (
        AiGatewayArgs,
        AiModelArgs,
        BedrockGuardArgs,
        BedrockProviderArgs,
        GuardArgs,
        MetadataArgs,
        ModerationGuardArgs,
        ModerationProviderArgs,
        PresidioGuardArgs,
        PresidioProviderArgs,
        ToolGatewayArgs,
        ToolRouteArgs,
        ToolServerArgs,
    )
    from gateway_components.components.gateway import AiGateway, ToolGateway, ToolRoute
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

_HOMES = {
    "AiGateway": "components.gateway",
    "GatewayError": "errors",
    "InputError": "errors",
    "ToolGateway": "components.gateway",
    "ToolRoute": "components.gateway",
}
"""Modules of the public names; all others are arguments."""


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'components.args')}"), name)
