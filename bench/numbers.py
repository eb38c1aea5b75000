"""Samples, growth, and what is said of them."""

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


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

    def as_json(self) -> dict[str, Any]:
        """Return percentiles, extremes and every sample, rounded to milliseconds."""
        return {
            "p50": round(self.p50, 3),
            "p95": round(self.p95, 3),
            "least": round(min(self.seconds), 3),
            "most": round(max(self.seconds), 3),
            "samples": [round(seconds, 3) for seconds in self.seconds],
        }


def exponent(values: Mapping[float, float]) -> float:
    """Return how `values` grow with their keys: 0 not at all, 1 in proportion, 2 with the square.

    It is the slope of the line that fits best through the logarithms of both; so a fixed cost at the beginning
    makes it less, and `steepest` is to be read beside it.
    """
    sizes, measured = zip(*((math.log(size), math.log(value)) for size, value in values.items()), strict=True)
    return round(statistics.linear_regression(sizes, measured).slope, 2)


def steepest(values: Mapping[float, float]) -> float:
    """Return the greatest exponent between one size and the next."""
    return max(exponent(dict(pair)) for pair in itertools.pairwise(sorted(values.items())))
