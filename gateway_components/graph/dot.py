"""The graph in DOT, the language of Graphviz."""

from collections.abc import Iterator

from gateway_components.graph.labels import label
from gateway_components.graph.model import Graph
from gateway_components.graph.styles import STYLES, Style

__all__ = ["dot"]


def dot(graph: Graph) -> str:
    """Return the graph as a DOT digraph; equal graphs give equal bytes."""
    return "\n".join((*_lines(graph), ""))


def _lines(graph: Graph) -> Iterator[str]:
    names = {node.key: f"n{number}" for number, node in enumerate(graph.nodes, 1)}
    yield "digraph gateways {"
    yield '  graph [rankdir="LR"];'
    yield '  node [shape="box", fontname="Helvetica", fontsize="11"];'
    for node in graph.nodes:
        style = STYLES[node.state]
        attributes = {
            "label": "\\n".join(_escaped(line) for line in label(node)),
            "style": _style(style),
            "fillcolor": style.fill,
            "color": style.stroke,
            "fontcolor": style.text,
            "penwidth": str(style.width),
            "tooltip": _escaped(str(node.state)),
        }
        listed = ", ".join(f'{name}="{value}"' for name, value in attributes.items())
        yield f"  {names[node.key]} [{listed}];"
    for edge in graph.edges:
        yield f"  {names[edge.source]} -> {names[edge.target]};"
    yield "}"


def _style(style: Style) -> str:
    return "filled,rounded,dashed" if style.dashed else "filled,rounded"


def _escaped(text: str) -> str:
    """Return `text` for a quoted string, where a backslash begins an escape, such as that of a new line."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
