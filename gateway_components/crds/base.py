"""The base of every model here, and the field types that pydantic's strict mode needs help with."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, model_validator
from pydantic.alias_generators import to_camel

__all__ = ["ApiModel", "AtomicModel", "Int32", "Int64", "Many", "Natural64", "StringMap", "whole"]

T = TypeVar("T")


def whole(value: object) -> object:
    """Take ``80.0`` for ``80``, as the API server does: JSON knows one kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Int32 = Annotated[int, BeforeValidator(whole), Field(json_schema_extra={"format": "int32"})]
"""An integer that the schema declares as ``format: int32``."""

Int64 = Annotated[int, BeforeValidator(whole), Field(json_schema_extra={"format": "int64"})]
"""An integer that the schema declares as ``format: int64``."""

Natural64 = Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"}), BeforeValidator(whole)]
"""An `Int64` that is not negative. The bound precedes the validator, else the schema lacks a ``minimum``."""

Many = Annotated[tuple[T, ...], Strict(strict=False)]
"""A list of the API. Strict mode wants a tuple; YAML and JSON give lists, so the container alone is lax."""


def _string_map(value: object) -> object:
    """Drop nulls, and write keys that YAML reads as numbers or booleans as text, as kubectl does."""
    if not isinstance(value, Mapping):
        return value
    return {_key(key): item for key, item in value.items() if item is not None}


def _key(key: object) -> object:
    if isinstance(key, bool):
        return str(key).lower()
    return str(key) if isinstance(key, int) else key


StringMap = Annotated[Mapping[str, str], BeforeValidator(_string_map)]
"""A map from text to text, such as labels."""


class ApiModel(BaseModel):
    """Part of a Kubernetes object: immutable, strictly typed, camelCase outside and snake_case inside.

    A plain default of a field is a default of the API and goes into the CRD. A ``default_factory`` is a
    convenience of Python only: the API server leaves such a field out.

    Unknown fields are dropped, as the API server prunes them; `gateway_components.crds.parse.problems` names
    them.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        alias_generator=to_camel,
        populate_by_name=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _prune_nulls(cls, value: Any) -> Any:
        """Take a null for an absent field, as the API server does: no field of our kinds is nullable."""
        if isinstance(value, Mapping):
            return {key: item for key, item in value.items() if item is not None}
        return value


class AtomicModel(ApiModel):
    """An `ApiModel` that server-side apply replaces as a whole, never field by field."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-map-type": "atomic"})
