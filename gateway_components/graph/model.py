"""The graph: what there is, how it hangs together, and how each part is doing."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

__all__ = ["EXTERNAL", "RANKS", "Edge", "Graph", "Node", "NodeKey", "State"]

EXTERNAL = "External"
"""Kind of a node that stands for a URL outside the cluster's ToolServers; its name is the URL."""

RANKS: Mapping[str, int] = {
    "AiGatewayClass": 0,
    "ToolGatewayClass": 0,
    "AiGateway": 1,
    "ToolGateway": 1,
    "Guard": 2,
    "ToolRoute": 2,
    "GuardrailProvider": 3,
    "ToolServer": 3,
    EXTERNAL: 3,
}
"""Every kind of node, and its distance from the classes: every edge leads from one rank to the next."""


class State(StrEnum):
    """How a part is doing."""

    OK = "ok"
    BROKEN = "broken"
    MISSING = "missing"
    FOREIGN = "foreign"
    """Another controller runs it."""
    UNKNOWN = "unknown"
    """Nobody has reported on it yet, it is rolling out, or it may not be read."""


@dataclass(frozen=True, slots=True, order=True)
class NodeKey:
    """A part: kind, namespace (empty for what belongs to the whole cluster) and name."""

    kind: str
    namespace: str
    name: str

    @property
    def path(self) -> str:
        """``namespace/name``, or the name of what has no namespace."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """One part of the graph.

    Attributes
    ----------
    key
        What it is.
    state
        How it is doing.
    reason, message
        Why, as a word and as a sentence; empty where all is well.
    """

    key: NodeKey
    state: State = State.OK
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """A class runs a gateway, a gateway serves a route, and so on."""

    source: NodeKey
    target: NodeKey


@dataclass(frozen=True)
class Graph:
    """Nodes and edges, both in order; both ends of every edge are among the nodes."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = field(default=())

    @cached_property
    def targets(self) -> Mapping[NodeKey, tuple[NodeKey, ...]]:
        """Where the edges of each node lead."""
        return _grouped((edge.source, edge.target) for edge in self.edges)

    @cached_property
    def sources(self) -> Mapping[NodeKey, tuple[NodeKey, ...]]:
        """Where the edges to each node come from."""
        return _grouped((edge.target, edge.source) for edge in self.edges)

    def around(self, namespace: str) -> "Graph":
        """Return the part that concerns `namespace`: its nodes, all that they lead to, and all that leads to them."""
        kept = {node.key for node in self.nodes if node.key.namespace == namespace}
        kept |= _reached(kept, self.targets) | _reached(kept, self.sources)
        return Graph(
            tuple(node for node in self.nodes if node.key in kept),
            tuple(edge for edge in self.edges if edge.source in kept and edge.target in kept),
        )


def _grouped(pairs: Iterable[tuple[NodeKey, NodeKey]]) -> dict[NodeKey, tuple[NodeKey, ...]]:
    grouped: dict[NodeKey, list[NodeKey]] = {}
    for key, other in pairs:
        grouped.setdefault(key, []).append(other)
    return {key: tuple(others) for key, others in grouped.items()}


def _reached(start: Collection[NodeKey], follows: Mapping[NodeKey, tuple[NodeKey, ...]]) -> set[NodeKey]:
    reached: set[NodeKey] = set()
    waiting = list(start)
    while waiting:
        new = set(follows.get(waiting.pop(), ())) - reached
        reached |= new
        waiting += new
    return reached
