"""What both kinds of gateway have in common, and what both kinds of class have."""

from pydantic import Field

from gateway_components.crds.base import ApiModel, Many, shared
from gateway_components.crds.meta import ObjectReference
from gateway_components.crds.pod import EnvFromSource, EnvVar, MetadataOverlay

__all__ = ["ClassSpec", "GatewaySpec"]


class GatewaySpec(ApiModel):
    """What a user may ask of a gateway of either kind."""

    common_metadata: MetadataOverlay = Field(
        default_factory=shared(MetadataOverlay),
        description="Labels and annotations for the gateway's Deployment, its Service and its pods.",
    )
    env: Many[EnvVar] = Field(
        default_factory=tuple,
        description=(
            "Environment variables of the gateway's container. They win over those that the gateway "
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
        default_factory=shared(MetadataOverlay),
        description="Labels and annotations for the gateway's pods alone; they win over commonMetadata.",
    )

    @property
    def class_name(self) -> str | None:
        """Name of the class; None or empty where the gateway names none."""
        raise NotImplementedError


class ClassSpec(ApiModel):
    """What a class says about its gateways."""

    controller: str = Field(description="Name of the controller that runs the gateways of this class.")
