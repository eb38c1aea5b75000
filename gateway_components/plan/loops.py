"""Routes that lead back to themselves through the gateways that serve them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.keys import GatewayKey, RouteKey
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.urls import parts

__all__ = ["without_loops"]

_DOMAINS = (".svc.cluster.local", ".svc")
_PORTS = {"http": 80}
_MCP = frozenset(("mcp", "sse"))
"""Parts of the paths on which LiteLLM speaks MCP: ``/mcp/KEY``, ``/KEY/mcp``, and for all its servers ``/mcp``."""


@dataclass(frozen=True, slots=True)
class _Graph:
    """Which routes lead on to which.

    Attributes
    ----------
    served
        The routes of each gateway that has any, by their keys in ``mcp_servers``.
    follows
        Where each route leads: to one route, or to a gateway and so to all of its routes.
    """

    served: dict[GatewayKey, dict[str, RouteKey]] = field(default_factory=dict)
    follows: dict[RouteKey, RouteKey | GatewayKey] = field(default_factory=dict)

    def after(self, place: RouteKey | GatewayKey) -> tuple[RouteKey | GatewayKey, ...]:
        """Return where a call that is at `place` goes next."""
        if isinstance(place, GatewayKey):
            return tuple(self.served[place].values())
        following = self.follows.get(place)
        return () if following is None else (following,)


def without_loops(plans: Mapping[RouteKey, RoutePlan]) -> dict[RouteKey, RoutePlan]:
    """Return `plans` with a failure for each route in a loop; routes that lead into one stay as they are.

    A call of a route in a loop would never come to an end. Only loops whose routes are all among `plans` are seen.
    """
    graph = _Graph()
    for plan in plans.values():
        if plan.gateway and plan.upstream:
            graph.served.setdefault(plan.gateway, {})[plan.server] = plan.key
    for plan in plans.values():
        following = _following(plan, graph.served)
        if following is not None:
            graph.follows[plan.key] = following
    return {
        key: replace(plan, upstream=None, failure=_failure(loop), warnings=())
        if (loop := _loop(key, graph)) is not None
        else plan
        for key, plan in plans.items()
    }


def _following(
    plan: RoutePlan, served: Mapping[GatewayKey, Mapping[str, RouteKey]]
) -> RouteKey | GatewayKey | None:
    split = parts(plan.upstream.url) if plan.upstream else None
    if plan.gateway is None or split is None or (split.port or _PORTS.get(split.scheme)) != _PORTS["http"]:
        return None
    host = (split.hostname or "").removesuffix(".")
    for domain in _DOMAINS:
        host = host.removesuffix(domain)
    name, _, namespace = host.partition(".")
    # A bare name is looked up in the namespace of the pod that calls.
    gateway = replace(plan.gateway, namespace=namespace or plan.gateway.namespace, name=name)
    path = split.path.lower().strip("/").split("/")
    if gateway not in served or not _MCP.intersection(path):
        return None
    named = [served[gateway][part] for part in path if part in served[gateway]]
    # LiteLLM takes a path with a key that it does not know for one to all of its servers.
    return named[0] if named else gateway


def _loop(start: RouteKey, graph: _Graph) -> tuple[RouteKey, ...] | None:
    """Return the routes on the shortest way from `start` back to it, `start` left out; None without such a way."""
    came_from: dict[RouteKey | GatewayKey, RouteKey | GatewayKey] = {}
    queue: list[RouteKey | GatewayKey] = [start]
    for place in queue:
        for following in graph.after(place):
            if following == start:
                return _way(place, came_from)
            if following not in came_from:
                came_from[following] = place
                queue.append(following)
    return None


def _way(
    end: RouteKey | GatewayKey, came_from: Mapping[RouteKey | GatewayKey, RouteKey | GatewayKey]
) -> tuple[RouteKey, ...]:
    """Return the routes on the way to `end`; where it began is left out, as nothing came before it."""
    way: list[RouteKey] = []
    while end in came_from:
        if isinstance(end, RouteKey):
            way.append(end)
        end = came_from[end]
    return tuple(reversed(way))


def _failure(others: tuple[RouteKey, ...]) -> Failure:
    by_way = f" by way of {', '.join(str(key) for key in others)}" if others else ""
    return Failure(
        Reason.UPSTREAM_UNRESOLVED,
        f"the URL leads back to this route{by_way}",
        field="spec.upstream.external.url",
        cure="name the MCP server that the route is for",
    )
