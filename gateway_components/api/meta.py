"""Types that all kinds share: metadata, conditions and references."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from gateway_components.api.base import ApiModel, AtomicModel, Int64, Many, Natural64, StringMap
from gateway_components.identity import Identity

GROUP = "runtime.agentic-layer.ai"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
"""What all our kinds are written in."""

CONDITION_REASON = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
CONDITION_TYPE = (
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"
)


_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def own_annotations(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object's annotations without kubectl's copy of it, which has the values of a Secret in plain text."""
    return {key: text for key, text in (metadata.get("annotations") or {}).items() if key != _LAST_APPLIED}


class OwnerReference(ApiModel):
    """An owner: its deletion also deletes the object."""

    api_version: str = Field(description="API group and version of the owner.")
    kind: str = Field(description="Kind of the owner.")
    name: str = Field(description="Name of the owner.")
    uid: str = Field(description="UID of the owner. A new object with the same name has another UID.")
    controller: bool | None = Field(
        None, description="Whether the owner is the managing controller of the object."
    )
    block_owner_deletion: bool | None = Field(
        None, description="Whether a foreground deletion of the owner waits for this object."
    )


class ObjectMeta(ApiModel):
    """Name, labels and bookkeeping of an object.

    Timestamps stay the strings the API server wrote (``2025-01-31T12:00:00Z``): their order is that of time.
    """

    name: str = Field("", description="Name of the object, unique per kind and namespace.")
    generate_name: str = Field("", description="Prefix of the name that the API server generates.")
    namespace: str | None = Field(
        None, description="Namespace of the object. Cluster-scoped objects have none."
    )
    uid: str | None = Field(None, description="Unique ID of the object, set by the API server.")
    generation: Int64 | None = Field(None, description="Generation of the spec, increased at each change.")
    resource_version: str | None = Field(None, description="Opaque version that changes at each write.")
    creation_timestamp: str | None = Field(None, description="When the object was created.")
    deletion_timestamp: str | None = Field(
        None, description="When the object will be deleted. Unset until a deletion is requested."
    )
    deletion_grace_period_seconds: Int64 | None = Field(
        None, description="Seconds that the object has to terminate after a deletion request."
    )
    labels: StringMap = Field(default_factory=dict, description="Labels that selectors match.")
    annotations: StringMap = Field(default_factory=dict, description="Metadata for tools and controllers.")
    owner_references: Many[OwnerReference] = Field(
        default_factory=tuple, description="Objects whose deletion also deletes this one."
    )
    finalizers: Many[str] = Field(
        default_factory=tuple, description="Finalizers that must be removed before the object is deleted."
    )
    managed_fields: Many[Mapping[str, Any]] = Field(
        default_factory=tuple,
        description="Field managers and the fields they own, maintained by the API server.",
    )
    self_link: str | None = Field(None, description="Not set by any supported Kubernetes version.")


class Condition(ApiModel):
    """One condition of an object, as its controller last observed it."""

    type: str = Field(
        max_length=316,
        pattern=CONDITION_TYPE,
        description="Type of the condition, unique in the list.",
    )
    status: Literal["True", "False", "Unknown"] = Field(description="Status of the condition.")
    reason: str = Field(
        min_length=1,
        max_length=1024,
        pattern=CONDITION_REASON,
        description="Machine-readable reason for the status, in CamelCase.",
    )
    message: str = Field(max_length=32768, description="Human-readable explanation of the status.")
    last_transition_time: str = Field(
        description="When the status last changed.", json_schema_extra={"format": "date-time"}
    )
    observed_generation: Natural64 | None = Field(
        None,
        description="The metadata.generation that the condition was set for. "
        "The condition is stale if the object has a newer one.",
    )


class ConditionedStatus(ApiModel):
    """A status with nothing but conditions."""

    conditions: Many[Condition] = Field(
        default_factory=tuple, description="The current conditions of the object, one per type."
    )


class ObservedStatus(ConditionedStatus):
    """A status that names the generation it was set for."""

    observed_generation: Natural64 | None = Field(
        None,
        description="The metadata.generation that the status was set for. "
        "The status is stale if the object has a newer one.",
    )


class ObjectReference(AtomicModel):
    """A reference to any object. The API requires no field; whoever resolves it decides which ones count."""

    api_version: str | None = Field(None, description="API group and version of the object.")
    field_path: str | None = Field(None, description="Field of the referenced object. Not used for gateways.")
    kind: str | None = Field(None, description="Kind of the object.")
    name: str | None = Field(None, description="Name of the object.")
    namespace: str | None = Field(
        None,
        description="Namespace of the object. Defaults to the namespace of the referring object.",
    )
    resource_version: str | None = Field(
        None, description="Resource version of the object. Not used for gateways."
    )
    uid: str | None = Field(None, description="UID of the object. Not used for gateways.")


class ApiObject(ApiModel):
    """What every kind has beside its spec and its status."""

    api_version: str = Field(API_VERSION, description="API group and version.")
    kind: str = Field(description="Kind of the object.")
    metadata: ObjectMeta = Field(
        default_factory=ObjectMeta, description="Name, namespace, labels and annotations."
    )

    @property
    def identity(self) -> Identity:
        """What the object is known by."""
        return Identity(self.kind, self.metadata.namespace or "", self.metadata.name)
