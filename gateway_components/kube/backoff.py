"""Growing pauses between tries."""

import random

__all__ = ["Backoff"]


class Backoff:
    """Doubles a pause from `first` up to `longest` seconds, spread by up to a fifth so that crowds disperse."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._tries = 0

    @property
    def fresh(self) -> bool:
        """Whether no pause was asked for since the start or `reset`."""
        return self._tries == 0

    def next(self) -> float:
        """Return the next pause in seconds."""
        pause: float = min(self._first * 2**self._tries, self._longest)
        self._tries = min(self._tries + 1, 32)
        return pause * random.uniform(0.8, 1.0)  # noqa: S311  (spreads the load, guards nothing)

    def reset(self) -> None:
        """Begin with the shortest pause again."""
        self._tries = 0
