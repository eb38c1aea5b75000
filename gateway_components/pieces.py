"""A text in pieces, so that whoever keeps it need look at those alone that have changed."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

__all__ = ["Piece"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text.

    Attributes
    ----------
    mark
        Stands for what it holds: in one process, pieces with the same mark hold the same.
    read
        Returns what it holds.
    """

    mark: Hashable
    read: Callable[[], bytes]
