"""The CustomResourceDefinition of a kind, as an object and as YAML."""

from typing import Any

import yaml

from gateway_components.crds.kinds import Kind, PrinterColumn
from gateway_components.crds.schema import object_schema

__all__ = ["crd", "crd_yaml", "file_name"]

HEADER = "# Generated from the models by python -m gateway_components.crds; change those and run it again.\n"
WIDTH = 110


def file_name(kind: Kind) -> str:
    """Return the name of the file that the CRD of `kind` is kept in."""
    return f"{kind.group}_{kind.plural}.yaml"


def crd(kind: Kind) -> dict[str, Any]:
    """Return the CRD of a kind.

    Parameters
    ----------
    kind : Kind
        An entry of the table of kinds.

    Returns
    -------
    dict
        An ``apiextensions.k8s.io/v1`` CustomResourceDefinition with one version and the status subresource.
    """
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {
            "group": kind.group,
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": list(kind.short_names),
            },
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [
                {
                    "name": kind.version,
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
    return HEADER + yaml.safe_dump(crd(kind), sort_keys=True, allow_unicode=True, width=WIDTH)


def _column(column: PrinterColumn) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.json_path}
    if column.priority:
        entry["priority"] = column.priority
    if column.description:
        entry["description"] = column.description
    return entry
