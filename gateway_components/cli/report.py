"""Gateways, routes and guards as rows of `gatewayctl status`, for every output format."""

from dataclasses import asdict, dataclass
from typing import Any

from gateway_components.api.gateways import AiGateway, ToolGateway
from gateway_components.api.guardrails import Guard, GuardrailProvider
from gateway_components.api.kinds import GATEWAY_KINDS
from gateway_components.api.meta import ApiObject
from gateway_components.api.tools import ToolRoute
from gateway_components.graph.model import EXTERNAL, Graph, Node, build_graph
from gateway_components.graph.verdicts import Inventory, Ready, State, Verdict, Verdicts, reported_verdicts
from gateway_components.identity import Identity
from gateway_components.plan.references import gateway_of_route
from gateway_components.plan.snapshot import KnownObject, Unreadable
from gateway_components.plan.urls import service_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Columns of every row: an object, whether it is ready, and why, as a word and as a sentence.

    `created` is the creation time as the API server writes it; empty for a missing object.
    """

    kind: str
    namespace: str
    name: str
    ready: Ready
    reason: str
    message: str
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRow(Row):
    """A gateway: its class, and its URL once it is ready."""

    class_name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRow(Row):
    """A route: its gateway (``namespace/name``), its upstream and its URL."""

    gateway: str
    upstream: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRow(Row):
    """A Guard: its provider and type, its modes, and the gateways that use it.

    A missing Guard that a gateway names has a row as well.
    """

    provider: str
    provider_type: str
    modes: tuple[str, ...]
    gateways: tuple[str, ...]


_PLAIN = {"class_name": "class", "provider_type": "providerType"}


@dataclass(frozen=True, slots=True)
class StatusReport:
    """All rows, ordered by namespace and name."""

    gateways: tuple[GatewayRow, ...] = ()
    routes: tuple[RouteRow, ...] = ()
    guards: tuple[GuardRow, ...] = ()

    @property
    def plain(self) -> dict[str, Any]:
        """The report in JSON types."""
        return {
            section: [{_PLAIN.get(name, name): value for name, value in row.items()} for row in rows]
            for section, rows in asdict(self).items()
        }


def status_report(inventory: Inventory, namespace: str | None = None) -> StatusReport:
    """Return the report on a cluster, or on one namespace and the guards that its gateways use."""
    verdicts = reported_verdicts(inventory)
    graph = build_graph(inventory, verdicts)
    gateways = (
        GatewayRow(
            **_common(node.key, inventory, verdicts[node.key]),
            class_name=_class_name(inventory.objects[node.key]),
            url=_gateway_url(inventory.objects[node.key], verdicts[node.key]),
        )
        for node in graph.nodes
        if node.key.kind in GATEWAY_KINDS and node.key in inventory.objects
        if namespace in (None, node.key.namespace)
    )
    routes = (
        _route_row(node.key, inventory, verdicts[node.key], graph)
        for node in graph.nodes
        if node.key.kind == "ToolRoute" and namespace in (None, node.key.namespace)
    )
    guards = (
        _guard_row(node, inventory, verdicts, graph)
        for node in graph.nodes
        if node.key.kind == "Guard" and _concerns(node.key, namespace, graph)
    )
    return StatusReport(
        tuple(sorted(gateways, key=_place)),
        tuple(sorted(routes, key=_place)),
        tuple(sorted(guards, key=_place)),
    )


def _route_row(key: Identity, inventory: Inventory, verdict: Verdict, graph: Graph) -> RouteRow:
    route = inventory.objects[key]
    gateway = gateway_of_route(route) if isinstance(route, ToolRoute) else None
    return RouteRow(
        **_common(key, inventory, verdict),
        gateway=f"{gateway.namespace}/{gateway.name}" if gateway else "",
        upstream=", ".join(
            target.name if target.kind == EXTERNAL else str(target) for target in graph.targets.get(key, ())
        ),
        url=(route.status.url or "") if isinstance(route, ToolRoute) else "",
    )


def _guard_row(node: Node, inventory: Inventory, verdicts: Verdicts, graph: Graph) -> GuardRow:
    key, guard = node.key, inventory.objects.get(node.key)
    verdict = verdicts.get(key) or Verdict(
        node.state, node.reason, node.message, "False" if node.state is State.MISSING else "Unknown"
    )
    providers = graph.targets.get(key, ())
    types = [inventory.objects.get(provider) for provider in providers]
    return GuardRow(
        **_common(key, inventory, verdict),
        provider=", ".join(provider.namespaced_name for provider in providers),
        provider_type=", ".join(
            found.spec.type or "" for found in types if isinstance(found, GuardrailProvider)
        ),
        modes=guard.spec.mode if isinstance(guard, Guard) else (),
        gateways=tuple(str(user) for user in graph.sources.get(key, ())),
    )


def _common(key: Identity, inventory: Inventory, verdict: Verdict) -> dict[str, Any]:
    return {
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
        "ready": verdict.ready,
        "reason": verdict.reason,
        "message": verdict.message,
        "created": _created(inventory.objects.get(key)),
    }


def _created(found: KnownObject | None) -> str:
    if isinstance(found, Unreadable):
        return found.created
    return (found.metadata.creation_timestamp or "") if isinstance(found, ApiObject) else ""


def _class_name(found: KnownObject) -> str:
    return (found.spec.class_name or "") if isinstance(found, AiGateway | ToolGateway) else ""


def _gateway_url(found: KnownObject, verdict: Verdict) -> str:
    if isinstance(found, ToolGateway):
        return found.status.url or ""
    # The status of an AiGateway has no URL.
    if not isinstance(found, AiGateway) or verdict.ready != "True":
        return ""
    return service_url(found.metadata.name, found.metadata.namespace or "", found.spec.port)


def _concerns(key: Identity, namespace: str | None, graph: Graph) -> bool:
    near = (key, *graph.sources.get(key, ()))
    return namespace is None or any(found.namespace == namespace for found in near)


def _place(row: Row) -> tuple[str, str, str]:
    return row.namespace, row.name, row.kind
