"""The parts of a pod that a gateway passes through: environment, labels and annotations."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway_components.api.base import ApiModel, AtomicModel, StringMap, text_keys, whole

QUANTITY = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
INT64 = range(-(2**63), 2**63)


def _quantity(value: object) -> int | str:
    value = whole(value)
    if isinstance(value, str) and re.fullmatch(QUANTITY, value):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value in INT64:
        return value
    raise PydanticCustomError("quantity", "Input should be a quantity such as 1, 100m or 1Gi")


Quantity = Annotated[
    int | str,
    PlainValidator(_quantity),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "pattern": QUANTITY,
            "x-kubernetes-int-or-string": True,
        }
    ),
]
"""A Kubernetes quantity: a whole number, or a string such as ``100m`` or ``1Gi``."""

QuantityMap = Annotated[Mapping[str, Quantity], BeforeValidator(text_keys)]
"""A map from names of resources to quantities."""


class KeySelector(AtomicModel):
    """A key of a Secret or ConfigMap in the namespace of the pod."""

    name: str = Field("", description="Name of the object, in the namespace of the pod.")
    key: str = Field(description="Key of the value.")
    optional: bool | None = Field(
        None, description="Whether the container starts even if the object or the key is missing."
    )


class FieldSelector(AtomicModel):
    """A field of the pod itself."""

    api_version: str | None = Field(None, description="API version of the path. Defaults to v1.")
    field_path: str = Field(description="Path of the field in the pod, such as status.podIP.")


class FileKeySelector(AtomicModel):
    """A key of an environment file on a volume of the pod."""

    volume_name: str = Field(description="Name of the emptyDir volume of the pod that holds the file.")
    path: str = Field(description="Path of the file inside the volume, without '..'.")
    key: str = Field(description="Name of the variable in the file.")
    optional: bool = Field(
        default=False, description="Whether the container starts even if the file or the variable is missing."
    )


class ResourceFieldSelector(AtomicModel):
    """A resource request or limit of a container."""

    container_name: str | None = Field(
        None, description="Name of the container. Defaults to the container of the variable."
    )
    divisor: Quantity | None = Field(None, description="Unit of the value, such as 1Mi. Defaults to 1.")
    resource: str = Field(description="Resource, such as limits.cpu.")


class EnvVarSource(ApiModel):
    """Where the value of an environment variable comes from."""

    config_map_key_ref: KeySelector | None = Field(None, description="Key of a ConfigMap.")
    field_ref: FieldSelector | None = Field(None, description="Field of the pod.")
    file_key_ref: FileKeySelector | None = Field(
        None, description="Variable of an environment file. Requires the EnvFiles feature of the cluster."
    )
    resource_field_ref: ResourceFieldSelector | None = Field(
        None, description="Resource request or limit of a container."
    )
    secret_key_ref: KeySelector | None = Field(None, description="Key of a Secret.")


class EnvVar(ApiModel):
    """An environment variable of a container."""

    name: str = Field(description="Name of the variable.")
    value: str | None = Field(
        None,
        description="Value of the variable. $(NAME) expands to another variable. Excludes valueFrom.",
    )
    value_from: EnvVarSource | None = Field(
        None, description="Source of the value, such as a Secret. Excludes value."
    )


class EnvSource(AtomicModel):
    """A Secret or ConfigMap whose keys all become variables."""

    name: str = Field("", description="Name of the object, in the namespace of the pod.")
    optional: bool | None = Field(
        None, description="Whether the container starts even if the object is missing."
    )


class EnvFromSource(ApiModel):
    """Environment variables taken from all keys of an object."""

    config_map_ref: EnvSource | None = Field(None, description="ConfigMap whose keys become variables.")
    prefix: str | None = Field(None, description="Prefix of the variables' names.")
    secret_ref: EnvSource | None = Field(None, description="Secret whose keys become variables.")


class MetadataOverlay(ApiModel):
    """Labels and annotations for the objects that a gateway creates."""

    annotations: StringMap = Field(
        default_factory=dict,
        description="Annotations to add. They do not override those that the controller sets.",
    )
    labels: StringMap = Field(
        default_factory=dict,
        description="Labels to add. They do not override those that the controller sets.",
    )
