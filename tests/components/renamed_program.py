"""A program for the real engine: a gateway that keeps its name, made by whichever component the environment says."""

import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

import pulumi

from gateway_components import AiGateway, AiGatewayArgs, AiModelArgs, ToolGateway, ToolGatewayArgs

# The engine interrupts a program whose object the cluster refuses; Python would add a traceback.
signal.signal(signal.SIGINT, signal.SIG_DFL)

NAME = "helpdesk"
MODELS = [AiModelArgs(name=os.environ.get("MODEL", "gpt-4o-mini"), provider="openai")]
NAMESPACE = os.environ["GATEWAY_NAMESPACE"]


def models(component: str, opts: pulumi.ResourceOptions | None = None) -> pulumi.Output[str]:
    """Make the gateway as one of models."""
    args = AiGatewayArgs(name=NAME, namespace=NAMESPACE, models=MODELS, skip_await=True)
    return AiGateway(component, args, opts).url


def tools(component: str) -> pulumi.Output[str]:
    """Make the gateway as one of tools."""
    args = ToolGatewayArgs(name=NAME, namespace=NAMESPACE, routes=[], skip_await=True)
    return ToolGateway(component, args).url


def nested(component: str, aliases: Sequence[pulumi.Alias] = ()) -> pulumi.Output[str]:
    """Make the gateway below another component."""
    above = pulumi.ComponentResource("test:index:Team", "team")
    return models(component, pulumi.ResourceOptions(parent=above, aliases=aliases))


HOW: dict[str, Callable[[], pulumi.Output[Any]]] = {
    "first": lambda: models("assistant"),
    "renamed": lambda: models("support"),
    "renamed with aliases": lambda: models(
        "support", pulumi.ResourceOptions(aliases=[pulumi.Alias(name="assistant")])
    ),
    "below another parent": lambda: nested("assistant"),
    "moved with aliases": lambda: nested(
        "support", [pulumi.Alias(name="support", parent=pulumi.ROOT_STACK_RESOURCE)]
    ),
    "as the other kind": lambda: tools("assistant"),
    "twice": lambda: pulumi.Output.all(models("assistant"), models("support")),
}
pulumi.export("url", HOW[os.environ.get("HOW", "first")]())
