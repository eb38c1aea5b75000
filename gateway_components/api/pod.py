"""The parts of a pod that a gateway hands through: environment, labels and annotations."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway_components.api.base import ApiModel, AtomicModel, StringMap, text_keys, whole

__all__ = [
    "ConfigMapEnvSource",
    "ConfigMapKeySelector",
    "EnvFromSource",
    "EnvVar",
    "EnvVarSource",
    "FieldSelector",
    "FileKeySelector",
    "MetadataOverlay",
    "Quantity",
    "QuantityMap",
    "ResourceFieldSelector",
    "SecretEnvSource",
    "SecretKeySelector",
]

QUANTITY = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
INT64 = range(-(2**63), 2**63)


def _quantity(value: object) -> int | str:
    """Return `value` if it is a quantity.

    Raises
    ------
    PydanticCustomError
        Of type ``quantity``, for anything else; booleans and broken numbers too.
    """
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


class _Selector(AtomicModel):
    """A key of a named object in the namespace of the pod."""

    name: str = Field("", description="Name of the object, in the namespace of the pod.")
    key: str = Field(description="Key whose value is taken.")
    optional: bool | None = Field(
        None, description="Whether the container starts without the object or the key."
    )


class ConfigMapKeySelector(_Selector):
    """A key of a ConfigMap."""


class SecretKeySelector(_Selector):
    """A key of a Secret."""


class FieldSelector(AtomicModel):
    """A field of the pod itself."""

    api_version: str | None = Field(
        None, description="API version the path is written in; v1 where left out."
    )
    field_path: str = Field(description="Path of the field in the pod, such as status.podIP.")


class FileKeySelector(AtomicModel):
    """A key of an environment file on a volume of the pod."""

    volume_name: str = Field(description="Name of the emptyDir volume of the pod that holds the file.")
    path: str = Field(description="Path of the file inside the volume, without '..'.")
    key: str = Field(description="Variable of the file whose value is taken.")
    optional: bool = Field(
        default=False, description="Whether the container starts without the file or the variable in it."
    )


class ResourceFieldSelector(AtomicModel):
    """A resource request or limit of a container."""

    container_name: str | None = Field(
        None, description="Name of the container; the one with the variable where left out."
    )
    divisor: Quantity | None = Field(
        None, description="Unit the value is given in, such as 1Mi; 1 where left out."
    )
    resource: str = Field(description="Resource, such as limits.cpu.")


class EnvVarSource(ApiModel):
    """Where the value of an environment variable comes from."""

    config_map_key_ref: ConfigMapKeySelector | None = Field(None, description="Takes a key of a ConfigMap.")
    field_ref: FieldSelector | None = Field(None, description="Takes a field of the pod.")
    file_key_ref: FileKeySelector | None = Field(
        None, description="Takes a variable of an environment file; needs the cluster's EnvFiles feature."
    )
    resource_field_ref: ResourceFieldSelector | None = Field(
        None, description="Takes a resource request or limit of a container."
    )
    secret_key_ref: SecretKeySelector | None = Field(None, description="Takes a key of a Secret.")


class EnvVar(ApiModel):
    """An environment variable of a container."""

    name: str = Field(description="Name of the variable.")
    value: str | None = Field(
        None,
        description="Value of the variable; $(NAME) stands for another variable. Goes without valueFrom.",
    )
    value_from: EnvVarSource | None = Field(
        None, description="Where the value comes from instead, such as a Secret. Goes without value."
    )


class _EnvFrom(AtomicModel):
    """A whole object as environment."""

    name: str = Field("", description="Name of the object, in the namespace of the pod.")
    optional: bool | None = Field(None, description="Whether the container starts without the object.")


class ConfigMapEnvSource(_EnvFrom):
    """All keys of a ConfigMap."""


class SecretEnvSource(_EnvFrom):
    """All keys of a Secret."""


class EnvFromSource(ApiModel):
    """Environment variables taken from all keys of an object."""

    config_map_ref: ConfigMapEnvSource | None = Field(None, description="Takes all keys of a ConfigMap.")
    prefix: str | None = Field(None, description="Text put in front of each key to make the variable's name.")
    secret_ref: SecretEnvSource | None = Field(None, description="Takes all keys of a Secret.")


class MetadataOverlay(ApiModel):
    """Labels and annotations for objects that are made from this one."""

    annotations: StringMap = Field(
        default_factory=dict, description="Annotations to add; those that the controller sets itself win."
    )
    labels: StringMap = Field(
        default_factory=dict, description="Labels to add; those that the controller sets itself win."
    )
