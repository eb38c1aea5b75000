"""A program for the real engine: gateways with options whose effect only the engine shows."""

import os

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
)


def note(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    """Add an annotation to Services."""
    if args.type_ != "kubernetes:core/v1:Service":
        return None
    metadata = pulumi.Output.from_input(args.props["metadata"])
    noted = metadata.apply(lambda known: {**known, "annotations": {"seen": args.name}})
    return pulumi.ResourceTransformResult({**args.props, "metadata": noted}, args.opts)


provider = kubernetes.Provider("files", render_yaml_to_directory=os.environ["RENDER_TO"], kubeconfig="")


def options(name: str, first_name: str) -> pulumi.ResourceOptions:
    """Return the options of a gateway that was once called `first_name`."""
    return pulumi.ResourceOptions(
        provider=provider,
        protect=bool(os.environ.get("PROTECT")),
        # Of a run that fails, the server that Pulumi starts for these may print a traceback of its own.
        transforms=[note] if os.environ.get("NOTE") else [],
        aliases=[pulumi.Alias(name=first_name)] if name != first_name else [],
    )


chat_name = os.environ.get("COMPONENT", "chat")
chat = AiGateway(
    chat_name,
    AiGatewayArgs(
        name="chat",
        models=[AiModelArgs(name="gpt-4o", provider="openai")],
        port=pulumi.Output.from_input(int(os.environ.get("GATEWAY_PORT", "80"))),
    ),
    options(chat_name, "chat"),
)
tools_name = os.environ.get("TOOL_COMPONENT", "tools")
tools = ToolGateway(
    tools_name,
    ToolGatewayArgs(
        name="tools",
        routes=[
            ToolRouteArgs(name="weather", server={"name": "weather"}),
            ToolRouteArgs(
                name="news",
                url=pulumi.Output.from_input(os.environ.get("NEWS_URL", "https://news.example.com/sse")),
            ),
        ],
        guardrails=[
            PresidioGuardArgs(
                name="personal-data",
                mode=["pre_call", "post_call"],
                provider=PresidioProviderArgs(base_url="http://presidio:3000"),
            )
        ],
    ),
    options(tools_name, "tools"),
)
pulumi.export("url", chat.url)
pulumi.export("routes", {name: route.url for name, route in tools.routes.items()})
