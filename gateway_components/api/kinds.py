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
    """A column of ``kubectl get``, by a JSONPath of CRDs and an OpenAPI type; a ``date`` is shown as an age.

    The priority is 0 where it always shows, 1 with ``-o wide``. The description says what the heading does not.
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


def _condition(name: str, condition: str, part: str, priority: int = 0) -> PrinterColumn:
    return PrinterColumn(name, f'.status.conditions[?(@.type=="{condition}")].{part}', priority=priority)


_AGE = PrinterColumn("Age", ".metadata.creationTimestamp", "date")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object.

    Attributes
    ----------
    model
        Its model, which has its name.
    short_name
        Its abbreviation for kubectl.
    role
        How it is watched, planned and reported on.
    columns
        Columns of ``kubectl get``, between name and age.
    dependents
        Kinds whose objects depend on this one and are reconciled when it changes.
    has_url
        Whether its status has a ``url``.
    """

    model: type[ApiObject]
    short_name: str
    role: Role
    columns: tuple[PrinterColumn, ...]
    dependents: tuple[str, ...] = ()
    has_url: bool = False

    @property
    def kind(self) -> str:
        """Name in manifests."""
        return self.model.__name__

    @property
    def singular(self) -> str:
        """Name in kubectl."""
        return self.kind.lower()

    @property
    def plural(self) -> str:
        """Name in paths of the API."""
        return f"{self.singular}{'es' if self.singular.endswith('s') else 's'}"

    @property
    def crd_name(self) -> str:
        """Name of its CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"

    @property
    def namespaced(self) -> bool:
        """Whether its objects are in namespaces."""
        return self.role is not Role.CLASS

    @property
    def printer_columns(self) -> tuple[PrinterColumn, ...]:
        """Columns of ``kubectl get``, after the name."""
        return *self.columns, _AGE

    @property
    def conditions(self) -> tuple[str, ...]:
        """Types of the conditions that the controller sets; none where it does not set the status."""
        return (READY,) if self.role is Role.ROUTE else ()

    @property
    def rank(self) -> int:
        """Distance from the classes in the graph of dependencies, which is 0 for a class."""
        if self.role is Role.CLASS:
            return 0
        return 1 + max((KINDS[dependent].rank for dependent in self.dependents), default=0)


@dataclass(frozen=True, slots=True)
class GatewayKind(Kind):
    """A kind of gateway (operator-reference, "Controller names" and "Status").

    `controller` is ``spec.controller`` of the classes that are ours.
    """

    controller: str = ""

    @property
    def class_kind(self) -> str:
        """Kind of its class."""
        return f"{self.kind}Class"

    @property
    def class_field(self) -> str:
        """Field of its spec that names the class."""
        return f"{self.kind[0].lower()}{self.kind[1:]}ClassName"

    @property
    def default_class_annotation(self) -> str:
        """Annotation of a class that takes the gateways naming none."""
        return f"{self.singular}class.kubernetes.io/is-default-class"

    @property
    def conditions(self) -> tuple[str, ...]:
        """Types of the conditions that the controller sets."""
        return self.configured, self.ready, READY

    @property
    def configured(self) -> str:
        """Type of the condition that the desired state was applied."""
        return f"{self.kind}Configured"

    @property
    def ready(self) -> str:
        """Type of the condition that the gateway serves, and its reason while it is True."""
        return f"{self.kind}Ready"

    def class_of(self, raw: Mapping[str, Any]) -> str | None:
        """Return the class that a gateway in JSON types names, even one that the models do not understand."""
        spec = raw.get("spec")
        name = spec.get(self.class_field) if isinstance(spec, Mapping) else None
        return name if isinstance(name, str) else None


_CLASS_COLUMNS = (PrinterColumn("Controller", ".spec.controller"),)

AI_GATEWAY = GatewayKind(
    AiGateway,
    "aigw",
    Role.GATEWAY,
    (
        PrinterColumn("Class", ".spec.aiGatewayClassName"),
        # A column holds one value: of `[*].name` the API server shows the first alone.
        PrinterColumn("Model", ".spec.aiModels[0].name", description="First model."),
        _condition("Ready", "AiGatewayReady", "status"),
        _condition("Reason", "AiGatewayReady", "reason", priority=1),
        PrinterColumn("Models", ".spec.aiModels", priority=1, description="All models, as JSON."),
    ),
    controller=AI_GATEWAY_CONTROLLER,
)
_AI_GATEWAY_CLASS = Kind(AiGatewayClass, "aigwc", Role.CLASS, _CLASS_COLUMNS, ("AiGateway",))
TOOL_GATEWAY = GatewayKind(
    ToolGateway,
    "toolgw",
    Role.GATEWAY,
    (
        PrinterColumn("Class", ".spec.toolGatewayClassName"),
        _condition("Ready", "ToolGatewayReady", "status"),
        _condition("Reason", "ToolGatewayReady", "reason", priority=1),
        PrinterColumn("URL", ".status.url"),
    ),
    has_url=True,
    controller=TOOL_GATEWAY_CONTROLLER,
)
_TOOL_GATEWAY_CLASS = Kind(ToolGatewayClass, "toolgwc", Role.CLASS, _CLASS_COLUMNS, ("ToolGateway",))
TOOL_ROUTE = Kind(
    ToolRoute,
    "trt",
    Role.ROUTE,
    (
        PrinterColumn("Gateway", ".spec.toolGatewayRef.name"),
        _condition("Ready", READY, "status"),
        _condition("Reason", READY, "reason"),
        PrinterColumn("URL", ".status.url"),
        PrinterColumn("Server", ".spec.upstream.toolServerRef.name", priority=1),
        PrinterColumn("External", ".spec.upstream.external.url", priority=1),
    ),
    ("ToolGateway",),
    has_url=True,
)
TOOL_SERVER = Kind(
    ToolServer,
    "tsrv",
    Role.RESOURCE,
    (
        PrinterColumn("Transport", ".spec.transportType"),
        PrinterColumn("Port", ".spec.port", "integer"),
        PrinterColumn("Path", ".spec.path"),
        PrinterColumn("Image", ".spec.image", priority=1),
        PrinterColumn("URL", ".status.url", priority=1),
    ),
    ("ToolRoute",),
)
GUARD = Kind(
    Guard,
    "grd",
    Role.RESOURCE,
    (
        PrinterColumn("Provider", ".spec.providerRef.name"),
        PrinterColumn("Mode", ".spec.mode", description="When the guard runs, as JSON."),
    ),
    ("AiGateway", "ToolGateway"),
)
GUARDRAIL_PROVIDER = Kind(
    GuardrailProvider, "grdp", Role.RESOURCE, (PrinterColumn("Type", ".spec.type"),), ("Guard",)
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
