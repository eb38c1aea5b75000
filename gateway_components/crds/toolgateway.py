"""ToolGateway: a LiteLLM gateway in front of MCP tool servers."""

from pydantic import Field

from gateway_components.crds.base import shared
from gateway_components.crds.gateway import GatewaySpec
from gateway_components.crds.meta import ApiObject, ConditionedStatus

__all__ = ["ToolGateway", "ToolGatewaySpec", "ToolGatewayStatus"]


class ToolGatewaySpec(GatewaySpec):
    """What a user asks of a ToolGateway."""

    tool_gateway_class_name: str | None = Field(
        None,
        description=(
            "Name of the ToolGatewayClass whose controller runs this gateway. Left out or empty, the class "
            "that is marked as default takes it."
        ),
    )

    @property
    def class_name(self) -> str | None:
        """Name of the ToolGatewayClass; None or empty where the gateway names none."""
        return self.tool_gateway_class_name


class ToolGatewayStatus(ConditionedStatus):
    """How a ToolGateway is doing: the conditions ToolGatewayConfigured and ToolGatewayReady."""

    url: str | None = Field(
        None, description="Where clients inside the cluster reach the gateway; empty until it is ready."
    )


class ToolGateway(ApiObject):
    """A LiteLLM gateway in front of MCP tool servers; ToolRoutes say which ones."""

    kind: str = Field("ToolGateway", description="Kind of the object.")
    spec: ToolGatewaySpec = Field(
        default_factory=ToolGatewaySpec, description="How the gateway is to run, and what guards it."
    )
    status: ToolGatewayStatus = Field(
        default_factory=shared(ToolGatewayStatus),
        description="How the gateway is doing; written by its controller.",
    )
