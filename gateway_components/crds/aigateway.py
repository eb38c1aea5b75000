"""AiGateway: a LiteLLM gateway in front of language models."""

from pydantic import Field

from gateway_components.crds.base import ApiModel, Int32, Many
from gateway_components.crds.meta import ApiObject, ConditionedStatus, ObjectReference
from gateway_components.crds.pod import EnvFromSource, EnvVar, MetadataOverlay

__all__ = ["AiGateway", "AiGatewaySpec", "AiGatewayStatus", "AiModel"]


class AiModel(ApiModel):
    """A model that the gateway serves."""

    name: str = Field(
        min_length=1,
        description="Name of the model, as its provider knows it and as clients of the gateway ask for it.",
    )
    provider: str = Field(
        min_length=1,
        description=(
            "Provider of the model in LiteLLM's spelling, such as openai or anthropic. Its API key is the "
            "key PROVIDER_API_KEY (in capitals) of the Secret api-key-secrets."
        ),
    )


class AiGatewaySpec(ApiModel):
    """What a user asks of an AiGateway."""

    ai_gateway_class_name: str | None = Field(
        None,
        description=(
            "Name of the AiGatewayClass whose controller runs this gateway. Left out or empty, the class "
            "that is marked as default takes it."
        ),
    )
    ai_models: Many[AiModel] = Field(
        min_length=1, description="The models that the gateway serves, at least one."
    )
    common_metadata: MetadataOverlay = Field(
        default_factory=MetadataOverlay,
        description="Labels and annotations for the gateway's Deployment, its Service and its pods.",
    )
    env: Many[EnvVar] = Field(
        default_factory=tuple,
        description=(
            "Environment variables of the gateway's container. They win over the API keys that the gateway "
            "sets by itself, but not over PROMETHEUS_MULTIPROC_DIR."
        ),
    )
    env_from: Many[EnvFromSource] = Field(
        default_factory=tuple,
        description="ConfigMaps and Secrets whose keys all become environment variables of the container.",
    )
    guardrails: Many[ObjectReference] = Field(
        default_factory=tuple,
        description=(
            "The Guards that check what passes through the gateway. A Guard without a namespace is "
            "looked for in the namespace of the gateway."
        ),
    )
    pod_metadata: MetadataOverlay = Field(
        default_factory=MetadataOverlay,
        description="Labels and annotations for the gateway's pods alone; they win over commonMetadata.",
    )
    port: Int32 = Field(80, ge=1, le=65535, description="Port that the gateway and its Service listen on.")


class AiGatewayStatus(ConditionedStatus):
    """How an AiGateway is doing: the conditions AiGatewayConfigured and AiGatewayReady."""


def _no_spec() -> AiGatewaySpec:
    """Return the spec of an AiGateway without one, which the API server admits: no class and no models."""
    return AiGatewaySpec.model_construct(ai_models=())


class AiGateway(ApiObject):
    """A LiteLLM gateway in front of language models.

    The API server admits an AiGateway without a spec; its `spec` then names no class and has no models.
    """

    api_version: str = Field("runtime.agentic-layer.ai/v1alpha1", description="API group and version.")
    kind: str = Field("AiGateway", description="Kind of the object.")
    spec: AiGatewaySpec = Field(
        default_factory=_no_spec, description="What the gateway is to serve, and how."
    )
    status: AiGatewayStatus = Field(
        default_factory=AiGatewayStatus, description="How the gateway is doing; written by its controller."
    )
