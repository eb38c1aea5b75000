"""A text in pieces, so that storing it again reads and writes only the changed ones."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text, which `read` returns; `mark` identifies its content within one process."""

    mark: Hashable
    read: Callable[[], bytes]
