"""The graph in Mermaid, which GitHub draws in Markdown, and in DOT; and what every drawing shows of a node."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway_components.graph.model import EXTERNAL, Graph, Node
from gateway_components.graph.verdicts import State

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


def printable(text: str) -> str:
    """Return `text` on one line, with U+FFFD in place of characters that are not printable."""
    line = " ".join(text.split())
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line
    )


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
            "style": _dot_style(style),
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


def _dot_style(style: _Style) -> str:
    return "filled,rounded,dashed" if style.dashed else "filled,rounded"


def _dot_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
