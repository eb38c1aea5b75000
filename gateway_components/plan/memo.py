"""Results that hold for as long as what they were made of stays the same."""

from collections.abc import Container, Hashable
from typing import Generic, TypeVar

__all__ = ["Memo"]

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


class Memo(Generic[K, R]):
    """Results by key, each with the facts it was made of; all of them have what surrounds them in common."""

    def __init__(self) -> None:
        self._around: object = None
        self._results: dict[K, tuple[object, R]] = {}

    def begin(self, around: object, keys: Container[K]) -> None:
        """Keep the results of `keys`, where they have the same surroundings; forget all others."""
        same = self._around == around
        self._around = around
        self._results = {key: known for key, known in self._results.items() if same and key in keys}

    def recall(self, key: K, facts: object) -> R | None:
        """Return the result that was made of these facts; None where there is none."""
        known = self._results.get(key)
        return known[1] if known and known[0] == facts else None

    def note(self, key: K, facts: object, result: R) -> None:
        """Keep a result; it replaces an earlier one of this key."""
        self._results[key] = facts, result
