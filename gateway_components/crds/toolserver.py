"""ToolServer: an MCP server that somebody else runs; read here, never deployed."""

from typing import Literal

from pydantic import ConfigDict, Field

from gateway_components.crds.base import ApiModel, AtomicModel, Many, NamedMany, Natural32, Port
from gateway_components.crds.meta import ApiObject, ConditionedStatus
from gateway_components.crds.pod import EnvFromSource, EnvVar, MetadataOverlay, QuantityMap

__all__ = [
    "LocalObjectReference",
    "ResourceClaim",
    "ResourceRequirements",
    "ToolServer",
    "ToolServerSpec",
    "ToolServerStatus",
]


class ResourceClaim(ApiModel):
    """A claim of the pod that a container uses."""

    name: str = Field(description="Name of the claim in the pod.")
    request: str | None = Field(None, description="Request of the claim; all of them where left out.")


class ResourceRequirements(ApiModel):
    """Resources of a container."""

    claims: NamedMany[ResourceClaim] = Field(
        default_factory=tuple, description="Claims of the pod that the container uses."
    )
    limits: QuantityMap = Field(default_factory=dict, description="The most it may use.")
    requests: QuantityMap = Field(default_factory=dict, description="What it is sure to get.")


class LocalObjectReference(AtomicModel):
    """An object of the same namespace, by its name."""

    name: str = Field("", description="Name of the object.")


class ToolServerSpec(ApiModel):
    """How a ToolServer runs and how it is spoken to; routes read port, path and transportType."""

    # The reference requires two fields beside their defaults; defaults come first, so nobody notices.
    model_config = ConfigDict(json_schema_extra={"required": ["image", "protocol", "transportType"]})

    args: Many[str] = Field(default_factory=tuple, description="Arguments of the container.")
    command: Many[str] = Field(default_factory=tuple, description="Command of the container.")
    common_metadata: MetadataOverlay = Field(
        default_factory=MetadataOverlay, description="Labels and annotations for all objects of the server."
    )
    env: Many[EnvVar] = Field(default_factory=tuple, description="Environment variables of the container.")
    env_from: Many[EnvFromSource] = Field(
        default_factory=tuple,
        description="ConfigMaps and Secrets whose keys all become environment variables of the container.",
    )
    image: str = Field(min_length=1, description="Image of the container.")
    image_pull_secrets: Many[LocalObjectReference] = Field(
        default_factory=tuple, description="Secrets with credentials for the image's registry."
    )
    path: str | None = Field(
        None,
        pattern="^/.*",
        description="Path that the server speaks MCP on; /mcp where left out, with the transport sse /sse.",
    )
    pod_metadata: MetadataOverlay = Field(
        default_factory=MetadataOverlay, description="Labels and annotations for the pods of the server."
    )
    port: Port | None = Field(None, description="Port of the server's Service; 8080 where left out.")
    protocol: Literal["mcp"] = Field("mcp", description="Protocol of the server.")
    replicas: Natural32 | None = Field(None, description="Number of pods.")
    resources: ResourceRequirements = Field(
        default_factory=ResourceRequirements, description="Resources of the container."
    )
    transport_type: Literal["http", "sse"] = Field(
        "http", description="Transport of MCP: http for streamable HTTP, sse for server-sent events."
    )


class ToolServerStatus(ConditionedStatus):
    """How a ToolServer is doing; written by its own controller."""

    url: str | None = Field(None, description="Where the server is reached inside the cluster.")


def _no_spec() -> ToolServerSpec:
    """Return the spec of a server without one, which the API server admits: it has no image."""
    return ToolServerSpec.model_construct(image="")


class ToolServer(ApiObject):
    """An MCP server in the cluster; read for the routes that lead to it, never deployed by these gateways."""

    kind: str = Field("ToolServer", description="Kind of the object.")
    spec: ToolServerSpec = Field(
        default_factory=_no_spec, description="How the server runs, and how it is spoken to."
    )
    status: ToolServerStatus = Field(
        default_factory=ToolServerStatus, description="How the server is doing; written by its controller."
    )
