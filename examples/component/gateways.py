"""A namespace with a LiteLLM gateway in front of two models, made by a program of one's own."""

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core.v1 import EnvVarArgs, EnvVarSourceArgs, SecretKeySelectorArgs

from gateway_components import AiGateway, AiGatewayArgs, AiModelArgs, MetadataArgs

config = pulumi.Config()
keys = {"OPENAI_API_KEY": config.require_secret("openaiKey")}
master_key = config.require_secret("masterKey")

# Mutable: a changed configuration changes the ConfigMap in place instead of replacing it.
cluster = kubernetes.Provider("cluster", enable_config_map_mutable=True, enable_secret_mutable=True)
there = pulumi.ResourceOptions(provider=cluster)

namespace = kubernetes.core.v1.Namespace("team", metadata={"name": config.require("namespace")}, opts=there)
team = namespace.metadata.name

api_keys = kubernetes.core.v1.Secret(
    "api-keys",
    metadata={"name": "api-key-secrets", "namespace": team},
    string_data=keys,
    opts=there,
)
gateway_keys = kubernetes.core.v1.Secret(
    "gateway-keys",
    metadata={"name": "gateway-keys", "namespace": team},
    string_data={"master-key": master_key},
    opts=there,
)

gateway = AiGateway(
    "models",
    AiGatewayArgs(
        namespace=team,
        models=[
            AiModelArgs(name="gpt-4o", provider="openai"),
            AiModelArgs(name="gpt-4o-mini", provider="openai"),
        ],
        port=4000,
        env=[
            EnvVarArgs(
                name="LITELLM_MASTER_KEY",
                value_from=EnvVarSourceArgs(
                    secret_key_ref=SecretKeySelectorArgs(name=gateway_keys.metadata.name, key="master-key")
                ),
            )
        ],
        common_metadata=MetadataArgs(labels={"team": team}),
        # A secret here would end up in a ConfigMap, so the gateway reads it from its environment.
        config_patch={
            "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
            "router_settings": {"routing_strategy": "least-busy"},
        },
        # The pods restart when a key changes.
        api_keys=keys,
    ),
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[api_keys]),
)

pulumi.export("urls", {"models": gateway.url})
pulumi.export("service", gateway.service_name)
pulumi.export("configMap", gateway.config_map_name)
