"""Colours of the states, the same in all drawings, readable on white."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway_components.graph.model import State

__all__ = ["STYLES", "Style"]


@dataclass(frozen=True, slots=True)
class Style:
    """How a node is drawn: colours of its area, its border and its text, width and kind of its border."""

    fill: str
    stroke: str
    text: str = "#1f2328"
    width: int = 1
    dashed: bool = False


STYLES: Mapping[State, Style] = {
    State.OK: Style("#eaf6ec", "#2e7d32"),
    State.BROKEN: Style("#fdecea", "#b3261e", width=2),
    State.MISSING: Style("#ffffff", "#b3261e", width=2, dashed=True),
    State.FOREIGN: Style("#eeeeee", "#757575", dashed=True),
    State.UNKNOWN: Style("#fff8e1", "#8d6e00"),
}
