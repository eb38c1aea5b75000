"""Who refers to what, so that a change finds its gateways at a cost that does not grow with the cluster."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

__all__ = ["Index"]

K = TypeVar("K", bound=Hashable)
R = TypeVar("R", bound=Hashable)


class Index(Generic[K, R]):
    """A relation from keys to what they refer to, looked up both ways."""

    def __init__(self) -> None:
        self._references: dict[K, frozenset[R]] = {}
        self._referrers: dict[R, set[K]] = {}

    def set(self, key: K, references: Iterable[R]) -> None:
        """Say that `key` refers to exactly `references`."""
        new, old = frozenset(references), self._references.pop(key, frozenset())
        for reference in old - new:
            referrers = self._referrers[reference]
            referrers.discard(key)
            if not referrers:
                del self._referrers[reference]
        for reference in new - old:
            self._referrers.setdefault(reference, set()).add(key)
        if new:
            self._references[key] = new

    def references(self, key: K) -> frozenset[R]:
        """Return what `key` refers to."""
        return self._references.get(key, frozenset())

    def referrers(self, reference: R) -> frozenset[K]:
        """Return who refers to `reference`."""
        return frozenset(self._referrers.get(reference, ()))

    def referred(self) -> frozenset[R]:
        """Return everything that is referred to."""
        return frozenset(self._referrers)
