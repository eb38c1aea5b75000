"""The graph as an SVG of its own: no fonts, scripts or files from elsewhere.

Kinds determine the ranks, and every edge leads to the next one. Of Sugiyama's method, only the order within ranks
remains: a few sweeps of the barycenter heuristic.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from gateway_components.graph.drawing import MARKS, STYLES, label, printable
from gateway_components.graph.model import RANKS, Edge, Graph, Node
from gateway_components.graph.verdicts import State
from gateway_components.identity import Identity

_NAMESPACE = "http://www.w3.org/2000/svg"
_FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_CHARACTER = 7.3
"""Width of a character of a monospaced font of 12 pixels, rounded up."""
_LINE = 16
_PADDING = 10
_LEGEND = 26
_EDGE = "#57606a"
_SWEEPS = 7
"""Odd, so that the last one goes from the classes on: gateways stand by their class."""
_COLUMN_GAP = 70
_ROW_GAP = 18
_MARGIN = 20


@dataclass(frozen=True, slots=True)
class _Box:
    """A rectangle in pixels, from its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> int:
        return self.y + self.height // 2


def svg(graph: Graph) -> str:
    """Return the drawing; equal graphs give equal bytes."""
    lines = {node.key: label(node) for node in graph.nodes}
    sizes = {key: _size(text) for key, text in lines.items()}
    boxes = _arrange(graph, sizes, _LEGEND)
    legend = _legend_text(graph)
    width = max((box.x + box.width + 20 for box in boxes.values()), default=200)
    width = max(width, _width(legend) + 40)
    height = max((box.y + box.height + 20 for box in boxes.values()), default=80)
    root = ET.Element(
        "svg",
        {
            "xmlns": _NAMESPACE,
            "width": str(width),
            "height": str(height),
            "viewBox": f"0 0 {width} {height}",
            "role": "img",
            "font-family": _FONT,
            "font-size": "12",
        },
    )
    ET.SubElement(root, "title").text = "Gateways, and what is broken"
    _arrow_head(root)
    ET.SubElement(root, "rect", {"width": "100%", "height": "100%", "fill": "#ffffff"})
    heading = {"x": "20", "y": "24", "fill": STYLES[State.OK].text}
    ET.SubElement(root, "text", heading).text = legend
    for edge in graph.edges:
        _draw_edge(root, edge, boxes)
    for node in graph.nodes:
        _draw_node(root, node, lines[node.key], boxes[node.key])
    ET.indent(root)
    return f"{ET.tostring(root, encoding='unicode')}\n"


def _legend_text(graph: Graph) -> str:
    counts = {state: sum(node.state is state for node in graph.nodes) for state in State}
    parts = [f"{counts[state]} {state} {MARKS[state]}".strip() for state in State if counts[state]]
    return " · ".join(parts) or "nothing to draw"


def _arrow_head(root: ET.Element) -> None:
    definitions = ET.SubElement(root, "defs")
    marker = ET.SubElement(
        definitions,
        "marker",
        {
            "id": "arrow",
            "viewBox": "0 0 8 8",
            "refX": "8",
            "refY": "4",
            "markerWidth": "8",
            "markerHeight": "8",
            "orient": "auto",
        },
    )
    ET.SubElement(marker, "path", {"d": "M0 0 L8 4 L0 8 z", "fill": _EDGE})


def _draw_edge(root: ET.Element, edge: Edge, boxes: Mapping[Identity, _Box]) -> None:
    source, target = boxes[edge.source], boxes[edge.target]
    start, end = source.x + source.width, target.x
    bend = (start + end) // 2
    path = f"M{start} {source.middle} C{bend} {source.middle} {bend} {target.middle} {end} {target.middle}"
    line = {"class": "edge", "d": path, "fill": "none", "stroke": _EDGE, "marker-end": "url(#arrow)"}
    ET.SubElement(root, "path", line)


def _draw_node(root: ET.Element, node: Node, lines: tuple[str, ...], box: _Box) -> None:
    style = STYLES[node.state]
    group = ET.SubElement(root, "g", {"class": f"node {node.state}"})
    title = f"{node.key}: {node.state}"
    ET.SubElement(group, "title").text = printable(f"{title}. {node.message}" if node.message else title)
    border = {
        "x": str(box.x),
        "y": str(box.y),
        "width": str(box.width),
        "height": str(box.height),
        "rx": "6",
        "fill": style.fill,
        "stroke": style.stroke,
        "stroke-width": str(style.width),
        **({"stroke-dasharray": "5 4"} if style.dashed else {}),
    }
    ET.SubElement(group, "rect", border)
    for number, line in enumerate(lines):
        place = {"x": str(box.x + _PADDING), "y": str(box.y + _PADDING + 11 + number * _LINE)}
        weight = {"font-weight": "bold"} if number == 1 else {}
        ET.SubElement(group, "text", {**place, "fill": style.text, **weight}).text = line


def _size(lines: tuple[str, ...]) -> tuple[int, int]:
    return max(_width(line) for line in lines) + 2 * _PADDING, len(lines) * _LINE + 2 * _PADDING - 4


def _width(text: str) -> int:
    cells = sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
    return round(cells * _CHARACTER)


def _arrange(graph: Graph, sizes: Mapping[Identity, tuple[int, int]], top: int) -> dict[Identity, _Box]:
    """Return the place of each node, `top` pixels below the upper end, by its width and height."""
    columns = _ordered(graph)
    tallest = max((_height(column, sizes) for column in columns), default=0)
    boxes: dict[Identity, _Box] = {}
    x = _MARGIN
    for column in columns:
        y = top + _MARGIN + (tallest - _height(column, sizes)) // 2
        width = max(sizes[key][0] for key in column)
        for key in column:
            boxes[key] = _Box(x, y, width, sizes[key][1])
            y += sizes[key][1] + _ROW_GAP
        x += width + _COLUMN_GAP
    return boxes


def _ordered(graph: Graph) -> list[list[Identity]]:
    """Return the ranks that are not empty, each in an order in which few edges cross."""
    ranks: dict[int, list[Identity]] = {}
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


def _places(columns: Sequence[Sequence[Identity]]) -> dict[Identity, float]:
    """Return how far down each node is in its rank, from 0 to 1: ranks have unequal numbers of nodes."""
    return {key: (place + 0.5) / len(column) for column in columns for place, key in enumerate(column)}


def _barycenter(
    key: Identity, neighbours: Mapping[Identity, tuple[Identity, ...]], places: Mapping[Identity, float]
) -> float:
    found = neighbours.get(key)
    return sum(places[other] for other in found) / len(found) if found else places[key]


def _height(column: Sequence[Identity], sizes: Mapping[Identity, tuple[int, int]]) -> int:
    return sum(sizes[key][1] for key in column) + _ROW_GAP * (len(column) - 1)
