"""The lines of text that every drawing shows of a node."""

import textwrap
from collections.abc import Mapping

from gateway_components.graph.model import EXTERNAL, Node, State

__all__ = ["MARKS", "label", "printable"]

MARKS: Mapping[State, str] = {
    State.OK: "",
    State.BROKEN: "✗",
    State.MISSING: "✗",
    State.FOREIGN: "○",
    State.UNKNOWN: "?",
}
"""What marks a state beside its colour, which not everybody sees."""

_COLUMNS = 46
_LINES = 4


def label(node: Node) -> tuple[str, ...]:
    """Return the lines of a node: its kind, its name, and what is wrong with it, in short."""
    kind = "external URL" if node.key.kind == EXTERNAL else node.key.kind
    lines = [kind, *_wrapped(node.key.path)]
    if node.state is not State.OK:
        lines.append(f"{MARKS[node.state]} {printable(node.reason)}")
        lines += _wrapped(node.message)
    return tuple(lines)


def printable(text: str) -> str:
    """Return `text` on one line, with a mark in place of what cannot be shown or written to XML."""
    line = " ".join(text.split())
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line
    )


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(printable(text), _COLUMNS, max_lines=_LINES, placeholder=" …")
