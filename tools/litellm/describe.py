"""Describe types and functions of LiteLLM as JSON; it runs in LiteLLM's own virtual environment.

On stdin a JSON object: `models` (``module:Class``, pydantic models and TypedDicts), `arguments` (``module:callable``)
and `names` (``module:attribute``, lists, maps or Enums of strings). On stdout the same names with their schemas, their
arguments and their strings, and LiteLLM's folder and version.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import json
import sys
import types
import typing
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]
_UNIONS = {typing.Union, types.UnionType}
_LISTS = {list, tuple, set}


def schema_of(kind: Any, above: tuple[Any, ...] = ()) -> Schema:
    """Return the keys below a type as JSON Schema; empty where it has none or they cannot be known."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    below: Schema = {}
    if origin in _UNIONS:
        below = _schema_of_union(arguments, above)
    elif origin is typing.Annotated or str(origin).endswith("Required"):
        below = schema_of(arguments[0], above)
    elif origin is typing.Literal:
        below = {"enum": sorted({str(_plain(value)) for value in arguments if value is not None})}
    elif origin in _LISTS and arguments:
        below = _around("items", schema_of(arguments[0], above))
    elif origin is dict and arguments:
        below = _around("additionalProperties", schema_of(arguments[1], above))
    elif isinstance(kind, type) and kind not in above:
        below = _schema_of_class(kind, (*above, kind))
    return below


def _around(keyword: str, below: Schema) -> Schema:
    return {keyword: below} if below else {}


def _schema_of_union(members: tuple[Any, ...], above: tuple[Any, ...]) -> Schema:
    if any(_is_free_map(member) for member in members):
        return {}
    schemas = [schema for member in members if (schema := schema_of(member, above))]
    # Beside a plain type, the values of a Literal are examples.
    whole = len([member for member in members if member is not type(None)]) == 1
    return schemas[0] if len(schemas) == 1 and (whole or "enum" not in schemas[0]) else {}


def _is_free_map(kind: Any) -> bool:
    return kind is Any or (dict in (kind, typing.get_origin(kind)) and not schema_of(kind))


def _schema_of_class(kind: type, above: tuple[Any, ...]) -> Schema:
    if issubclass(kind, BaseModel):
        fields = {
            alias: field.annotation
            for name, field in kind.model_fields.items()
            for alias in {name, field.alias or name}
        }
        extra = kind.model_config.get("extra") == "allow"
    elif hasattr(kind, "__total__"):  # a TypedDict, of the standard library or of typing_extensions
        fields, extra = typing.get_type_hints(kind), False
    else:
        return {}
    below = {name: schema_of(annotation, above) for name, annotation in fields.items()}
    return {"properties": below, "additionalProperties": extra}


def _arguments(function: Any) -> list[str]:
    return [name for name in inspect.signature(inspect.unwrap(function)).parameters if name != "self"]


def _names(source: Any) -> list[str]:
    return sorted(str(_plain(name)) for name in source)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def main() -> None:
    """Answer the question on stdin."""
    asked = json.load(sys.stdin)
    describe: dict[str, Callable[[Any], Any]] = {
        "models": schema_of,
        "arguments": _arguments,
        "names": _names,
    }
    answer: dict[str, Any] = {
        question: {name: describe[question](_named(name)) for name in names}
        for question, names in asked.items()
    }
    litellm = importlib.import_module("litellm")
    answer["folder"] = str(Path(str(litellm.__file__)).parent)
    answer["version"] = importlib.metadata.version("litellm")
    print(json.dumps(answer))


def _named(name: str) -> Any:
    module, _, path = name.partition(":")
    value: Any = importlib.import_module(module)
    for step in path.split("."):
        value = getattr(value, step)
    return value


if __name__ == "__main__":
    main()
