"""AiGatewayClass: which controller runs the AiGateways that name it."""

from pydantic import Field

from gateway_components.crds.gateway import ClassSpec
from gateway_components.crds.meta import ApiObject, ConditionedStatus

__all__ = ["AiGatewayClass", "AiGatewayClassSpec", "AiGatewayClassStatus"]


class AiGatewayClassSpec(ClassSpec):
    """What an AiGatewayClass says about its gateways."""

    controller: str = Field(
        description=(
            "Name of the controller that runs the gateways of this class; for LiteLLM "
            "aigateway.agentic-layer.ai/ai-gateway-litellm-controller."
        )
    )


class AiGatewayClassStatus(ConditionedStatus):
    """The conditions of an AiGatewayClass; no controller of ours writes any."""


def _no_spec() -> AiGatewayClassSpec:
    """Return the spec of a class without one, which the API server admits: it is no controller's."""
    return AiGatewayClassSpec(controller="")


class AiGatewayClass(ApiObject):
    """Names the controller that runs the AiGateways of this class; belongs to the whole cluster.

    The annotation ``aigatewayclass.kubernetes.io/is-default-class: "true"`` makes it take the gateways that
    name no class.
    """

    kind: str = Field("AiGatewayClass", description="Kind of the object.")
    spec: AiGatewayClassSpec = Field(
        default_factory=_no_spec, description="Which controller the class stands for."
    )
    status: AiGatewayClassStatus = Field(
        default_factory=AiGatewayClassStatus,
        description="Conditions of the class; none are written at present.",
    )
