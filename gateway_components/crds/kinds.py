"""The table of kinds: all that the CRDs, the client and the checks need to know about each."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.aigatewayclass import AiGatewayClass
from gateway_components.crds.guard import Guard
from gateway_components.crds.guardrailprovider import GuardrailProvider
from gateway_components.crds.meta import GROUP, VERSION, ApiObject
from gateway_components.crds.toolgateway import ToolGateway
from gateway_components.crds.toolgatewayclass import ToolGatewayClass
from gateway_components.crds.toolroute import ToolRoute
from gateway_components.crds.toolserver import ToolServer

__all__ = ["GROUP", "KINDS", "VERSION", "Kind", "PrinterColumn"]


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
    type: Literal["string", "integer", "date"] = "string"
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
            Kind(
                kind="ToolGateway",
                plural="toolgateways",
                singular="toolgateway",
                model=ToolGateway,
                short_names=("toolgw",),
                namespaced=True,
                runs_workload=True,
                printer_columns=(
                    PrinterColumn("Class", ".spec.toolGatewayClassName"),
                    _condition("Ready", "ToolGatewayReady", "status"),
                    _condition("Reason", "ToolGatewayReady", "reason", priority=1),
                    PrinterColumn("URL", ".status.url"),
                    AGE,
                ),
            ),
            Kind(
                kind="ToolGatewayClass",
                plural="toolgatewayclasses",
                singular="toolgatewayclass",
                model=ToolGatewayClass,
                short_names=("toolgwc",),
                namespaced=False,
                printer_columns=(PrinterColumn("Controller", ".spec.controller"), AGE),
            ),
            Kind(
                kind="ToolRoute",
                plural="toolroutes",
                singular="toolroute",
                model=ToolRoute,
                short_names=("trt",),
                namespaced=True,
                printer_columns=(
                    PrinterColumn("Gateway", ".spec.toolGatewayRef.name"),
                    _condition("Ready", "Ready", "status"),
                    _condition("Reason", "Ready", "reason"),
                    PrinterColumn("URL", ".status.url"),
                    PrinterColumn("Server", ".spec.upstream.toolServerRef.name", priority=1),
                    PrinterColumn("External", ".spec.upstream.external.url", priority=1),
                    AGE,
                ),
            ),
            Kind(
                kind="ToolServer",
                plural="toolservers",
                singular="toolserver",
                model=ToolServer,
                short_names=("tsrv",),
                namespaced=True,
                printer_columns=(
                    PrinterColumn("Transport", ".spec.transportType"),
                    PrinterColumn("Port", ".spec.port", "integer"),
                    PrinterColumn("Path", ".spec.path"),
                    PrinterColumn("Image", ".spec.image", priority=1),
                    PrinterColumn("URL", ".status.url", priority=1),
                    AGE,
                ),
            ),
            Kind(
                kind="Guard",
                plural="guards",
                singular="guard",
                model=Guard,
                short_names=("grd",),
                namespaced=True,
                printer_columns=(
                    PrinterColumn("Provider", ".spec.providerRef.name"),
                    PrinterColumn("Mode", ".spec.mode", description="When it looks, as JSON."),
                    AGE,
                ),
            ),
            Kind(
                kind="GuardrailProvider",
                plural="guardrailproviders",
                singular="guardrailprovider",
                model=GuardrailProvider,
                short_names=("grdp",),
                namespaced=True,
                printer_columns=(PrinterColumn("Type", ".spec.type"), AGE),
            ),
        )
    }
)
"""Every kind we have, by its name in manifests."""
