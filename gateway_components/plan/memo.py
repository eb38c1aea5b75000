"""Results that hold for as long as what they were made of stays the same."""

from collections.abc import Container, Hashable
from typing import Generic, TypeVar

__all__ = ["Memo"]

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


class Memo(Generic[K, R]):
    """Results by key, each valid for the facts that it was made of, and all of them in one context."""

    def __init__(self) -> None:
        self._context: object = None
        self._results: dict[K, tuple[object, R]] = {}

    def begin(self, context: object, keys: Container[K]) -> None:
        """Set the context; drop all results if it is another than before, else those of other keys than `keys`."""
        same = self._context == context
        self._context = context
        self._results = {key: known for key, known in self._results.items() if same and key in keys}

    def recall(self, key: K, facts: object) -> R | None:
        """Return the result that was made of these facts; None where there is none."""
        known = self._results.get(key)
        return known[1] if known and known[0] == facts else None

    def note(self, key: K, facts: object, result: R) -> None:
        """Keep a result; it replaces an earlier one of this key."""
        self._results[key] = facts, result
