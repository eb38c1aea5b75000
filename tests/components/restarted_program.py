"""A program for the real engine, which renders to files: a key of its own Secret, and what no argument is for."""

import os
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import EnvVarArgs, EnvVarSourceArgs, SecretKeySelectorArgs

from gateway_components import AiGateway, AiGatewayArgs, AiModelArgs, ToolGateway, ToolGatewayArgs

files = kubernetes.Provider(
    "files",
    render_yaml_to_directory=os.environ["RENDER_TO"],
    kubeconfig="",
    namespace=os.environ.get("PROVIDER_NAMESPACE"),
)
MODELS = [AiModelArgs(name="gpt-4o", provider="openai")]
ADD = {"imagePullSecrets": [{"name": "mirror"}], "serviceAccountName": "llm"}


def changed(type_: str, props: Any) -> bool:
    """Change the maps of a Deployment in place, as people write it for resources of their own."""
    if type_ != "kubernetes:apps/v1:Deployment":
        return False
    props["metadata"]["labels"]["seen"] = "yes"
    props["spec"]["replicas"] = 2
    props["spec"]["template"]["spec"] = {**props["spec"]["template"]["spec"], **ADD}
    return True


def older(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
    """Be a transformation."""
    changed(args.type_, args.props)
    return pulumi.ResourceTransformationResult(args.props, args.opts)


def newer(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    """Be a transform."""
    return pulumi.ResourceTransformResult(args.props, args.opts) if changed(args.type_, args.props) else None


WAYS: dict[str, Any] = {"older": {"transformations": [older]}, "newer": {"transforms": [newer]}}
how = pulumi.ResourceOptions(provider=files, **WAYS.get(os.environ.get("HOW", ""), {}))
admin = kubernetes.core.v1.Secret(
    "proxy-admin",
    metadata={"name": "proxy-admin", "namespace": "desk"},
    string_data={"token": pulumi.Output.secret(os.environ.get("TOKEN", "one"))},
    opts=pulumi.ResourceOptions(provider=files),
)
key = SecretKeySelectorArgs(name=admin.metadata.name, key="token")
AiGateway(
    "desk",
    AiGatewayArgs(
        namespace="desk",
        models=MODELS,
        env=[EnvVarArgs(name="LITELLM_MASTER_KEY", value_from=EnvVarSourceArgs(secret_key_ref=key))],
        restart_on=os.environ.get("RESTART_ON"),
    ),
    opts=pulumi.ResourceOptions(provider=files),
)
chat = AiGateway("chat", AiGatewayArgs(models=MODELS), opts=how)
tools = ToolGateway(
    "tools",
    ToolGatewayArgs(
        namespace=None if "PROVIDER_NAMESPACE" in os.environ else "default",
        routes=[{"name": "news", "url": "https://news.example.com/mcp"}],
    ),
    opts=how if "PROVIDER_NAMESPACE" not in os.environ else pulumi.ResourceOptions(provider=files),
)
pulumi.export("urls", [chat.url, tools.url, tools.routes["news"].url])
pulumi.export("namespace", chat.namespace)
