"""A namespace with a gateway in front of two MCP servers and one in front of a model, both behind the same guard."""

import pulumi
import pulumi_kubernetes as kubernetes

from gateway_components import (
    AiGateway,
    AiGatewayArgs,
    AiModelArgs,
    PresidioGuardArgs,
    PresidioProviderArgs,
    ToolGateway,
    ToolGatewayArgs,
    ToolRouteArgs,
    ToolServerArgs,
)

config = pulumi.Config()

# Mutable: a changed configuration changes the ConfigMap in place instead of replacing it.
cluster = kubernetes.Provider("cluster", enable_config_map_mutable=True)
there = pulumi.ResourceOptions(provider=cluster)

namespace = kubernetes.core.v1.Namespace("team", metadata={"name": config.require("namespace")}, opts=there)
team = namespace.metadata.name

guards = [
    PresidioGuardArgs(
        name="personal-data",
        mode=["pre_call"],
        provider=PresidioProviderArgs(base_url=config.require("presidioUrl")),
        language="en",
        score_thresholds={"ALL": 0.6},
        entity_actions={"EMAIL_ADDRESS": "MASK", "CREDIT_CARD": "BLOCK"},
    )
]

tools = ToolGateway(
    "tools",
    ToolGatewayArgs(
        namespace=team,
        routes=[
            # A server of the cluster; whoever runs it deploys it.
            ToolRouteArgs(
                name="weather",
                server=ToolServerArgs(name="weather-server", namespace="tool-servers", port=8080),
                allow=["forecast", "current"],
            ),
            # A server anywhere; the path ends in /sse, so it is spoken to by server-sent events.
            ToolRouteArgs(name="news", url="https://news.example.com/sse", deny=["publish"]),
        ],
        guardrails=guards,
    ),
    opts=there,
)
models = AiGateway(
    "models",
    AiGatewayArgs(
        namespace=team,
        models=[AiModelArgs(name="gpt-4o", provider="openai")],
        guardrails=guards,
    ),
    opts=there,
)

pulumi.export("urls", {"models": models.url, "tools": tools.url})
pulumi.export("routes", {name: route.url for name, route in tools.routes.items()})
