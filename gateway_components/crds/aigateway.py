"""AiGateway: a LiteLLM gateway in front of language models."""

from pydantic import Field

from gateway_components.crds.base import ApiModel, Many, Port, shared
from gateway_components.crds.gateway import GatewaySpec
from gateway_components.crds.meta import ApiObject, ConditionedStatus

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


class AiGatewaySpec(GatewaySpec):
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
    port: Port = Field(80, description="Port that the gateway and its Service listen on.")

    @property
    def class_name(self) -> str | None:
        """Name of the AiGatewayClass; None or empty where the gateway names none."""
        return self.ai_gateway_class_name


class AiGatewayStatus(ConditionedStatus):
    """How an AiGateway is doing: the conditions AiGatewayConfigured and AiGatewayReady."""


def _no_spec() -> AiGatewaySpec:
    """Return the spec of an AiGateway without one, which the API server admits: no class and no models."""
    return AiGatewaySpec.model_construct(ai_models=())


class AiGateway(ApiObject):
    """A LiteLLM gateway in front of language models.

    The API server admits an AiGateway without a spec; its `spec` then names no class and has no models.
    """

    kind: str = Field("AiGateway", description="Kind of the object.")
    spec: AiGatewaySpec = Field(
        default_factory=_no_spec, description="What the gateway is to serve, and how."
    )
    status: AiGatewayStatus = Field(
        default_factory=shared(AiGatewayStatus),
        description="How the gateway is doing; written by its controller.",
    )
