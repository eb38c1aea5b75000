"""When to retry: pauses that grow with each try, and start over after a success or a quiet time."""

import random
from dataclasses import dataclass, replace

_MOST_DOUBLINGS = 32
"""More would pass any longest pause, and in the end what a float holds."""


@dataclass(frozen=True, slots=True)
class Pauses:
    """Pauses in seconds that double from `first` up to `longest`; the first `at_once` tries are followed by none."""

    first: float
    longest: float
    at_once: int = 0

    def after(self, tries: int) -> float:
        """Return the pause (seconds) after so many tries in a row."""
        doublings = tries - self.at_once - 1
        return min(self.first * 2 ** min(doublings, _MOST_DOUBLINGS), self.longest) if doublings >= 0 else 0.0


@dataclass(frozen=True, slots=True)
class Streak:
    """Tries in a row, which a quiet time ends.

    Attributes
    ----------
    pauses
        Between the tries.
    quiet
        Seconds beyond the pause after which the next try is the first again.
    number, last
        How many tries, and when (seconds) the last one was.
    """

    pauses: Pauses
    quiet: float
    number: int = 0
    last: float = 0.0

    @property
    def until(self) -> float | None:
        """When (seconds) the next try may be made; None where it may be made at once."""
        return self.last + self._pause if self._pause else None

    def after(self, now: float, *, least: int = 1) -> "Streak":
        """Return them after one more try at `now` (seconds), which counts as `least` in a row."""
        in_a_row = self.number and now - self.last <= self._pause + self.quiet
        return replace(self, number=max(self.number + 1 if in_a_row else 1, least), last=now)

    @property
    def _pause(self) -> float:
        return self.pauses.after(self.number)


class Backoff:
    """Exponential back-off from `first` up to `longest` seconds, with a jitter of a fifth."""

    def __init__(self, first: float, longest: float) -> None:
        self._pauses = Pauses(first, longest)
        self._tries = 0

    @property
    def fresh(self) -> bool:
        """Whether `next` was not called since the start or `reset`."""
        return self._tries == 0

    def next(self) -> float:
        """Return the next pause in seconds."""
        self._tries += 1
        return self._pauses.after(self._tries) * random.uniform(0.8, 1.0)  # noqa: S311  (spreads the load, guards nothing)

    def reset(self) -> None:
        """Start over with the shortest pause."""
        self._tries = 0
