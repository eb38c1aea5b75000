"""The CustomResourceDefinitions of the kinds, with structural schemas made of the pydantic models.

The rules of structural schemas: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/
custom-resource-definitions/#specifying-a-structural-schema
"""

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any

import yaml

from gateway_components.api.base import ApiModel
from gateway_components.api.kinds import Kind, PrinterColumn
from gateway_components.api.meta import GROUP, VERSION, ApiObject

Schema = dict[str, Any]
"""A JSON schema."""

_NULL = {"type": "null"}
_HEADER = (
    "# Generated from the models by python -m gateway_components.install; change those and run it again.\n"
)
_WIDTH = 110


def file_name(kind: Kind) -> str:
    """Return the name of the file that the CRD of `kind` is kept in."""
    return f"{GROUP}_{kind.plural}.yaml"


def crd(kind: Kind) -> dict[str, Any]:
    """Return the CRD of a kind, with one version and the status subresource."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.crd_name},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": [kind.short_name],
            },
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(column) for column in kind.printer_columns],
                    "schema": {"openAPIV3Schema": object_schema(kind.model)},
                }
            ],
        },
    }


def crd_yaml(kind: Kind) -> str:
    """Return the CRD of `kind` as YAML: sorted keys, so that equal models give equal bytes."""
    return _HEADER + yaml.safe_dump(crd(kind), sort_keys=True, allow_unicode=True, width=_WIDTH)


@cache
def _structural(model: type[ApiModel]) -> Schema:
    raw = model.model_json_schema(by_alias=True, mode="validation")
    schema = _convert(raw, raw.get("$defs", {}))
    schema.pop("description", None)
    return schema


def structural_schema(model: type[ApiModel]) -> Schema:
    """Return the structural schema of a model or of a part of one.

    References are inlined, titles dropped, and descriptions kept. ``X | None`` becomes X. The only defaults are
    those that the API server fills in.
    """
    return deepcopy(_structural(model))


def object_schema(model: type[ApiObject]) -> Schema:
    """Return the ``openAPIV3Schema`` of a kind.

    ``metadata`` is a bare object, for the API server has a schema of its own for it. Nothing at the top is
    required: an object without a spec is admitted.
    """
    schema = structural_schema(model)
    schema.pop("required", None)
    for name in ("apiVersion", "kind"):
        schema["properties"][name].pop("default", None)
    schema["properties"]["metadata"] = {"type": "object"}
    summary = (model.__doc__ or "").split("\n", 1)[0]
    return {"description": summary, **schema}


def _convert(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
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
    """Return the schema of a list's entries, which the list's own description covers."""
    schema = _convert(node, definitions)
    if "$ref" in node:
        schema.pop("description", None)
    return schema


def _inlined(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Schema:
    if "$ref" not in node:
        return dict(node)
    # Each a copy, or YAML would write what they share as an alias.
    target = deepcopy(definitions[str(node["$ref"]).rsplit("/", 1)[-1]])
    beside = {key: value for key, value in node.items() if key != "$ref"}
    return {**target, **beside}


def _without_null(node: Schema, definitions: Mapping[str, Any]) -> Schema:
    """Return `node` without the null of ``X | None = None``: the API server has no nulls, only absent fields."""
    if "default" in node and node["default"] is None:
        del node["default"]
    if _NULL not in node.get("anyOf", ()):
        return node
    rest = [choice for choice in node.pop("anyOf") if choice != _NULL]
    if len(rest) > 1:
        return {"anyOf": rest, **node}
    return {**_inlined(rest[0], definitions), **node}


def _column(column: PrinterColumn) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.json_path}
    if column.priority:
        entry["priority"] = column.priority
    if column.description:
        entry["description"] = column.description
    return entry
