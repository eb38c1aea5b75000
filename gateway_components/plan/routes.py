"""ToolRoutes: which gateway serves each, under which key, and what is behind it (spec, "ToolRoute")."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway_components.crds.toolroute import ToolRoute
from gateway_components.plan.classes import nobody_claims, why_nobody_claims
from gateway_components.plan.failure import Failure, PlanWarning, Reason
from gateway_components.plan.keys import GatewayKey, RouteKey, seniority
from gateway_components.plan.kinds import TOOL_GATEWAY
from gateway_components.plan.references import gateway_of_route
from gateway_components.plan.snapshot import GatewayClass, Resources
from gateway_components.plan.upstreams import Upstream, filter_warnings, resolve_upstream, server_key
from gateway_components.plan.urls import service_url

__all__ = ["RoutePlan", "mcp_servers", "plan_routes", "route_key", "server_key", "without_removed"]


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """What one route that concerns us should become.

    Attributes
    ----------
    key, generation
        The route that was planned.
    gateway
        The gateway it refers to; None for a route that refers to none, which has no status.
    server
        Its key in ``mcp_servers``.
    upstream
        The MCP server behind it; None where there is a failure.
    failure
        Why it is not served; None where its gateway serves it.
    warnings
        What is not done as asked, though it is served.
    """

    key: RouteKey
    generation: int | None
    gateway: GatewayKey | None
    server: str
    upstream: Upstream | None = None
    failure: Failure | None = None
    warnings: tuple[PlanWarning, ...] = ()

    @property
    def url(self) -> str | None:
        """Where clients inside the cluster reach it (operator-reference, "ToolRoute URL pattern")."""
        if self.gateway is None or self.failure:
            return None
        return f"{service_url(self.gateway.name, self.gateway.namespace)}/mcp/{self.server}"


def route_key(route: ToolRoute) -> RouteKey:
    """Return the key of a route."""
    return RouteKey(route.metadata.namespace or "", route.metadata.name)


def plan_routes(
    routes: Iterable[ToolRoute],
    claimed: Collection[GatewayKey],
    gateways: Mapping[GatewayKey, str | None],
    classes: Iterable[GatewayClass],
    resources: Resources,
) -> dict[RouteKey, RoutePlan]:
    """Return the plans of all routes that concern us.

    Parameters
    ----------
    routes
        Routes of any namespace.
    claimed
        The gateways that are ours.
    gateways
        All gateways there are, and the class that each names.
    classes
        All classes there are.
    resources
        The ToolServers there are.

    Returns
    -------
    dict
        In the order of the keys. A route of a gateway that is another controller's is not among them.
    """
    classes = tuple(classes)
    plans: dict[RouteKey, RoutePlan] = {}
    holders: dict[tuple[GatewayKey, str], RouteKey] = {}
    for route in sorted(routes, key=_age):
        key, gateway = route_key(route), gateway_of_route(route)
        planned = RoutePlan(key, route.metadata.generation, gateway, server_key(key))
        if gateway is None:
            plans[key] = planned
            continue
        unclaimed = gateway in gateways and gateway not in claimed
        if unclaimed and not nobody_claims(TOOL_GATEWAY, gateways[gateway], classes):
            continue
        try:
            _check_gateway(route, gateway, claimed, gateways)
            # The older one holds the key even while it is broken: its URL must never lead to tools of another.
            holder = holders.setdefault((gateway, planned.server), key)
            if holder != key:
                raise _duplicate(planned.server, holder)
            upstream = resolve_upstream(route, resources)
            plans[key] = replace(planned, upstream=upstream, warnings=tuple(filter_warnings(route)))
        except Failure as failure:
            # The traceback would keep everything alive that led here, for as long as the plan is kept.
            plans[key] = replace(planned, failure=failure.with_traceback(None))
    return dict(sorted(plans.items()))


def mcp_servers(routes: Iterable[RoutePlan]) -> dict[GatewayKey, dict[str, Mapping[str, Any]]]:
    """Return the entries of ``mcp_servers`` of each gateway that serves a route; broken ones are left out."""
    servers: dict[GatewayKey, dict[str, Mapping[str, Any]]] = {}
    for route in routes:
        if route.gateway and route.upstream:
            servers.setdefault(route.gateway, {})[route.server] = route.upstream.entry
    return servers


def without_removed(
    plans: Mapping[RouteKey, RoutePlan], removed: Mapping[GatewayKey, Collection[str]]
) -> dict[RouteKey, RoutePlan]:
    """Return `plans` with a failure for each route that the config patch of its gateway takes away again.

    Parameters
    ----------
    plans
        Plans of routes.
    removed
        Keys of ``mcp_servers`` that patches take away, by gateway.
    """
    return {
        key: replace(plan, upstream=None, failure=_removed(plan.gateway, plan.server), warnings=())
        if plan.gateway and plan.upstream and plan.server in removed.get(plan.gateway, ())
        else plan
        for key, plan in plans.items()
    }


def _age(route: ToolRoute) -> tuple[tuple[bool, str], RouteKey]:
    return seniority(route.metadata.creation_timestamp), route_key(route)


def _check_gateway(
    route: ToolRoute,
    gateway: GatewayKey,
    claimed: Collection[GatewayKey],
    gateways: Mapping[GatewayKey, str | None],
) -> None:
    """Refuse a route whose `gateway` does not serve it, though no other controller does either."""
    kind = route.spec.tool_gateway_ref.kind if route.spec.tool_gateway_ref else None
    if kind and kind != TOOL_GATEWAY.kind:
        raise _not_found(
            f"the route refers to the kind {kind}, but only a ToolGateway serves routes",
            "spec.toolGatewayRef.kind",
            "name a ToolGateway, or leave the kind out",
        )
    if not gateway.name:
        message, cure = (
            "the reference to the gateway has no name",
            "name a ToolGateway, or remove the reference",
        )
        raise _not_found(message, "spec.toolGatewayRef.name", cure)
    if gateway not in gateways:
        message, cure = f"{gateway} does not exist", "create it, or correct the reference"
        raise _not_found(message, "spec.toolGatewayRef", cure)
    if gateway not in claimed:
        why = why_nobody_claims(gateways[gateway])
        message, cure = f"no controller runs {gateway}: {why}", "let it name a ToolGatewayClass that exists"
        raise _not_found(message, "spec.toolGatewayRef", cure)


def _not_found(message: str, field: str, cure: str) -> Failure:
    return Failure(Reason.GATEWAY_NOT_FOUND, message, field=field, cure=cure)


def _removed(gateway: GatewayKey, server: str) -> Failure:
    return Failure(
        Reason.GATEWAY_DEGRADED,
        f"the config patch of {gateway} takes mcp_servers.{server} away",
        field="spec.toolGatewayRef",
        cure="take that out of the patch, or delete this route",
    )


def _duplicate(server: str, holder: RouteKey) -> Failure:
    return Failure(
        Reason.DUPLICATE_SERVER_NAME,
        f"{holder} has the same key {server} and came first",
        field="metadata.name",
        cure="rename this route, or delete the other one",
    )
