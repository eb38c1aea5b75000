"""ToolRoute, which exposes an MCP server through a ToolGateway, and ToolServer, an MCP server of the cluster."""

from typing import ClassVar, Literal

from pydantic import ConfigDict, Field

from gateway_components.api.base import (
    ApiModel,
    AtomicModel,
    HttpUri,
    Many,
    NamedMany,
    Natural32,
    OneOfModel,
    Port,
    shared,
)
from gateway_components.api.meta import ApiObject, ConditionedStatus, ObjectReference, ObservedStatus
from gateway_components.api.pod import EnvFromSource, EnvVar, MetadataOverlay, QuantityMap


class ToolFilter(ApiModel):
    """Tools of the upstream that a route exposes."""

    allow: Many[str] = Field(
        default_factory=tuple, description="Names of the tools to expose. If empty, all tools are exposed."
    )
    deny: Many[str] = Field(default_factory=tuple, description="Names of the tools to hide.")


class ExternalUpstream(ApiModel):
    """An MCP server that is not a ToolServer."""

    url: HttpUri = Field(
        description=(
            "URL of the MCP server. A path that ends in /sse selects server-sent events, any other path "
            "streamable HTTP."
        ),
    )


class ToolRouteUpstream(OneOfModel):
    """MCP server behind a route. Exactly one field must be set."""

    one_of: ClassVar[tuple[str, ...]] = ("tool_server_ref", "external")

    external: ExternalUpstream | None = Field(None, description="MCP server at a URL.")
    tool_server_ref: ObjectReference | None = Field(
        None, description="ToolServer. Its namespace defaults to the namespace of the route."
    )


class ToolRouteSpec(ApiModel):
    """Desired state of a ToolRoute."""

    tool_filter: ToolFilter = Field(
        default_factory=shared(ToolFilter), description="Tools of the upstream that clients may use."
    )
    tool_gateway_ref: ObjectReference | None = Field(
        None,
        description=(
            "ToolGateway that serves the route. Its namespace defaults to the namespace of the route. If "
            "unset, no gateway serves the route."
        ),
    )
    upstream: ToolRouteUpstream = Field(description="MCP server behind the route.")


class ToolRouteStatus(ObservedStatus):
    """Observed state of a ToolRoute."""

    url: str | None = Field(
        None,
        description="URL of the MCP server inside the cluster. Empty until the route is served.",
    )


# The API server admits an object without a spec.
def _no_route_spec() -> ToolRouteSpec:
    return ToolRouteSpec.model_construct(upstream=ToolRouteUpstream.model_construct())


class ToolRoute(ApiObject):
    """ToolRoute exposes an MCP server through a ToolGateway."""

    kind: str = Field("ToolRoute", description="Kind of the object.")
    spec: ToolRouteSpec = Field(default_factory=_no_route_spec, description="Desired state of the route.")
    status: ToolRouteStatus = Field(
        default_factory=shared(ToolRouteStatus),
        description="Observed state of the route: its condition Ready and its URL.",
    )


class ResourceClaim(ApiModel):
    """A claim of the pod that a container uses."""

    name: str = Field(description="Name of the claim in the pod.")
    request: str | None = Field(None, description="Request within the claim. Defaults to all requests.")


class ResourceRequirements(ApiModel):
    """Compute resources of a container."""

    claims: NamedMany[ResourceClaim] = Field(
        default_factory=tuple, description="Claims of the pod that the container uses."
    )
    limits: QuantityMap = Field(default_factory=dict, description="Maximum amount of each resource.")
    requests: QuantityMap = Field(default_factory=dict, description="Minimum amount of each resource.")


class LocalObjectReference(AtomicModel):
    """An object in the same namespace, by name."""

    name: str = Field("", description="Name of the object.")


class ToolServerSpec(ApiModel):
    """Desired state of a ToolServer; routes read port, path and transportType."""

    # The reference requires two fields beside their defaults; defaults come first, so nobody notices.
    model_config = ConfigDict(json_schema_extra={"required": ["image", "protocol", "transportType"]})

    args: Many[str] = Field(default_factory=tuple, description="Arguments of the container.")
    command: Many[str] = Field(default_factory=tuple, description="Command of the container.")
    common_metadata: MetadataOverlay = Field(
        default_factory=MetadataOverlay,
        description="Labels and annotations added to all objects of the server.",
    )
    env: Many[EnvVar] = Field(default_factory=tuple, description="Environment variables of the container.")
    env_from: Many[EnvFromSource] = Field(
        default_factory=tuple,
        description="ConfigMaps and Secrets whose keys become environment variables of the container.",
    )
    image: str = Field(min_length=1, description="Image of the container.")
    image_pull_secrets: Many[LocalObjectReference] = Field(
        default_factory=tuple, description="Secrets with credentials for the registry of the image."
    )
    path: str | None = Field(
        None,
        pattern="^/.*",
        description="Path of the MCP endpoint. Defaults to /mcp, or to /sse with the transport sse.",
    )
    pod_metadata: MetadataOverlay = Field(
        default_factory=MetadataOverlay, description="Labels and annotations added to the server's pods only."
    )
    port: Port | None = Field(None, description="Port of the server's Service. Defaults to 8080.")
    protocol: Literal["mcp"] = Field("mcp", description="Protocol of the server.")
    replicas: Natural32 | None = Field(None, description="Number of pods.")
    resources: ResourceRequirements = Field(
        default_factory=ResourceRequirements, description="Compute resources of the container."
    )
    transport_type: Literal["http", "sse"] = Field(
        "http", description="MCP transport: http for streamable HTTP, sse for server-sent events."
    )


class ToolServerStatus(ConditionedStatus):
    """Observed state of a ToolServer."""

    url: str | None = Field(None, description="URL of the server inside the cluster.")


class ToolServer(ApiObject):
    """ToolServer is an MCP server in the cluster. ToolRoutes refer to it; its own controller deploys it."""

    kind: str = Field("ToolServer", description="Kind of the object.")
    spec: ToolServerSpec = Field(
        default_factory=lambda: ToolServerSpec.model_construct(image=""),
        description="Desired state of the server.",
    )
    status: ToolServerStatus = Field(
        default_factory=ToolServerStatus,
        description="Observed state of the server. Its own controller sets it.",
    )
