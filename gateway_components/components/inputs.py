"""Inputs of any shape as plain JSON types, or as an Output of them where they hold Outputs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from enum import Enum
from inspect import isawaitable
from typing import Any

import pulumi
from pulumi._types import is_input_type
from pydantic.alias_generators import to_camel

__all__ = ["camel_keys", "plain", "resolved", "together"]


def plain(value: Any) -> Any:
    """Return `value` with every args class in it turned into a camelCase map.

    Fields of an args class that are None are left out; keys become text, as in JSON. The result is an Output exactly
    where `value` is or holds one: what is known at once stays known, so that a mistake in it is found at once.
    """
    if _is_late(value):
        return resolved(value, plain)
    if isinstance(value, Enum):
        return value.value
    if _is_args(value):
        value = {to_camel(key): part for key, part in _fields(value).items() if part is not None}
    if isinstance(value, Mapping):
        return together({_text(key): plain(part) for key, part in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        parts = [plain(part) for part in value]
        return pulumi.Output.all(*parts) if any(map(_is_output, parts)) else parts
    return value


def resolved(value: Any, function: Callable[[Any], Any]) -> Any:
    """Return what `function` makes of `value`: at once where it is known, else as an Output."""
    return pulumi.Output.from_input(value).apply(function) if _is_late(value) else function(value)


def together(parts: Mapping[str, Any]) -> Any:
    """Return `parts` as a dict, or as one Output of a dict where a value is an Output."""
    if not any(map(_is_output, parts.values())):
        return dict(parts)
    keys = tuple(parts)
    return pulumi.Output.all(*parts.values()).apply(lambda values: dict(zip(keys, values, strict=True)))


def camel_keys(value: Any) -> Any:
    """Return `value` with the keys of all its maps in camelCase, for maps that know only fields.

    Pulumi's own resources take ``value_from`` and ``valueFrom`` in maps alike.
    """
    if isinstance(value, Mapping):
        return {to_camel(str(key)): camel_keys(part) for key, part in value.items()}
    return [camel_keys(part) for part in value] if isinstance(value, list) else value


def _text(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _is_late(value: Any) -> bool:
    return _is_output(value) or isawaitable(value)


def _is_output(value: Any) -> bool:
    return isinstance(value, pulumi.Output)


def _is_args(value: Any) -> bool:
    return not isinstance(value, type) and (is_dataclass(value) or is_input_type(type(value)))


def _fields(args: Any) -> Mapping[str, Any]:
    return args if isinstance(args, Mapping) else vars(args)
