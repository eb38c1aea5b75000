"""Where each node of a drawing goes.

The ranks are given by the kinds and every edge leads to the next rank, so of Sugiyama's method only the order within a
rank is left: a few sweeps of the barycenter heuristic.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway_components.graph.model import RANKS, Graph, NodeKey

__all__ = ["Box", "arrange"]

_SWEEPS = 7
"""Odd, so that the last one goes from the classes on: gateways stand by their class."""
_COLUMN_GAP = 70
_ROW_GAP = 18
_MARGIN = 20


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels, from its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> int:
        """Half of its height, from the top of the drawing."""
        return self.y + self.height // 2


def arrange(graph: Graph, sizes: Mapping[NodeKey, tuple[int, int]], top: int) -> dict[NodeKey, Box]:
    """Return the place of each node, `top` pixels below the upper end.

    Parameters
    ----------
    graph
        What to draw.
    sizes
        Width and height of each node.
    top
        Room to leave for a heading.
    """
    columns = _ordered(graph)
    tallest = max((_height(column, sizes) for column in columns), default=0)
    boxes: dict[NodeKey, Box] = {}
    x = _MARGIN
    for column in columns:
        y = top + _MARGIN + (tallest - _height(column, sizes)) // 2
        width = max(sizes[key][0] for key in column)
        for key in column:
            boxes[key] = Box(x, y, width, sizes[key][1])
            y += sizes[key][1] + _ROW_GAP
        x += width + _COLUMN_GAP
    return boxes


def _ordered(graph: Graph) -> list[list[NodeKey]]:
    """Return the ranks that are not empty, each in an order in which few edges cross."""
    ranks: dict[int, list[NodeKey]] = {}
    for node in graph.nodes:
        ranks.setdefault(RANKS[node.key.kind], []).append(node.key)
    columns = [ranks[rank] for rank in sorted(ranks)]
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        neighbours = graph.sources if forward else graph.targets
        for column in columns if forward else reversed(columns):
            places = _places(columns)
            centers = {key: (_barycenter(key, neighbours, places), places[key]) for key in column}
            column.sort(key=centers.__getitem__)
    return columns


def _places(columns: Sequence[Sequence[NodeKey]]) -> dict[NodeKey, float]:
    """Return how far down each node is in its rank, from 0 to 1: ranks have unequal numbers of nodes."""
    return {key: (place + 0.5) / len(column) for column in columns for place, key in enumerate(column)}


def _barycenter(
    key: NodeKey, neighbours: Mapping[NodeKey, tuple[NodeKey, ...]], places: Mapping[NodeKey, float]
) -> float:
    found = neighbours.get(key)
    return sum(places[other] for other in found) / len(found) if found else places[key]


def _height(column: Sequence[NodeKey], sizes: Mapping[NodeKey, tuple[int, int]]) -> int:
    return sum(sizes[key][1] for key in column) + _ROW_GAP * (len(column) - 1)
