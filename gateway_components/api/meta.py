"""What every object of the API has: metadata, conditions and references."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from gateway_components.api.base import ApiModel, AtomicModel, Int64, Many, Natural64, StringMap
from gateway_components.identity import Identity

__all__ = [
    "API_VERSION",
    "GROUP",
    "VERSION",
    "ApiObject",
    "Condition",
    "ConditionedStatus",
    "ObjectMeta",
    "ObjectReference",
    "ObservedStatus",
    "OwnerReference",
]

GROUP = "runtime.agentic-layer.ai"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
"""What all our kinds are written in."""

CONDITION_REASON = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
CONDITION_TYPE = (
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"
)


class OwnerReference(ApiModel):
    """The object that another one is deleted with."""

    api_version: str = Field(description="API group and version of the owner.")
    kind: str = Field(description="Kind of the owner.")
    name: str = Field(description="Name of the owner.")
    uid: str = Field(description="UID of the owner, which a new object of the same name does not share.")
    controller: bool | None = Field(None, description="Whether the owner manages the object.")
    block_owner_deletion: bool | None = Field(
        None, description="Whether a foreground deletion of the owner waits for this object."
    )


class ObjectMeta(ApiModel):
    """Name, labels and bookkeeping of an object.

    Timestamps stay the strings the API server wrote (``2025-01-31T12:00:00Z``): their order is that of time.
    """

    name: str = Field("", description="Name, unique among the objects of one kind in a namespace.")
    generate_name: str = Field("", description="Prefix of the name that the API server makes up.")
    namespace: str | None = Field(None, description="Namespace; objects of the cluster have none.")
    uid: str | None = Field(None, description="Identity across all time, set by the API server.")
    generation: Int64 | None = Field(None, description="Counts the changes of the spec.")
    resource_version: str | None = Field(None, description="Changes with each write; opaque.")
    creation_timestamp: str | None = Field(None, description="When the object was created.")
    deletion_timestamp: str | None = Field(
        None, description="When the object is due to go; unset while it lives."
    )
    deletion_grace_period_seconds: Int64 | None = Field(
        None, description="Seconds between request and deletion."
    )
    labels: StringMap = Field(default_factory=dict, description="Labels that selectors match.")
    annotations: StringMap = Field(default_factory=dict, description="Notes for tools and controllers.")
    owner_references: Many[OwnerReference] = Field(
        default_factory=tuple, description="The objects that this one is deleted with."
    )
    finalizers: Many[str] = Field(default_factory=tuple, description="Who must agree before the object goes.")
    managed_fields: Many[Mapping[str, Any]] = Field(
        default_factory=tuple, description="Which writer owns which field; kept by the API server."
    )
    self_link: str | None = Field(None, description="Not set by any supported Kubernetes version.")


class Condition(ApiModel):
    """One aspect of an object's state, as its controller last saw it."""

    type: str = Field(
        max_length=316,
        pattern=CONDITION_TYPE,
        description="Name of the aspect; at most one condition has it.",
    )
    status: Literal["True", "False", "Unknown"] = Field(description="Whether the aspect holds.")
    reason: str = Field(
        min_length=1,
        max_length=1024,
        pattern=CONDITION_REASON,
        description="One word in CamelCase for programs: why the status is what it is.",
    )
    message: str = Field(max_length=32768, description="The same for people, in a sentence.")
    last_transition_time: str = Field(
        description="When the status last flipped.", json_schema_extra={"format": "date-time"}
    )
    observed_generation: Natural64 | None = Field(
        None,
        description="The metadata.generation that this condition speaks of; an older one is out of date.",
    )


class ConditionedStatus(ApiModel):
    """A status that is conditions and nothing else."""

    conditions: Many[Condition] = Field(
        default_factory=tuple, description="The current conditions of the object, one per type."
    )


class ObservedStatus(ConditionedStatus):
    """A status that says which generation of its object it speaks of."""

    observed_generation: Natural64 | None = Field(
        None,
        description="The metadata.generation that the status speaks of; an older one is out of date.",
    )


class ObjectReference(AtomicModel):
    """A reference to any object. All parts are optional in the API; who resolves it says which ones count."""

    api_version: str | None = Field(None, description="API group and version of the object.")
    field_path: str | None = Field(
        None, description="Part of the object that is meant; not used for gateways."
    )
    kind: str | None = Field(None, description="Kind of the object.")
    name: str | None = Field(None, description="Name of the object.")
    namespace: str | None = Field(
        None,
        description="Namespace of the object; the namespace of the referring object where it is left out.",
    )
    resource_version: str | None = Field(None, description="Version of the object; not used for gateways.")
    uid: str | None = Field(None, description="UID of the object; not used for gateways.")


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
