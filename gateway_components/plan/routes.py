"""ToolRoutes: which gateway serves each, under which key, and what is behind it (spec, "ToolRoute")."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gateway_components.api.kinds import TOOL_GATEWAY
from gateway_components.api.tools import ToolRoute
from gateway_components.errors import Finding, Path
from gateway_components.identity import Identity
from gateway_components.plan.claims import nobody_claims, seniority, why_nobody_claims
from gateway_components.plan.findings import Failure, Reason, WarningReason, plan_warning
from gateway_components.plan.references import (
    ROUTE_NAMESPACES_ANNOTATION,
    ROUTE_NAMESPACES_PATH,
    RouteConsent,
    check_namespace,
    gateway_of_route,
    route_consent,
)
from gateway_components.plan.snapshot import Gateway, GatewayClass, Policy, Resources, Unreadable
from gateway_components.plan.upstreams import (
    Upstream,
    documented_key,
    filter_warnings,
    resolve_upstream,
    server_key,
)
from gateway_components.plan.urls import route_url

_ROUTE_BYTES = 128 * 1024
_NAMESPACE_BYTES = 256 * 1024
"""What one route, and all routes of one other namespace, may take of the configuration of a gateway."""
_HOST_BYTES = 4 * _NAMESPACE_BYTES
"""The same of all gateways of a namespace."""
_LISTS_BYTES = 2 * _ROUTE_BYTES
_NAMESPACE_LISTS_BYTES = 2 * _NAMESPACE_BYTES
"""What their lists of tools may have before that is known, as denied tools are removed from those to allow."""
_NAME_BYTES = 4
"""Of a name in a list: quotation marks, comma and space."""
_LISTED = 3
_GATEWAY_PATH: Path = ("spec", "toolGatewayRef")


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """What one route that concerns us should become.

    Attributes
    ----------
    gateway
        The gateway it refers to; None for a route that refers to none, which has no status.
    server
        Its key in ``mcp_servers``.
    upstream, failure
        The MCP server behind it, or why it is not served; warnings are about what is not done as asked though it is.
    rank
        Place in the order in which routes come first: those of the gateway's namespace, then the older ones.
    uid
        Its UID; another object may have its name later.
    """

    key: Identity
    generation: int | None
    gateway: Identity | None
    server: str
    upstream: Upstream | None = None
    failure: Failure | None = None
    warnings: tuple[Finding, ...] = ()
    rank: int = field(default=0, compare=False)
    uid: str | None = field(default=None, compare=False)

    @property
    def foreign(self) -> bool:
        """Whether it is of another namespace than its gateway, and so must not learn what is wrong with that."""
        return self.gateway is not None and self.gateway.namespace != self.key.namespace

    @property
    def url(self) -> str | None:
        """Where clients inside the cluster reach it (operator-reference, "ToolRoute URL pattern")."""
        if self.gateway is None or self.failure:
            return None
        return route_url(self.gateway.name, self.gateway.namespace, self.server)


def plan_routes(
    routes: Iterable[ToolRoute],
    claimed: Mapping[Identity, Gateway | Unreadable],
    gateways: Mapping[Identity, str | None],
    classes: Iterable[GatewayClass],
    resources: Resources,
    policy: Policy,
    *,
    partial: bool = False,
) -> dict[Identity, RoutePlan]:
    """Return the plans of all routes that concern us, in the order of their keys.

    A route of a gateway that is another controller's is not among them.

    Parameters
    ----------
    routes
        Routes of any namespace.
    claimed
        The gateways that are ours.
    gateways
        All gateways there are, and the class that each names.
    partial
        As in `Snapshot`.
    """
    classes = tuple(classes)
    plans: dict[Identity, RoutePlan] = {}
    holders: dict[tuple[Identity, str], Identity] = {}
    spent: dict[tuple[Identity, str], int] = {}
    listed: dict[tuple[Identity, str], int] = {}
    consents: dict[Identity, RouteConsent] = {}
    for rank, route in enumerate(sorted(routes, key=_precedence)):
        key, gateway, metadata = route.identity, gateway_of_route(route), route.metadata
        planned = RoutePlan(key, metadata.generation, gateway, server_key(key), rank=rank, uid=metadata.uid)
        if gateway is None:
            plans[key] = planned
            continue
        if gateway in gateways:
            elsewhere = partial or not nobody_claims(TOOL_GATEWAY, gateways[gateway], classes)
        else:
            elsewhere = partial and _names_tool_gateway(route)
        if elsewhere and gateway not in claimed:
            continue
        try:
            _check_gateway(route, gateway, claimed, gateways, policy)
            if gateway not in consents:
                consents[gateway] = _consent(claimed[gateway])
            _check_consent(planned, gateway, consents[gateway])
            # The older one holds the key even while it is broken: its URL must never lead to tools of another.
            holder = holders.setdefault((gateway, planned.server), key)
            if holder != key:
                raise _duplicate(planned.server, holder)
            _check_lists(route, planned, listed)
            upstream = resolve_upstream(route, resources, policy)
            _spend(planned, upstream, spent)
            plans[key] = replace(planned, upstream=upstream, warnings=tuple(filter_warnings(route)))
        except Failure as failure:
            # The traceback would keep everything alive that led here, for as long as the plan is kept.
            plans[key] = replace(planned, failure=failure.with_traceback(None))
    return dict(sorted(plans.items()))


def mcp_servers(routes: Iterable[RoutePlan]) -> dict[Identity, dict[str, Mapping[str, Any]]]:
    """Return the entries of ``mcp_servers`` of each gateway that serves a route; broken ones are left out."""
    servers: dict[Identity, dict[str, Mapping[str, Any]]] = {}
    for route in routes:
        if route.gateway and route.upstream:
            servers.setdefault(route.gateway, {})[route.server] = route.upstream.entry
    return servers


def documented_keys(routes: Iterable[RoutePlan]) -> dict[str, str | None]:
    """Return the key in ``mcp_servers`` for each documented key of a route; None where another route has it."""
    return {
        documented_key(route.key): None
        if route.failure and route.failure.reason == Reason.DUPLICATE_SERVER_NAME
        else route.server
        for route in routes
    }


def without(
    plans: Mapping[Identity, RoutePlan], failures: Mapping[Identity, Failure]
) -> dict[Identity, RoutePlan]:
    """Return `plans` with `failures`, the routes of which are not served."""
    return {
        key: replace(plan, upstream=None, failure=failures[key], warnings=()) if key in failures else plan
        for key, plan in plans.items()
    }


def served_by_gateway(plans: Mapping[Identity, RoutePlan]) -> dict[Identity, dict[str, str]]:
    """Return the key in ``mcp_servers`` of each route that is served, by its gateway and its ``NAMESPACE/NAME``."""
    served: dict[Identity, dict[str, str]] = {}
    for key, plan in plans.items():
        if plan.gateway and plan.url:
            served.setdefault(plan.gateway, {})[f"{key.namespace}/{key.name}"] = plan.server
    return served


def without_removed(
    plans: Mapping[Identity, RoutePlan], removed: Mapping[Identity, Collection[str]]
) -> dict[Identity, RoutePlan]:
    """Return `plans` with a failure for each route that the config patch of its gateway takes away again.

    `removed` has the keys of ``mcp_servers`` that patches take away, by gateway.
    """
    return without(
        plans,
        {
            key: _removed(plan, plan.gateway)
            for key, plan in plans.items()
            if plan.gateway and plan.upstream and plan.server in removed.get(plan.gateway, ())
        },
    )


def sharing_warnings(gateway: Gateway, routes: Iterable[RoutePlan]) -> Iterator[Finding]:
    """Yield what the owner of a gateway is to know of whose routes it serves."""
    consent = route_consent(gateway.metadata.annotations)
    if consent.warning:
        yield consent.warning
    guests = sorted({route.key.namespace for route in routes if route.foreign and route.upstream})
    if guests and not consent.said:
        others = f" and {len(guests) - _LISTED} more" if len(guests) > _LISTED else ""
        yield plan_warning(
            WarningReason.TOOLS_SHARED,
            f"it serves routes of other namespaces ({', '.join(guests[:_LISTED])}{others}); LiteLLM finds a tool by "
            "its name among those of all routes, so their servers can draw calls of tools of others",
            ROUTE_NAMESPACES_PATH,
            "list the namespaces there whose servers are trusted, or * for all",
        )


def _precedence(route: ToolRoute) -> tuple[bool, tuple[bool, str], Identity]:
    """Return what sorts routes: no route comes before one of the gateway's own namespace, however old it is."""
    key, gateway = route.identity, gateway_of_route(route)
    foreign = gateway is not None and gateway.namespace != key.namespace
    return foreign, seniority(route.metadata.creation_timestamp), key


def _check_lists(route: ToolRoute, planned: RoutePlan, listed: dict[tuple[Identity, str], int]) -> None:
    """Refuse lists of tools that cannot fit, before each reconcile spends time on them."""
    if planned.gateway is None:
        return
    tools = route.spec.tool_filter
    size = sum(len(name) + _NAME_BYTES for name in (*tools.allow, *tools.deny))
    if size > _LISTS_BYTES:
        message = f"its lists of tools have about {size} bytes, but a route may have {_LISTS_BYTES}"
        raise _too_large(message, "shorten them, or use a ToolServer with fewer tools")
    payer = planned.gateway, planned.key.namespace
    listed[payer] = listed.get(payer, 0) + size
    if planned.foreign and listed[payer] > _NAMESPACE_LISTS_BYTES:
        raise _namespace_full(planned, _NAMESPACE_LISTS_BYTES, str(planned.gateway))


def _spend(route: RoutePlan, upstream: Upstream, spent: dict[tuple[Identity, str], int]) -> None:
    """Refuse a route that takes more of the gateway's configuration than one route, or one namespace, may."""
    if route.gateway is None:
        return
    size = len(json.dumps(upstream.entry))
    if size > _ROUTE_BYTES:
        message = (
            f"its entry in the configuration has about {size} bytes, but a route may have {_ROUTE_BYTES}"
        )
        raise _too_large(message, "shorten its lists of tools, or use a ToolServer with fewer tools")
    payer = route.key.namespace
    of_one, of_all = (route.gateway, payer), (Identity(TOOL_GATEWAY.kind, route.gateway.namespace, ""), payer)
    for whose, most, what in (
        (of_one, _NAMESPACE_BYTES, str(route.gateway)),
        (of_all, _HOST_BYTES, f"all gateways of namespace {route.gateway.namespace}"),
    ):
        if route.foreign and spent.get(whose, 0) + size > most:
            raise _namespace_full(route, most, what)
    for whose in (of_one, of_all):
        spent[whose] = spent.get(whose, 0) + size


def _namespace_full(route: RoutePlan, most: int, of: str) -> Failure:
    message = f"the routes of namespace {route.key.namespace} may take {most} bytes of {of}"
    return _too_large(
        f"{message}, and older ones have taken them", "delete or shorten others, or use two gateways"
    )


def no_room(route: RoutePlan) -> Failure:
    """Return why a route is left out of a configuration that is full."""
    return _too_large(
        f"the configuration of {route.gateway} has no room left for this route",
        "shorten its lists of tools, or attach it to another gateway",
    )


def _too_large(message: str, cure: str) -> Failure:
    return Failure(Reason.ROUTE_TOO_LARGE, message, path=("spec", "toolFilter"), cure=cure)


def _names_tool_gateway(route: ToolRoute) -> bool:
    reference = route.spec.tool_gateway_ref
    return bool(reference and reference.name and reference.kind in (None, "", TOOL_GATEWAY.kind))


def _check_gateway(
    route: ToolRoute,
    gateway: Identity,
    claimed: Mapping[Identity, Gateway | Unreadable],
    gateways: Mapping[Identity, str | None],
    policy: Policy,
) -> None:
    """Refuse a route whose `gateway` does not serve it, though no other controller does either."""
    kind = route.spec.tool_gateway_ref.kind if route.spec.tool_gateway_ref else None
    if kind and kind != TOOL_GATEWAY.kind:
        raise _not_found(
            f"the route refers to the kind {kind}, but only a ToolGateway serves routes",
            (*_GATEWAY_PATH, "kind"),
            "name a ToolGateway, or leave the kind out",
        )
    if not gateway.name:
        message, cure = (
            "the reference to the gateway has no name",
            "name a ToolGateway, or remove the reference",
        )
        raise _not_found(message, (*_GATEWAY_PATH, "name"), cure)
    namespace = route.metadata.namespace or ""
    check_namespace(policy, namespace, gateway, (*_GATEWAY_PATH, "namespace"))
    if gateway not in gateways:
        message, cure = f"{gateway} does not exist", "create it, or correct the reference"
        raise _not_found(message, _GATEWAY_PATH, cure, gateway)
    if gateway not in claimed:
        foreign = gateway.namespace != namespace
        why = "" if foreign else f": {why_nobody_claims(gateways[gateway])}"
        message, cure = f"no controller runs {gateway}{why}", "let it name a ToolGatewayClass that exists"
        raise _not_found(message, _GATEWAY_PATH, cure, gateway)


def _consent(gateway: Gateway | Unreadable) -> RouteConsent:
    if isinstance(gateway, Unreadable):
        return RouteConsent()
    return route_consent(gateway.metadata.annotations)


def _check_consent(route: RoutePlan, gateway: Identity, consent: RouteConsent) -> None:
    namespace = route.key.namespace
    if not consent.admits(gateway, namespace):
        raise Failure(
            Reason.REFERENCE_NOT_PERMITTED,
            f"{gateway} takes no routes of namespace {namespace}",
            path=(*_GATEWAY_PATH, "namespace"),
            cure=f"ask its owner to list {namespace} in the gateway's annotation {ROUTE_NAMESPACES_ANNOTATION}",
        )


def _not_found(message: str, path: Path, cure: str, *related: Identity) -> Failure:
    return Failure(Reason.GATEWAY_NOT_FOUND, message, path=path, cure=cure, related=related)


def _removed(route: RoutePlan, gateway: Identity) -> Failure:
    if route.foreign:
        message, cure = f"{gateway} does not serve it", "ask its owner, or delete this route"
    else:
        message = f"the config patch of {gateway} removes mcp_servers.{route.server}"
        cure = "remove that from the patch, or delete this route"
    return Failure(Reason.GATEWAY_DEGRADED, message, path=_GATEWAY_PATH, cure=cure, related=(gateway,))


def _duplicate(server: str, holder: Identity) -> Failure:
    return Failure(
        Reason.DUPLICATE_SERVER_NAME,
        f"{holder} has the same key {server} and came first",
        path=("metadata", "name"),
        related=(holder,),
        cure="rename this route, or delete the other one",
    )
