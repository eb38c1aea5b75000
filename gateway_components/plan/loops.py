"""Routes that lead back to themselves through the gateways that serve them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gateway_components.api.kinds import GATEWAY_KINDS, TOOL_ROUTE
from gateway_components.errors import listed
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason
from gateway_components.plan.routes import RoutePlan, without
from gateway_components.plan.urls import HTTP_PORT, is_own_address, read_url

_SERVICES = "svc"
"""Label of a host name behind those of a Service and its namespace, whatever the domain of the cluster."""
_MCP = frozenset(("mcp", "sse"))
"""Parts of the paths on which LiteLLM speaks MCP: ``/mcp/KEY``, ``/KEY/mcp``, and for all its servers ``/mcp``."""


_MOST_FOLLOWED = 50
"""Places of a component through which the shortest way is looked for; of more, any others are named."""


@dataclass(frozen=True, slots=True)
class _Graph:
    """Which routes lead on to which.

    Attributes
    ----------
    served
        The routes of each gateway that has any, by their keys in ``mcp_servers``.
    homes
        The gateway of each of these routes.
    follows
        Where each route leads: to one route, or to a gateway and so to all of its routes.
    """

    served: dict[Identity, dict[str, Identity]] = field(default_factory=dict)
    homes: dict[Identity, Identity] = field(default_factory=dict)
    follows: dict[Identity, Identity] = field(default_factory=dict)

    def after(self, place: Identity) -> Iterable[Identity]:
        if place.kind in GATEWAY_KINDS:
            return self.served[place].values()
        following = self.follows.get(place)
        return () if following is None else (following,)

    def leads_to(self, place: Identity, route: Identity) -> bool:
        """Return whether a call at `place` may go to `route` next, in constant time."""
        if place.kind in GATEWAY_KINDS:
            return self.homes.get(route) == place
        return self.follows.get(place) == route


def without_loops(plans: Mapping[Identity, RoutePlan]) -> dict[Identity, RoutePlan]:
    """Return `plans` with a failure for each route in a loop; routes that lead into one stay as they are.

    A call of a route in a loop would never end. Only loops whose routes are all among `plans` are seen.
    """
    graph = _Graph()
    for plan in plans.values():
        if plan.gateway and plan.upstream:
            graph.served.setdefault(plan.gateway, {})[plan.server] = plan.key
            graph.homes[plan.key] = plan.gateway
    for plan in plans.values():
        following = _following(plan, graph.served)
        if following is not None:
            graph.follows[plan.key] = following
    loops = _loops(graph)
    return without(plans, {key: _failure(others) for key, others in loops.items()})


def _following(plan: RoutePlan, served: Mapping[Identity, Mapping[str, Identity]]) -> Identity | None:
    url = read_url(plan.upstream.url) if plan.upstream else None
    if plan.gateway is None or url is None or url.port != HTTP_PORT:
        return None
    gateway = _gateway_at(url.host, plan.gateway)
    path = url.path.lower().strip("/").split("/")
    if gateway not in served:
        return None
    if gateway == plan.gateway and plan.foreign:
        # Whoever is no owner of the gateway does not get it to call itself, on whatever path.
        return gateway
    if not _MCP.intersection(path):
        return None
    named = [served[gateway][part] for part in path if part in served[gateway]]
    # LiteLLM takes a path with a key that it does not know for one to all of its servers.
    return named[0] if named else gateway


def _gateway_at(host: str, caller: Identity) -> Identity:
    """Return the gateway whose Service `host` names; there need be none."""
    if is_own_address(host):
        return caller
    labels = host.split(".")
    if _SERVICES in labels[2:]:
        # Names of ports and of pods may stand in front.
        end = labels.index(_SERVICES, 2)
        labels = labels[end - 2 : end]
    # A bare name is looked up in the namespace of the pod that calls.
    name, *namespace = labels
    return caller._replace(namespace=".".join(namespace) or caller.namespace, name=name)


def _loops(graph: _Graph) -> dict[Identity, str]:
    """Return each route that leads back to itself, and by way of which others; empty where directly.

    A route of another namespace than its gateway learns only of routes of its own.
    """
    loops: dict[Identity, str] = {}
    for component in _components(graph):
        routes = sorted(place for place in component if place.kind == TOOL_ROUTE.kind)
        # Of a large one the same for all in a namespace, or each of thousands would name thousands.
        known: dict[str | None, str] = {}
        for route in routes:
            foreign = graph.homes[route].namespace != route.namespace
            scope = route.namespace if foreign else None
            if graph.follows.get(route) in {route, graph.homes[route]}:
                loops[route] = ""
            elif len(component) > _MOST_FOLLOWED:
                loops[route] = known[scope] = known[scope] if scope in known else _named(routes, scope)
            elif len(component) > 1:
                loops[route] = _named(_shortest(route, graph), scope)
    return loops


def _named(routes: Iterable[Identity], namespace: str | None) -> str:
    names = [str(route) for route in routes if namespace in {None, route.namespace}]
    return listed(names) if names else ""


def _components(graph: _Graph) -> Iterator[list[Identity]]:
    """Yield the strongly connected components, by Tarjan's algorithm without recursion."""
    number: dict[Identity, int] = {}
    lowest: dict[Identity, int] = {}
    unsettled: dict[Identity, None] = {}
    for first in graph.follows:
        path: list[tuple[Identity, Iterator[Identity]]] = []
        if first not in number:
            path.append((first, iter(graph.after(first))))
        while path:
            place, coming = path[-1]
            if place not in number:
                number[place] = lowest[place] = len(number)
                unsettled[place] = None
            following = next(coming, None)
            if following is None:
                path.pop()
                if path:
                    before = path[-1][0]
                    lowest[before] = min(lowest[before], lowest[place])
                if lowest[place] == number[place]:
                    yield _settled(unsettled, place)
            elif following not in number:
                path.append((following, iter(graph.after(following))))
            elif following in unsettled:
                lowest[place] = min(lowest[place], number[following])


def _settled(unsettled: dict[Identity, None], first: Identity) -> list[Identity]:
    """Take the places since `first` out of those that are not settled yet."""
    component: list[Identity] = []
    while not component or component[-1] != first:
        component.append(unsettled.popitem()[0])
    return component


def _shortest(start: Identity, graph: _Graph) -> tuple[Identity, ...]:
    """Return the routes on the shortest cycle through `start`, without it."""
    came_from: dict[Identity, Identity] = {}
    queue: list[Identity] = [start]
    for place in queue:
        if graph.leads_to(place, start):
            return _way(place, came_from)
        for following in graph.after(place):
            if following not in came_from:
                came_from[following] = place
                queue.append(following)
    return ()


def _way(end: Identity, came_from: Mapping[Identity, Identity]) -> tuple[Identity, ...]:
    way: list[Identity] = []
    while end in came_from:
        if end.kind == TOOL_ROUTE.kind:
            way.append(end)
        end = came_from[end]
    return tuple(reversed(way))


def _failure(others: str) -> Failure:
    by_way = f" by way of {others}" if others else ""
    return Failure(
        Reason.UPSTREAM_UNRESOLVED,
        f"the URL loops back to this route{by_way}",
        path=("spec", "upstream", "external", "url"),
        cure="name the MCP server that the route is for",
    )
