"""The graph in Mermaid, which GitHub draws in Markdown, in DOT and in SVG."""

import textwrap
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from gateway_components.errors import printable
from gateway_components.graph.model import EXTERNAL, RANKS, Graph, Node
from gateway_components.graph.verdicts import State
from gateway_components.identity import Identity

MARKS: Mapping[State, str] = {
    State.OK: "",
    State.BROKEN: "✗",
    State.MISSING: "✗",
    State.FOREIGN: "○",
    State.UNKNOWN: "?",
}
"""Marks beside the colours, for readers who cannot distinguish those."""

_COLUMNS = 46
_LINES = 4
_PLAIN = frozenset(" ./:-,()…✗○")
"""Characters, beside letters and digits, without a meaning in Mermaid and in the Markdown of its labels."""


@dataclass(frozen=True, slots=True)
class _Style:
    """Colours of a node's area, border and text, readable on white; width and kind of the border."""

    fill: str
    stroke: str
    text: str = "#1f2328"
    width: int = 1
    dashed: bool = False


STYLES: Mapping[State, _Style] = {
    State.OK: _Style("#eaf6ec", "#2e7d32"),
    State.BROKEN: _Style("#fdecea", "#b3261e", width=2),
    State.MISSING: _Style("#ffffff", "#b3261e", width=2, dashed=True),
    State.FOREIGN: _Style("#eeeeee", "#757575", dashed=True),
    State.UNKNOWN: _Style("#fff8e1", "#8d6e00"),
}


def label(node: Node) -> tuple[str, ...]:
    """Return the lines of a node: its kind, name, reason and message."""
    kind = "external URL" if node.key.kind == EXTERNAL else node.key.kind
    lines = [kind, *_wrapped(node.key.namespaced_name)]
    if node.state is not State.OK:
        lines.append(f"{MARKS[node.state]} {printable(node.reason)}")
        lines += _wrapped(node.message)
    return tuple(lines)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(printable(text), _COLUMNS, max_lines=_LINES, placeholder=" …")


def mermaid(graph: Graph) -> str:
    """Return the flowchart; equal graphs give equal bytes."""
    return "\n".join((*_mermaid_lines(graph), ""))


def _mermaid_lines(graph: Graph) -> Iterator[str]:
    names = {node.key: f"n{number}" for number, node in enumerate(graph.nodes, 1)}
    yield "flowchart LR"
    for node in graph.nodes:
        text = "<br/>".join(_mermaid_text(line) for line in label(node))
        yield f'  {names[node.key]}["{text}"]'
    for edge in graph.edges:
        yield f"  {names[edge.source]} --> {names[edge.target]}"
    for state in State:
        members = [names[node.key] for node in graph.nodes if node.state is state]
        if members:
            style = STYLES[state]
            dashes = ",stroke-dasharray:5 4" if style.dashed else ""
            yield (
                f"  classDef {state} fill:{style.fill},stroke:{style.stroke},color:{style.text}"
                f",stroke-width:{style.width}px{dashes}"
            )
            yield f"  class {','.join(members)} {state}"


def _mermaid_text(text: str) -> str:
    """Return `text` with Mermaid's entity codes (``#35;``) for characters that have a meaning there."""
    return "".join(
        character if character.isalnum() or character in _PLAIN else f"#{ord(character)};"
        for character in text
    )


def dot(graph: Graph) -> str:
    """Return the graph as a DOT digraph; equal graphs give equal bytes."""
    return "\n".join((*_dot_lines(graph), ""))


def _dot_lines(graph: Graph) -> Iterator[str]:
    names = {node.key: f"n{number}" for number, node in enumerate(graph.nodes, 1)}
    yield "digraph gateways {"
    yield '  graph [rankdir="LR"];'
    yield '  node [shape="box", fontname="Helvetica", fontsize="11"];'
    for node in graph.nodes:
        style = STYLES[node.state]
        attributes = {
            "label": "\\n".join(_dot_text(line) for line in label(node)),
            "style": "filled,rounded,dashed" if style.dashed else "filled,rounded",
            "fillcolor": style.fill,
            "color": style.stroke,
            "fontcolor": style.text,
            "penwidth": str(style.width),
            "tooltip": _dot_text(str(node.state)),
        }
        listed = ", ".join(f'{name}="{value}"' for name, value in attributes.items())
        yield f"  {names[node.key]} [{listed}];"
    for edge in graph.edges:
        yield f"  {names[edge.source]} -> {names[edge.target]};"
    yield "}"


def _dot_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


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
    boxes = _arrange(graph, {key: _size(text) for key, text in lines.items()})
    legend = _legend_text(graph)
    width = max((box.x + box.width + _MARGIN for box in boxes.values()), default=200)
    width = max(width, _width(legend) + 2 * _MARGIN)
    height = max((box.y + box.height + _MARGIN for box in boxes.values()), default=80)
    root = ET.Element("svg", {"xmlns": _NAMESPACE, "width": str(width), "height": str(height)})
    root.attrib |= {
        "viewBox": f"0 0 {width} {height}",
        "role": "img",
        "font-family": _FONT,
        "font-size": "12",
    }
    _add(root, "title").text = "Gateways, and what is broken"
    shape = {"viewBox": "0 0 8 8", "refX": 8, "refY": 4, "markerWidth": 8, "markerHeight": 8}
    marker = _add(_add(root, "defs"), "marker", id="arrow", **shape, orient="auto")
    _add(marker, "path", d="M0 0 L8 4 L0 8 z", fill=_EDGE)
    _add(root, "rect", width="100%", height="100%", fill="#ffffff")
    _add(root, "text", x=_MARGIN, y=24, fill=STYLES[State.OK].text).text = legend
    for edge in graph.edges:
        _draw_edge(root, boxes[edge.source], boxes[edge.target])
    for node in graph.nodes:
        _draw_node(root, node, lines[node.key], boxes[node.key])
    ET.indent(root)
    return f"{ET.tostring(root, encoding='unicode')}\n"


def _add(parent: ET.Element, tag: str, **attributes: object) -> ET.Element:
    """Add an element; a dash in the name of an attribute is an underscore here."""
    names = {name.strip("_").replace("_", "-"): str(value) for name, value in attributes.items()}
    return ET.SubElement(parent, tag, names)


def _legend_text(graph: Graph) -> str:
    counts = {state: sum(node.state is state for node in graph.nodes) for state in State}
    parts = [f"{counts[state]} {state} {MARKS[state]}".strip() for state in State if counts[state]]
    return " · ".join(parts) or "nothing to draw"


def _draw_edge(root: ET.Element, source: _Box, target: _Box) -> None:
    start, end = source.x + source.width, target.x
    bend = (start + end) // 2
    path = f"M{start} {source.middle} C{bend} {source.middle} {bend} {target.middle} {end} {target.middle}"
    _add(root, "path", class_="edge", d=path, fill="none", stroke=_EDGE, marker_end="url(#arrow)")


def _draw_node(root: ET.Element, node: Node, lines: tuple[str, ...], box: _Box) -> None:
    style = STYLES[node.state]
    group = _add(root, "g", class_=f"node {node.state}")
    title = f"{node.key}: {node.state}"
    _add(group, "title").text = printable(f"{title}. {node.message}" if node.message else title)
    border = _add(group, "rect", x=box.x, y=box.y, width=box.width, height=box.height, rx=6, fill=style.fill)
    border.attrib |= {"stroke": style.stroke, "stroke-width": str(style.width)}
    if style.dashed:
        border.set("stroke-dasharray", "5 4")
    for number, line in enumerate(lines):
        text = _add(
            group, "text", x=box.x + _PADDING, y=box.y + _PADDING + 11 + number * _LINE, fill=style.text
        )
        if number == 1:
            text.set("font-weight", "bold")
        text.text = line


def _size(lines: tuple[str, ...]) -> tuple[int, int]:
    return max(_width(line) for line in lines) + 2 * _PADDING, len(lines) * _LINE + 2 * _PADDING - 4


def _width(text: str) -> int:
    cells = sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
    return round(cells * _CHARACTER)


def _arrange(graph: Graph, sizes: Mapping[Identity, tuple[int, int]]) -> dict[Identity, _Box]:
    """Return the place of each node, below the legend, by its width and height."""
    columns = _ordered(graph)
    tallest = max((_height(column, sizes) for column in columns), default=0)
    boxes: dict[Identity, _Box] = {}
    x = _MARGIN
    for column in columns:
        y = _LEGEND + _MARGIN + (tallest - _height(column, sizes)) // 2
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
