"""From objects and verdicts on them to the graph."""

import re
from collections.abc import Iterator

from gateway_components.crds.guard import Guard
from gateway_components.crds.toolroute import ToolRoute
from gateway_components.graph.inventory import Inventory
from gateway_components.graph.model import EXTERNAL, RANKS, Edge, Graph, Node, NodeKey, State
from gateway_components.graph.verdicts import Verdicts
from gateway_components.plan.keys import Reference
from gateway_components.plan.kinds import GATEWAY_KINDS, TOOL_GATEWAY
from gateway_components.plan.references import (
    gateway_of_route,
    guard_references,
    provider_reference,
    server_reference,
)
from gateway_components.plan.snapshot import Gateway

__all__ = ["build_graph"]

_CREDENTIALS = re.compile(r"//[^/?#]*@")
_AFTER_PATH = re.compile(r"[?#].*", re.DOTALL)


def build_graph(inventory: Inventory, verdicts: Verdicts) -> Graph:
    """Return the graph of everything in `inventory`, and of what it refers to and does not exist.

    Edges lead from classes to gateways, from there to routes and Guards, and from these to ToolServers, external
    URLs and providers. A class that no gateway names is left out. Equal input gives an equal graph.
    """
    edges = sorted(set(_edges(inventory)))
    ends = {key for edge in edges for key in (edge.source, edge.target)}
    nodes = {key: _absent(key, inventory) for key in ends}
    for key in inventory.objects:
        if RANKS[key.kind] == 0 and key not in ends:
            continue
        verdict = verdicts[key]
        fine = verdict.state is State.OK
        reason, message = ("", "") if fine else (verdict.reason, verdict.message)
        nodes[key] = Node(key, verdict.state, reason, message)
    return Graph(tuple(nodes[key] for key in sorted(nodes)), tuple(edges))


def _absent(key: NodeKey, inventory: Inventory) -> Node:
    if key.kind == EXTERNAL:
        return Node(key)
    if inventory.sees(key):
        return Node(key, State.MISSING, "NotFound", "it does not exist")
    return Node(key, State.UNKNOWN, "NotVisible", "it may not be read")


def _edges(inventory: Inventory) -> Iterator[Edge]:
    for key, gateway in inventory.gateways:
        for name in _classes(gateway, inventory):
            yield Edge(NodeKey(GATEWAY_KINDS[key.kind].class_kind, "", name), key)
        for reference in guard_references(gateway):
            yield Edge(key, _key(reference))
    for key, guard in inventory.of(Guard):
        provider = provider_reference(guard)
        if provider:
            yield Edge(key, _key(provider))
    for key, route in inventory.of(ToolRoute):
        yield from _route_edges(key, route)


def _route_edges(key: NodeKey, route: ToolRoute) -> Iterator[Edge]:
    reference, gateway = route.spec.tool_gateway_ref, gateway_of_route(route)
    # What is not a ToolGateway serves no route; the note of the route says so.
    if reference and reference.kind in (None, "", TOOL_GATEWAY.kind) and gateway and gateway.name:
        yield Edge(NodeKey(gateway.kind, gateway.namespace, gateway.name), key)
    server, external = server_reference(route), route.spec.upstream.external
    if server:
        yield Edge(key, _key(server))
    if external:
        yield Edge(key, NodeKey(EXTERNAL, "", _shown(external.url)))


def _classes(gateway: Gateway, inventory: Inventory) -> tuple[str, ...]:
    name = gateway.spec.class_name
    if name:
        return (name,)
    kind = GATEWAY_KINDS[gateway.kind]
    return tuple(
        found.metadata.name
        for found in inventory.classes
        if found.kind == kind.class_kind
        and found.metadata.annotations.get(kind.default_class_annotation) == "true"
    )


def _key(reference: Reference) -> NodeKey:
    return NodeKey(reference.kind, reference.namespace, reference.name)


def _shown(url: str) -> str:
    """Return a URL without the parts that hold credentials: user, password, and what follows the path."""
    return _AFTER_PATH.sub("?…", _CREDENTIALS.sub("//…@", url))
