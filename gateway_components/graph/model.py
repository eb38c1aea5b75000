"""The graph of objects and references, with the state of each node."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gateway_components.api.guardrails import Guard
from gateway_components.api.kinds import GATEWAY_KINDS, KINDS, TOOL_GATEWAY, TOOL_SERVER, Role
from gateway_components.api.tools import ToolRoute
from gateway_components.graph.verdicts import Inventory, State, Verdicts
from gateway_components.identity import Identity
from gateway_components.plan.references import (
    gateway_of_route,
    guard_references,
    provider_reference,
    server_reference,
)
from gateway_components.plan.snapshot import Gateway

EXTERNAL = "External"
"""Kind of the node of an upstream URL that is no ToolServer; its name is the URL."""

RANKS: Mapping[str, int] = {**{kind.kind: kind.rank for kind in KINDS.values()}, EXTERNAL: TOOL_SERVER.rank}
"""Every kind of node, and its distance from the classes: every edge leads from one rank to the next."""

_ELSEWHERE = frozenset(kind.kind for kind in KINDS.values() if kind.role in (Role.GATEWAY, Role.CLASS))
"""Kinds that may exist in a cluster beside those in files."""
_CREDENTIALS = re.compile(r"//[^/?#]*@")
_AFTER_PATH = re.compile(r"[?#].*", re.DOTALL)


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """An object, existing or not, with its state and why; the reason is empty if all is well."""

    key: Identity
    state: State = State.OK
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """A class runs a gateway, a gateway serves a route, and so on."""

    source: Identity
    target: Identity


@dataclass(frozen=True)
class Graph:
    """Nodes and edges, both in order; both ends of every edge are among the nodes."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = field(default=())

    @cached_property
    def targets(self) -> Mapping[Identity, tuple[Identity, ...]]:
        """The targets of each node's edges."""
        return _grouped((edge.source, edge.target) for edge in self.edges)

    @cached_property
    def sources(self) -> Mapping[Identity, tuple[Identity, ...]]:
        """The sources of the edges to each node."""
        return _grouped((edge.target, edge.source) for edge in self.edges)

    def around(self, namespace: str) -> "Graph":
        """Return the nodes of `namespace` with everything connected to them."""
        kept = {node.key for node in self.nodes if node.key.namespace == namespace}
        kept |= _reached(kept, self.targets) | _reached(kept, self.sources)
        return Graph(
            tuple(node for node in self.nodes if node.key in kept),
            tuple(edge for edge in self.edges if edge.source in kept and edge.target in kept),
        )


def _grouped(pairs: Iterable[tuple[Identity, Identity]]) -> dict[Identity, tuple[Identity, ...]]:
    grouped: dict[Identity, list[Identity]] = {}
    for key, other in pairs:
        grouped.setdefault(key, []).append(other)
    return {key: tuple(others) for key, others in grouped.items()}


def _reached(start: Collection[Identity], follows: Mapping[Identity, tuple[Identity, ...]]) -> set[Identity]:
    reached: set[Identity] = set()
    waiting = list(start)
    while waiting:
        new = set(follows.get(waiting.pop(), ())) - reached
        reached |= new
        waiting += new
    return reached


def build_graph(inventory: Inventory, verdicts: Verdicts) -> Graph:
    """Return the graph of everything in `inventory`, and of what it refers to and does not exist.

    Edges lead from classes to gateways, on to routes and Guards, and on to ToolServers, external URLs and providers. A
    class that no gateway names is left out. Equal input gives an equal graph.
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


def _absent(key: Identity, inventory: Inventory) -> Node:
    if key.kind == EXTERNAL:
        return Node(key)
    if inventory.partial and key.kind in _ELSEWHERE:
        return Node(key, State.UNKNOWN, "NotGiven", "it is not among the files")
    if inventory.sees(key):
        return Node(key, State.MISSING, "NotFound", "it does not exist")
    return Node(key, State.UNKNOWN, "NotVisible", "it may not be read")


def _edges(inventory: Inventory) -> Iterator[Edge]:
    for key, gateway in inventory.gateways:
        for name in _classes(gateway, inventory):
            yield Edge(Identity(GATEWAY_KINDS[key.kind].class_kind, "", name), key)
        for reference in guard_references(gateway):
            yield Edge(key, reference)
    for key, guard in inventory.of(Guard):
        provider = provider_reference(guard)
        if provider:
            yield Edge(key, provider)
    for key, route in inventory.of(ToolRoute):
        yield from _route_edges(key, route)


def _route_edges(key: Identity, route: ToolRoute) -> Iterator[Edge]:
    reference, gateway = route.spec.tool_gateway_ref, gateway_of_route(route)
    # What is not a ToolGateway serves no route; the note of the route says so.
    if reference and reference.kind in (None, "", TOOL_GATEWAY.kind) and gateway and gateway.name:
        yield Edge(gateway, key)
    server, external = server_reference(route), route.spec.upstream.external
    if server:
        yield Edge(key, server)
    if external:
        yield Edge(key, Identity(EXTERNAL, "", _shown(external.url)))


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


def _shown(url: str) -> str:
    """Return a URL without the parts that hold credentials: user, password, and what follows the path."""
    return _AFTER_PATH.sub("?…", _CREDENTIALS.sub("//…@", url))
