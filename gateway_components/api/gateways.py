"""AiGateway and ToolGateway, which LiteLLM runs, and their classes."""

from pydantic import Field

from gateway_components.api.base import ApiModel, Many, Port, shared
from gateway_components.api.meta import ApiObject, ConditionedStatus, ObjectReference, ObservedStatus
from gateway_components.api.pod import EnvFromSource, EnvVar, MetadataOverlay
from gateway_components.identity import Identity

AI_GATEWAY_CONTROLLER = "aigateway.agentic-layer.ai/ai-gateway-litellm-controller"
TOOL_GATEWAY_CONTROLLER = "litellm.agentic-layer.ai/tool-gateway-litellm-controller"


class GatewaySpec(ApiModel):
    """Desired state that both kinds of gateway share; each kind has a field of its own for the class."""

    class_name: str | None = None
    common_metadata: MetadataOverlay = Field(
        default_factory=shared(MetadataOverlay),
        description=(
            "Labels and annotations added to the gateway's Deployment, Service and pods. "
            "The ConfigMap gets the labels only."
        ),
    )
    env: Many[EnvVar] = Field(
        default_factory=tuple,
        description=(
            "Environment variables of the gateway container. They override the variables that the controller "
            "sets, except PROMETHEUS_MULTIPROC_DIR."
        ),
    )
    env_from: Many[EnvFromSource] = Field(
        default_factory=tuple,
        description="ConfigMaps and Secrets whose keys become environment variables of the gateway container.",
    )
    guardrails: Many[ObjectReference] = Field(
        default_factory=tuple,
        description=(
            "Guards that check the gateway's traffic. The namespace of a reference defaults to the namespace "
            "of the gateway."
        ),
    )
    pod_metadata: MetadataOverlay = Field(
        default_factory=shared(MetadataOverlay),
        description="Labels and annotations added to the gateway's pods only. They override commonMetadata.",
    )


class AiModel(ApiModel):
    """A model that the gateway serves."""

    name: str = Field(
        min_length=1,
        description="Name of the model. The provider and the gateway's clients both use it.",
    )
    provider: str = Field(
        min_length=1,
        description=(
            "LiteLLM's name of the provider, such as openai or anthropic. The Secret api-key-secrets holds "
            "its API key under PROVIDER_API_KEY, such as OPENAI_API_KEY."
        ),
    )


class AiGatewaySpec(GatewaySpec):
    """Desired state of an AiGateway."""

    class_name: str | None = Field(
        None,
        alias="aiGatewayClassName",
        description=(
            "Name of the AiGatewayClass that selects the controller. If empty, the default class applies."
        ),
    )
    ai_models: Many[AiModel] = Field(min_length=1, description="Models that the gateway serves.")
    port: Port = Field(80, description="Port of the gateway container and of its Service.")


class AiGateway(ApiObject):
    """AiGateway is a LiteLLM proxy in front of language models."""

    kind: str = Field("AiGateway", description="Kind of the object.")
    # The API server admits an object without a spec; it names no class, and is no controller's.
    spec: AiGatewaySpec = Field(
        default_factory=lambda: AiGatewaySpec.model_construct(ai_models=()),
        description="Desired state of the gateway.",
    )
    status: ObservedStatus = Field(
        default_factory=shared(ObservedStatus),
        description="Observed state of the gateway: AiGatewayConfigured, AiGatewayReady and Ready.",
    )


class ToolGatewaySpec(GatewaySpec):
    """Desired state of a ToolGateway."""

    class_name: str | None = Field(
        None,
        alias="toolGatewayClassName",
        description=(
            "Name of the ToolGatewayClass that selects the controller. If empty, the default class applies."
        ),
    )


class ToolGatewayStatus(ObservedStatus):
    """Observed state of a ToolGateway."""

    url: str | None = Field(
        None, description="URL of the gateway inside the cluster. Empty until the gateway is ready."
    )


class ToolGateway(ApiObject):
    """ToolGateway is a LiteLLM proxy in front of MCP servers. ToolRoutes select the servers."""

    kind: str = Field("ToolGateway", description="Kind of the object.")
    spec: ToolGatewaySpec = Field(
        default_factory=ToolGatewaySpec, description="Desired state of the gateway."
    )
    status: ToolGatewayStatus = Field(
        default_factory=shared(ToolGatewayStatus),
        description="Observed state of the gateway: ToolGatewayConfigured, ToolGatewayReady and Ready.",
    )


class _GatewayClass(ApiObject):
    """What the classes of both kinds have beside their spec."""

    status: ConditionedStatus = Field(
        default_factory=ConditionedStatus,
        description="Observed state of the class. The LiteLLM controller does not set it.",
    )

    @property
    def identity(self) -> Identity:
        """What the class is known by; it has no namespace, even where a file names one."""
        return Identity(self.kind, "", self.metadata.name)


class AiGatewayClassSpec(ApiModel):
    """Desired state of an AiGatewayClass."""

    controller: str = Field(
        description=f"Name of the controller that runs the gateways of this class: {AI_GATEWAY_CONTROLLER}."
    )


class AiGatewayClass(_GatewayClass):
    """AiGatewayClass selects the controller of AiGateways.

    With the annotation ``aigatewayclass.kubernetes.io/is-default-class: "true"``, the class also applies to
    gateways that name none.
    """

    kind: str = Field("AiGatewayClass", description="Kind of the object.")
    spec: AiGatewayClassSpec = Field(
        default_factory=lambda: AiGatewayClassSpec(controller=""), description="Desired state of the class."
    )


class ToolGatewayClassSpec(ApiModel):
    """Desired state of a ToolGatewayClass."""

    controller: str = Field(
        description=f"Name of the controller that runs the gateways of this class: {TOOL_GATEWAY_CONTROLLER}."
    )


class ToolGatewayClass(_GatewayClass):
    """ToolGatewayClass selects the controller of ToolGateways.

    With the annotation ``toolgatewayclass.kubernetes.io/is-default-class: "true"``, the class also applies to
    gateways that name none.
    """

    kind: str = Field("ToolGatewayClass", description="Kind of the object.")
    spec: ToolGatewayClassSpec = Field(
        default_factory=lambda: ToolGatewayClassSpec(controller=""), description="Desired state of the class."
    )
