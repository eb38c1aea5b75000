"""The table of kinds: the CRDs, the client, the watches, the plan and the graph all derive from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, Literal

from gateway_components.api.gateways import (
    AI_GATEWAY_CONTROLLER,
    TOOL_GATEWAY_CONTROLLER,
    AiGateway,
    AiGatewayClass,
    ToolGateway,
    ToolGatewayClass,
)
from gateway_components.api.guardrails import Guard, GuardrailProvider
from gateway_components.api.meta import GROUP, ApiObject
from gateway_components.api.tools import ToolRoute, ToolServer

READY = "Ready"
"""The condition that kubectl, Flux and Argo CD look for; a route has no other, a gateway has it beside its own."""


@dataclass(frozen=True, slots=True)
class PrinterColumn:
    """A column of ``kubectl get``.

    Attributes
    ----------
    json_path
        What it shows, in the JSONPath of CRDs.
    type
        OpenAPI type; a ``date`` is shown as an age.
    priority
        0 shows always, 1 only with ``-o wide``.
    description
        What the heading does not say; may be empty.
    """

    name: str
    json_path: str
    type: Literal["string", "integer", "date"] = "string"
    priority: int = 0
    description: str = ""


class Role(Enum):
    """What the controller does with the objects of a kind, and so what it keeps of them."""

    GATEWAY = "runs a Deployment and a Service for each"
    CLASS = "reads which controller runs its gateways"
    ROUTE = "serves each through its gateway"
    RESOURCE = "reads each where a gateway or a route refers to it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of object.

    Attributes
    ----------
    kind, plural, short_names
        Its names in manifests and in paths of the API, and its abbreviations for kubectl.
    role
        How it is watched, planned and reported on.
    dependents
        Kinds whose objects depend on this one and are reconciled when it changes.
    conditions
        Types of the conditions that the controller sets; none where it does not set the status.
    has_url
        Whether its status has a ``url``.
    printer_columns
        Columns of ``kubectl get``, after the name.
    """

    model: type[ApiObject]
    kind: str
    plural: str
    short_names: tuple[str, ...]
    role: Role
    dependents: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    namespaced: bool = True
    has_url: bool = False
    printer_columns: tuple[PrinterColumn, ...]

    @property
    def singular(self) -> str:
        """Name in kubectl."""
        return self.kind.lower()

    @property
    def crd_name(self) -> str:
        """Name of its CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"

    @property
    def rank(self) -> int:
        """Distance from the classes in the graph of dependencies, which is 0 for a class."""
        if self.role is Role.CLASS:
            return 0
        return 1 + max((KINDS[dependent].rank for dependent in self.dependents), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayKind(Kind):
    """A kind of gateway (operator-reference, "Controller names" and "Status").

    Attributes
    ----------
    class_kind, class_field
        Kind of its class, and the field of its spec that names the class.
    controller
        ``spec.controller`` of the classes that are ours.
    default_class_annotation
        Annotation of a class that takes the gateways naming none.
    """

    class_kind: str
    class_field: str
    controller: str
    default_class_annotation: str

    @property
    def configured(self) -> str:
        """Type of the condition that the desired state was applied."""
        return self.conditions[0]

    @property
    def ready(self) -> str:
        """Type of the condition that the gateway serves, and its reason while it is True."""
        return self.conditions[1]

    def class_of(self, raw: Mapping[str, Any]) -> str | None:
        """Return the class that a gateway in JSON types names, even one that the models do not understand."""
        spec = raw.get("spec")
        name = spec.get(self.class_field) if isinstance(spec, Mapping) else None
        return name if isinstance(name, str) else None


def _condition(name: str, condition: str, part: str, priority: int = 0) -> PrinterColumn:
    return PrinterColumn(name, f'.status.conditions[?(@.type=="{condition}")].{part}', priority=priority)


_AGE = PrinterColumn("Age", ".metadata.creationTimestamp", "date")
_CLASS_COLUMNS = (PrinterColumn("Controller", ".spec.controller"), _AGE)

AI_GATEWAY = GatewayKind(
    model=AiGateway,
    kind="AiGateway",
    plural="aigateways",
    short_names=("aigw",),
    role=Role.GATEWAY,
    conditions=("AiGatewayConfigured", "AiGatewayReady", READY),
    class_kind="AiGatewayClass",
    class_field="aiGatewayClassName",
    controller=AI_GATEWAY_CONTROLLER,
    default_class_annotation="aigatewayclass.kubernetes.io/is-default-class",
    printer_columns=(
        PrinterColumn("Class", ".spec.aiGatewayClassName"),
        # A column holds one value: of `[*].name` the API server shows the first alone.
        PrinterColumn("Model", ".spec.aiModels[0].name", description="First model."),
        _condition("Ready", "AiGatewayReady", "status"),
        _condition("Reason", "AiGatewayReady", "reason", priority=1),
        PrinterColumn("Models", ".spec.aiModels", priority=1, description="All models, as JSON."),
        _AGE,
    ),
)

_AI_GATEWAY_CLASS = Kind(
    model=AiGatewayClass,
    kind="AiGatewayClass",
    plural="aigatewayclasses",
    short_names=("aigwc",),
    role=Role.CLASS,
    dependents=("AiGateway",),
    namespaced=False,
    printer_columns=_CLASS_COLUMNS,
)

TOOL_GATEWAY = GatewayKind(
    model=ToolGateway,
    kind="ToolGateway",
    plural="toolgateways",
    short_names=("toolgw",),
    role=Role.GATEWAY,
    conditions=("ToolGatewayConfigured", "ToolGatewayReady", READY),
    has_url=True,
    class_kind="ToolGatewayClass",
    class_field="toolGatewayClassName",
    controller=TOOL_GATEWAY_CONTROLLER,
    default_class_annotation="toolgatewayclass.kubernetes.io/is-default-class",
    printer_columns=(
        PrinterColumn("Class", ".spec.toolGatewayClassName"),
        _condition("Ready", "ToolGatewayReady", "status"),
        _condition("Reason", "ToolGatewayReady", "reason", priority=1),
        PrinterColumn("URL", ".status.url"),
        _AGE,
    ),
)

_TOOL_GATEWAY_CLASS = Kind(
    model=ToolGatewayClass,
    kind="ToolGatewayClass",
    plural="toolgatewayclasses",
    short_names=("toolgwc",),
    role=Role.CLASS,
    dependents=("ToolGateway",),
    namespaced=False,
    printer_columns=_CLASS_COLUMNS,
)

TOOL_ROUTE = Kind(
    model=ToolRoute,
    kind="ToolRoute",
    plural="toolroutes",
    short_names=("trt",),
    role=Role.ROUTE,
    dependents=("ToolGateway",),
    conditions=(READY,),
    has_url=True,
    printer_columns=(
        PrinterColumn("Gateway", ".spec.toolGatewayRef.name"),
        _condition("Ready", READY, "status"),
        _condition("Reason", READY, "reason"),
        PrinterColumn("URL", ".status.url"),
        PrinterColumn("Server", ".spec.upstream.toolServerRef.name", priority=1),
        PrinterColumn("External", ".spec.upstream.external.url", priority=1),
        _AGE,
    ),
)

TOOL_SERVER = Kind(
    model=ToolServer,
    kind="ToolServer",
    plural="toolservers",
    short_names=("tsrv",),
    role=Role.RESOURCE,
    dependents=("ToolRoute",),
    printer_columns=(
        PrinterColumn("Transport", ".spec.transportType"),
        PrinterColumn("Port", ".spec.port", "integer"),
        PrinterColumn("Path", ".spec.path"),
        PrinterColumn("Image", ".spec.image", priority=1),
        PrinterColumn("URL", ".status.url", priority=1),
        _AGE,
    ),
)

GUARD = Kind(
    model=Guard,
    kind="Guard",
    plural="guards",
    short_names=("grd",),
    role=Role.RESOURCE,
    dependents=("AiGateway", "ToolGateway"),
    printer_columns=(
        PrinterColumn("Provider", ".spec.providerRef.name"),
        PrinterColumn("Mode", ".spec.mode", description="When the guard runs, as JSON."),
        _AGE,
    ),
)

GUARDRAIL_PROVIDER = Kind(
    model=GuardrailProvider,
    kind="GuardrailProvider",
    plural="guardrailproviders",
    short_names=("grdp",),
    role=Role.RESOURCE,
    dependents=("Guard",),
    printer_columns=(PrinterColumn("Type", ".spec.type"), _AGE),
)

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.kind: kind
        for kind in (
            AI_GATEWAY,
            _AI_GATEWAY_CLASS,
            TOOL_GATEWAY,
            _TOOL_GATEWAY_CLASS,
            TOOL_ROUTE,
            TOOL_SERVER,
            GUARD,
            GUARDRAIL_PROVIDER,
        )
    }
)
"""Every kind of ours, by its name in manifests."""

GATEWAY_KINDS: Mapping[str, GatewayKind] = MappingProxyType(
    {kind.kind: kind for kind in (AI_GATEWAY, TOOL_GATEWAY)}
)
"""The kinds of gateway, by their names in manifests."""

RESOURCE_KINDS = frozenset(kind.kind for kind in KINDS.values() if kind.role is Role.RESOURCE)
"""The kinds that gateways and routes refer to."""

OWNED_KINDS: Mapping[str, str] = MappingProxyType(
    {"ConfigMap": "v1", "Deployment": "apps/v1", "Service": "v1"}
)
"""API versions of the objects that each gateway owns, by their kinds."""

CONTENT_KINDS = ("ConfigMap", "Secret")
"""Kinds that gateways take configuration and credentials from."""
