"""Samples and what is said of them."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Samples"]


@dataclass(frozen=True)
class Samples:
    """Seconds that something took, each time it was measured."""

    seconds: Sequence[float]

    @property
    def p50(self) -> float:
        """The median."""
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        """What 95 of 100 stay below, interpolated between samples."""
        if len(self.seconds) == 1:
            return self.seconds[0]
        return statistics.quantiles(self.seconds, n=20, method="inclusive")[-1]

    def as_json(self, *, samples: bool) -> dict[str, Any]:
        """Return percentiles and extremes, and every sample if asked; rounded to milliseconds."""
        summary: dict[str, Any] = {
            "p50": round(self.p50, 3),
            "p95": round(self.p95, 3),
            "least": round(min(self.seconds), 3),
            "most": round(max(self.seconds), 3),
        }
        if samples:
            summary["samples"] = [round(seconds, 3) for seconds in self.seconds]
        return summary
