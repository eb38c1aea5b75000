"""The graph as a Mermaid flowchart, which GitHub and many wikis draw where it stands in a Markdown file."""

from collections.abc import Iterator

from gateway_components.graph.labels import label
from gateway_components.graph.model import Graph, State
from gateway_components.graph.styles import STYLES

__all__ = ["mermaid"]

_PLAIN = frozenset(" ./:-,()…✗○")
"""Characters beside letters and digits that mean nothing to Mermaid within quotes, nor to the Markdown in it."""


def mermaid(graph: Graph) -> str:
    """Return the flowchart; equal graphs give equal bytes."""
    return "\n".join((*_lines(graph), ""))


def _lines(graph: Graph) -> Iterator[str]:
    names = {node.key: f"n{number}" for number, node in enumerate(graph.nodes, 1)}
    yield "flowchart LR"
    for node in graph.nodes:
        text = "<br/>".join(_escaped(line) for line in label(node))
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


def _escaped(text: str) -> str:
    """Return `text` with Mermaid's entity codes (``#35;``) for all that may mean something to it."""
    return "".join(
        character if character.isalnum() or character in _PLAIN else f"#{ord(character)};"
        for character in text
    )
