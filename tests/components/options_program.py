"""A program for the real engine: a gateway with options whose effect only the engine shows."""

import os

import pulumi
import pulumi_kubernetes as kubernetes

from gateway_components import AiGateway, AiGatewayArgs, AiModelArgs


def note(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    """Add an annotation to Services."""
    if args.type_ != "kubernetes:core/v1:Service":
        return None
    metadata = pulumi.Output.from_input(args.props["metadata"])
    noted = metadata.apply(lambda known: {**known, "annotations": {"seen": args.name}})
    return pulumi.ResourceTransformResult({**args.props, "metadata": noted}, args.opts)


name = os.environ.get("COMPONENT", "chat")
provider = kubernetes.Provider("files", render_yaml_to_directory=os.environ["RENDER_TO"], kubeconfig="")
gateway = AiGateway(
    name,
    AiGatewayArgs(
        name="chat",
        models=[AiModelArgs(name="gpt-4o", provider="openai")],
        port=pulumi.Output.from_input(int(os.environ.get("GATEWAY_PORT", "80"))),
    ),
    pulumi.ResourceOptions(
        provider=provider,
        protect=bool(os.environ.get("PROTECT")),
        transforms=[note],
        aliases=[pulumi.Alias(name="chat")] if name != "chat" else [],
    ),
)
pulumi.export("url", gateway.url)
