"""The table of kinds: all that the CRDs, the client and the checks need to know about each."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.aigatewayclass import AiGatewayClass
from gateway_components.crds.meta import ApiObject

__all__ = ["GROUP", "KINDS", "VERSION", "Kind", "PrinterColumn"]

GROUP = "runtime.agentic-layer.ai"
VERSION = "v1alpha1"


@dataclass(frozen=True, slots=True)
class PrinterColumn:
    """A column of ``kubectl get``.

    Attributes
    ----------
    name : str
        Heading.
    json_path : str
        What stands in it, in the JSONPath of CRDs.
    type : str
        OpenAPI type; a ``date`` is shown as an age.
    priority : int
        0 shows always, 1 only with ``-o wide``.
    description : str
        What the heading does not say; may be empty.
    """

    name: str
    json_path: str
    type: Literal["string", "date"] = "string"
    priority: int = 0
    description: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object.

    Attributes
    ----------
    kind, plural, singular : str
        Its names in manifests, in paths of the API and in kubectl.
    model : type of ApiObject
        The model of its objects.
    short_names : tuple of str
        Abbreviations for kubectl.
    namespaced : bool
        Whether its objects live in a namespace or belong to the whole cluster.
    runs_workload : bool
        Whether a Deployment and a Service are made under the name of each object.
    printer_columns : tuple of PrinterColumn
        Columns of ``kubectl get``, after the name.
    group, version : str
        API group and version.
    """

    kind: str
    plural: str
    singular: str
    model: type[ApiObject]
    short_names: tuple[str, ...]
    namespaced: bool
    printer_columns: tuple[PrinterColumn, ...]
    runs_workload: bool = False
    group: str = GROUP
    version: str = VERSION

    @property
    def api_version(self) -> str:
        """Return group and version as manifests write them."""
        return f"{self.group}/{self.version}"


AGE = PrinterColumn("Age", ".metadata.creationTimestamp", "date")


def _condition(name: str, condition: str, part: str, priority: int = 0) -> PrinterColumn:
    """Return the column that shows a part, such as ``status``, of the condition of a type."""
    return PrinterColumn(name, f'.status.conditions[?(@.type=="{condition}")].{part}', priority=priority)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        entry.kind: entry
        for entry in (
            Kind(
                kind="AiGateway",
                plural="aigateways",
                singular="aigateway",
                model=AiGateway,
                short_names=("aigw",),
                namespaced=True,
                runs_workload=True,
                printer_columns=(
                    PrinterColumn("Class", ".spec.aiGatewayClassName"),
                    # A column holds one value: of `[*].name` the API server shows the first alone.
                    PrinterColumn("Model", ".spec.aiModels[0].name", description="The first of the models."),
                    _condition("Ready", "AiGatewayReady", "status"),
                    _condition("Reason", "AiGatewayReady", "reason", priority=1),
                    PrinterColumn("Models", ".spec.aiModels", priority=1, description="All models, as JSON."),
                    AGE,
                ),
            ),
            Kind(
                kind="AiGatewayClass",
                plural="aigatewayclasses",
                singular="aigatewayclass",
                model=AiGatewayClass,
                short_names=("aigwc",),
                namespaced=False,
                printer_columns=(PrinterColumn("Controller", ".spec.controller"), AGE),
            ),
        )
    }
)
"""Every kind we have, by its name in manifests."""
