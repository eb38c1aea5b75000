"""ToolGatewayClass: which controller runs the ToolGateways that name it."""

from pydantic import Field

from gateway_components.crds.gateway import ClassSpec
from gateway_components.crds.meta import ApiObject, ConditionedStatus

__all__ = ["ToolGatewayClass", "ToolGatewayClassSpec", "ToolGatewayClassStatus"]


class ToolGatewayClassSpec(ClassSpec):
    """What a ToolGatewayClass says about its gateways."""

    controller: str = Field(
        description=(
            "Name of the controller that runs the gateways of this class; for LiteLLM "
            "litellm.agentic-layer.ai/tool-gateway-litellm-controller."
        )
    )


class ToolGatewayClassStatus(ConditionedStatus):
    """The conditions of a ToolGatewayClass; no controller of ours writes any."""


def _no_spec() -> ToolGatewayClassSpec:
    """Return the spec of a class without one, which the API server admits: it is no controller's."""
    return ToolGatewayClassSpec(controller="")


class ToolGatewayClass(ApiObject):
    """Names the controller that runs the ToolGateways of this class; belongs to the whole cluster.

    The annotation ``toolgatewayclass.kubernetes.io/is-default-class: "true"`` makes it take the gateways that
    name no class.
    """

    kind: str = Field("ToolGatewayClass", description="Kind of the object.")
    spec: ToolGatewayClassSpec = Field(
        default_factory=_no_spec, description="Which controller the class stands for."
    )
    status: ToolGatewayClassStatus = Field(
        default_factory=ToolGatewayClassStatus,
        description="Conditions of the class; none are written at present.",
    )
