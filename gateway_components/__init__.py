"""LiteLLM gateways on Kubernetes as Pulumi components.

The public API: ``from gateway_components import AiGateway, AiGatewayArgs, AiModelArgs``.

The names are imported on first use, so that the parts that know no Pulumi do not wait for it to load.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway_components.components.args import AiGatewayArgs, AiModelArgs, MetadataArgs
    from gateway_components.components.gateway import AiGateway
    from gateway_components.errors import GatewayError, InputError

__all__ = ["AiGateway", "AiGatewayArgs", "AiModelArgs", "GatewayError", "InputError", "MetadataArgs"]

_MODULES = {
    "AiGateway": "gateway_components.components.gateway",
    "AiGatewayArgs": "gateway_components.components.args",
    "AiModelArgs": "gateway_components.components.args",
    "GatewayError": "gateway_components.errors",
    "InputError": "gateway_components.errors",
    "MetadataArgs": "gateway_components.components.args",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _MODULES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_MODULES[name]), name)
