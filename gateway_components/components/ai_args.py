"""Typed arguments of `AiGateway`, accepting plain values and Outputs alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from gateway_components.components.gateway_args import GatewayArgs

__all__ = ["AiGatewayArgs", "AiModelArgs"]


@dataclass(frozen=True, kw_only=True)
class AiModelArgs:
    """A model that a gateway serves.

    Attributes
    ----------
    name
        Name of the model, for its provider and for clients of the gateway (``gpt-4o``).
    provider
        LiteLLM's name of the provider (``openai``). Its key is ``OPENAI_API_KEY`` in Secret ``api-key-secrets``.
    """

    name: pulumi.Input[str]
    provider: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class AiGatewayArgs(GatewayArgs):
    """What an `AiGateway` is to serve, and how it is to run (`GatewayArgs`); the fields of that custom resource.

    Attributes
    ----------
    models
        The models, at least one. They end up in a ConfigMap: a secret Output among them is refused.
    port
        Port of the container and the Service, 1 to 65535.
    """

    models: pulumi.Input[Sequence[pulumi.Input[AiModelArgs | Mapping[str, Any]]]]
    port: pulumi.Input[int] = 80
