"""The base of every model here, and the field types that pydantic's strict mode needs help with."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    Strict,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError

from gateway_components.api.syntax import uri_fault

T = TypeVar("T")


def whole(value: object) -> object:
    """Take ``80.0`` for ``80``, as the API server does: JSON knows one kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _int32(value: int) -> int:
    """Refuse what Go's int32 cannot hold, as the API server does for the format; no schema says so."""
    if value >= 2**31:
        raise PydanticKnownError("less_than_equal", {"le": 2**31 - 1})
    return value


Int64 = Annotated[int, BeforeValidator(whole), Field(json_schema_extra={"format": "int64"})]
"""An integer that the schema declares as ``format: int64``."""

Natural32 = Annotated[
    int, Field(ge=0, json_schema_extra={"format": "int32"}), BeforeValidator(whole), AfterValidator(_int32)
]
"""A natural number of ``format: int32``. The bound precedes the validator, else the schema lacks a ``minimum``."""

Natural64 = Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"}), BeforeValidator(whole)]
"""An `Int64` that is not negative."""

Port = Annotated[int, Field(ge=1, le=65535, json_schema_extra={"format": "int32"}), BeforeValidator(whole)]
"""The number of a port."""

Many = Annotated[tuple[T, ...], Strict(strict=False)]
"""A list of the API. Strict mode wants a tuple; YAML and JSON give lists, so the container alone is lax."""


def _no_duplicate(values: tuple[T, ...], keys: Iterable[object]) -> tuple[T, ...]:
    seen: set[object] = set()
    for key in keys:
        if key in seen:
            raise PydanticCustomError("duplicate", "Input should not have {entry} twice", {"entry": key})
        seen.add(key)
    return values


DistinctMany = Annotated[
    tuple[T, ...],
    Strict(strict=False),
    AfterValidator(lambda values: _no_duplicate(values, values)),
    Field(json_schema_extra={"x-kubernetes-list-type": "set"}),
]
"""A list of the API whose entries differ; they can be hashed."""


NamedMany = Annotated[
    tuple[T, ...],
    Strict(strict=False),
    AfterValidator(lambda values: _no_duplicate(values, (getattr(one, "name", None) for one in values))),
    Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}),
]
"""A list of the API whose entries differ in their names."""


def _uri(value: object, check: ValidatorFunctionWrapHandler) -> str:
    """Check a URL as the API server does, which accepts a list where a format is declared."""
    if isinstance(value, list):
        return json.dumps(value, default=str)
    text: str = check(value)
    if uri_fault(text) is not None:
        raise PydanticCustomError("uri", "Input should be a URL")
    return text


Uri = Annotated[str, Field(json_schema_extra={"format": "uri"}), WrapValidator(_uri)]
"""A text that the schema declares as ``format: uri``. A list is taken too and becomes JSON, which no URL is."""

HttpUri = Annotated[
    str, Field(pattern="^https?://.+", json_schema_extra={"format": "uri"}), WrapValidator(_uri)
]
"""A `Uri` of http or https. The pattern precedes the validator, else the schema lacks it."""


def text_keys(value: object) -> object:
    """Drop the nulls of a map, and turn keys that YAML reads as numbers or booleans into text, as kubectl does."""
    if not isinstance(value, Mapping):
        return value
    return {_key(key): item for key, item in value.items() if item is not None}


def _key(key: object) -> object:
    if isinstance(key, bool):
        return str(key).lower()
    return str(key) if isinstance(key, int) else key


StringMap = Annotated[Mapping[str, str], BeforeValidator(text_keys)]
"""A map from text to text, such as labels."""


class ApiModel(BaseModel):
    """Part of a Kubernetes object: immutable, strictly typed, camelCase outside and snake_case inside.

    A plain default of a field is a default of the API and goes into the CRD. A ``default_factory`` is a
    convenience of Python only: the API server leaves such a field out.

    Unknown fields are dropped, as the API server prunes them; `gateway_components.api.parse.problems` names
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
        if isinstance(value, Mapping) and None in value.values():
            return {key: item for key, item in value.items() if item is not None}
        return value


_M = TypeVar("_M", bound=ApiModel)


def shared(model: type[_M]) -> Callable[[], _M]:
    """Return a default factory that gives one instance to all: most objects leave the field out.

    What a daemon keeps of thousands of objects is then smaller by a third.
    """
    return cache(model)


class AtomicModel(ApiModel):
    """An `ApiModel` that server-side apply replaces as a whole, never field by field."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-map-type": "atomic"})


class OneOfModel(ApiModel):
    """An `ApiModel` of which exactly one field is set; the schema says so in the API server's own language."""

    one_of: ClassVar[tuple[str, ...]]
    """The fields, in the order in which rule and message name them."""

    @model_validator(mode="after")
    def _check_one_of(self) -> Self:
        fields = type(self).model_fields
        given = [fields[name].alias for name in self.one_of if getattr(self, name) is not None]
        if len(given) != 1:
            choices = [fields[name].alias for name in self.one_of]
            raise PydanticCustomError(
                "one_of", "Input should have one of {choices}", {"choices": choices, "given": given}
            )
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        names = [to_camel(name) for name in cls.one_of]
        rule = " + ".join(f"(has(self.{name}) ? 1 : 0)" for name in names) + " == 1"
        message = f"exactly one of {' or '.join(names)} must be set"
        rules = [{"message": message, "rule": rule}]
        handler.resolve_ref_schema(schema)["x-kubernetes-validations"] = rules
        return schema
