"""The graph as an SVG of its own: no fonts, scripts or files from elsewhere."""

import unicodedata
from collections.abc import Mapping
from xml.etree import ElementTree as ET

from gateway_components.graph.labels import MARKS, label, printable
from gateway_components.graph.layout import Box, arrange
from gateway_components.graph.model import Edge, Graph, Node, NodeKey, State
from gateway_components.graph.styles import STYLES

__all__ = ["svg"]

_NAMESPACE = "http://www.w3.org/2000/svg"
_FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_CHARACTER = 7.3
"""Width of a character of a monospaced font of 12 pixels, rounded up."""
_LINE = 16
_PADDING = 10
_LEGEND = 26
_EDGE = "#57606a"


def svg(graph: Graph) -> str:
    """Return the drawing; equal graphs give equal bytes."""
    lines = {node.key: label(node) for node in graph.nodes}
    sizes = {key: _size(text) for key, text in lines.items()}
    boxes = arrange(graph, sizes, _LEGEND)
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


def _draw_edge(root: ET.Element, edge: Edge, boxes: Mapping[NodeKey, Box]) -> None:
    source, target = boxes[edge.source], boxes[edge.target]
    start, end = source.x + source.width, target.x
    bend = (start + end) // 2
    path = f"M{start} {source.middle} C{bend} {source.middle} {bend} {target.middle} {end} {target.middle}"
    line = {"class": "edge", "d": path, "fill": "none", "stroke": _EDGE, "marker-end": "url(#arrow)"}
    ET.SubElement(root, "path", line)


def _draw_node(root: ET.Element, node: Node, lines: tuple[str, ...], box: Box) -> None:
    style = STYLES[node.state]
    group = ET.SubElement(root, "g", {"class": f"node {node.state}"})
    title = f"{node.key.kind} {node.key.path}: {node.state}"
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
