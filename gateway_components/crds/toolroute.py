"""ToolRoute: makes an MCP server reachable through a ToolGateway."""

from typing import ClassVar

from pydantic import Field

from gateway_components.crds.base import ApiModel, HttpUri, Many, OneOfModel, shared
from gateway_components.crds.meta import ApiObject, ConditionedStatus, ObjectReference

__all__ = [
    "ExternalUpstream",
    "ToolFilter",
    "ToolRoute",
    "ToolRouteSpec",
    "ToolRouteStatus",
    "ToolRouteUpstream",
]


class ToolFilter(ApiModel):
    """Which tools of the upstream a route lets through."""

    allow: Many[str] = Field(
        default_factory=tuple, description="Names of the tools to let through; all where left out or empty."
    )
    deny: Many[str] = Field(default_factory=tuple, description="Names of the tools to hold back.")


class ExternalUpstream(ApiModel):
    """An MCP server outside the cluster's ToolServers."""

    url: HttpUri = Field(
        description=(
            "URL of the MCP server. One whose path ends in /sse is spoken to by server-sent events, any other "
            "by streamable HTTP."
        ),
    )


class ToolRouteUpstream(OneOfModel):
    """The MCP server behind a route: exactly one of its fields is set."""

    one_of: ClassVar[tuple[str, ...]] = ("tool_server_ref", "external")

    external: ExternalUpstream | None = Field(None, description="An MCP server by its URL.")
    tool_server_ref: ObjectReference | None = Field(
        None, description="A ToolServer; one without a namespace is looked for in the namespace of the route."
    )


class ToolRouteSpec(ApiModel):
    """What a ToolRoute connects."""

    tool_filter: ToolFilter = Field(
        default_factory=shared(ToolFilter), description="Which tools of the upstream clients may use."
    )
    tool_gateway_ref: ObjectReference | None = Field(
        None,
        description=(
            "The ToolGateway that serves the route; one without a namespace is looked for in the namespace of "
            "the route. A route without a gateway is served by none."
        ),
    )
    upstream: ToolRouteUpstream = Field(description="The MCP server that the route leads to.")


class ToolRouteStatus(ConditionedStatus):
    """How a ToolRoute is doing: the condition Ready."""

    url: str | None = Field(
        None,
        description="Where clients inside the cluster reach the MCP server; empty while it is not served.",
    )


def _no_spec() -> ToolRouteSpec:
    """Return the spec of a route without one, which the API server admits: it is served by no gateway."""
    return ToolRouteSpec.model_construct(upstream=ToolRouteUpstream.model_construct())


class ToolRoute(ApiObject):
    """Makes an MCP server reachable through a ToolGateway."""

    kind: str = Field("ToolRoute", description="Kind of the object.")
    spec: ToolRouteSpec = Field(
        default_factory=_no_spec, description="Which MCP server is served, by which gateway."
    )
    status: ToolRouteStatus = Field(
        default_factory=shared(ToolRouteStatus),
        description="How the route is doing; written by the controller of its gateway.",
    )
