"""From a pydantic model to the structural OpenAPI v3 schema that a CRD wants.

The rules of structural schemas: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/
custom-resource-definitions/#specifying-a-structural-schema
"""

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from gateway_components.crds.base import ApiModel
from gateway_components.crds.meta import ApiObject

__all__ = ["Schema", "object_schema", "structural_schema"]

Schema = dict[str, Any]
"""A JSON schema."""

NULL = {"type": "null"}


@cache
def _structural(model: type[ApiModel]) -> Schema:
    raw = model.model_json_schema(by_alias=True, mode="validation")
    schema = _convert(raw, raw.get("$defs", {}))
    schema.pop("description", None)
    return schema


def structural_schema(model: type[ApiModel]) -> Schema:
    """Return the structural schema of a model.

    Parameters
    ----------
    model : type of ApiModel
        Any part of an object.

    Returns
    -------
    dict
        A fresh schema: references inlined, no titles, the fields' descriptions kept, ``X | None``
        written as X, and only the defaults that the API server is to fill in.
    """
    return deepcopy(_structural(model))


def object_schema(model: type[ApiObject]) -> Schema:
    """Return the ``openAPIV3Schema`` of a kind.

    ``metadata`` is a bare object there: the API server has a schema for it and takes no description here.

    Parameters
    ----------
    model : type of ApiObject
        The model of the kind.

    Returns
    -------
    dict
        A fresh schema. Nothing at its top is required: an object without a spec is admitted.
    """
    schema = structural_schema(model)
    schema.pop("required", None)
    for name in ("apiVersion", "kind"):
        schema["properties"][name].pop("default", None)
    schema["properties"]["metadata"] = {"type": "object"}
    summary = (model.__doc__ or "").split("\n", 1)[0]
    return {"description": summary, **schema}


def _convert(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    """Return the structural form of one node of pydantic's JSON schema."""
    plain = _without_null(_inlined(node, definitions), definitions)
    schema = {key: value for key, value in plain.items() if key not in {"title", "$defs"}}
    if "const" in schema:
        # A Literal of one value; structural schemas know enumerations alone.
        schema["enum"] = [schema.pop("const")]
    if isinstance(schema.get("additionalProperties"), Mapping):
        schema["additionalProperties"] = _convert(schema["additionalProperties"], definitions)
    if "items" in schema:
        schema["items"] = _element(schema["items"], definitions)
    if "properties" in schema:
        schema["properties"] = {
            name: _convert(child, definitions) for name, child in schema["properties"].items()
        }
    return schema


def _element(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    """Return the schema of a list's entries; the list's description speaks for them, not a docstring."""
    schema = _convert(node, definitions)
    if "$ref" in node:
        schema.pop("description", None)
    return schema


def _inlined(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    """Return `node` with its ``$ref`` replaced by what it points to; keys beside the reference win."""
    if "$ref" not in node:
        return dict(node)
    target = definitions[str(node["$ref"]).rsplit("/", 1)[-1]]
    beside = {key: value for key, value in node.items() if key != "$ref"}
    return {**target, **beside}


def _without_null(node: Schema, definitions: Mapping[str, Any]) -> Schema:
    """Return `node` without the null among its alternatives and without a null default.

    pydantic writes ``X | None = None`` so; the API server has no nulls, only absent fields.
    """
    if "default" in node and node["default"] is None:
        del node["default"]
    if NULL not in node.get("anyOf", ()):
        return node
    rest = [choice for choice in node.pop("anyOf") if choice != NULL]
    if len(rest) > 1:
        return {"anyOf": rest, **node}
    return {**_inlined(rest[0], definitions), **node}
