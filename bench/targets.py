"""What is to be reached, beside what was measured."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.numbers import exponent, steepest

_TOGETHER, _CROWD, _LARGE, _SPREAD = 200, 1000, 5000, 20
"""The sizes that the targets speak of; at others nothing is judged."""

_GROWTH_LIMIT = 1.1
"""Linear, and a little for noise; held against the steepest exponent, from which no fixed cost takes anything."""


@dataclass(frozen=True)
class Judged:
    """A number that was measured, and what it may be at most: None where nothing is to be reached, or at another size.

    Its unit may be empty.
    """

    measure: str
    value: float
    unit: str
    target: float | None

    @property
    def reached(self) -> bool | None:
        """Whether the target was reached; None where there is none."""
        return None if self.target is None else self.value <= self.target


@dataclass(frozen=True)
class Growth:
    """One thing that was measured at several sizes of ``gateways`` or ``routes``: the number at each size."""

    measure: str
    unit: str
    by: str
    values: Mapping[float, float]

    @property
    def exponent(self) -> float:
        """Slope of the best line through the logarithms."""
        return exponent(self.values)

    @property
    def steepest(self) -> float:
        """Greatest slope from one size to the next."""
        return steepest(self.values)

    @property
    def each(self) -> list[float]:
        """What each further one costs, between one size and the next: the same at every size where it is linear."""
        pairs = itertools.pairwise(sorted(self.values.items()))
        return [(more - less) / (larger - smaller) for (smaller, less), (larger, more) in pairs]


def judged(results: Mapping[str, Any]) -> list[Judged]:
    """Return every number that has a target, of the parts that were measured."""
    rows = []
    for name, of in (
        ("edits", _edits),
        ("crowds", _crowds),
        ("among", _among),
        ("limited", _limited),
        ("fairness", _fairness),
        ("gateways", _gateways),
        ("large", _gateways),
        ("failing", _failing),
    ):
        part = results["parts"].get(name)
        rows += of(part) if part and "error" not in part else []
    return [*rows, *_grown(results)]


def growth_of(results: Mapping[str, Any]) -> list[Growth]:
    """Return everything that was measured at several sizes."""
    gateways, routes = (_steps(results, part) for part in ("gateways", "routes"))
    found = [
        *(_series("gateways", gateways, *row) for row in _GATEWAY_SERIES),
        *(_series("routes", routes, *row) for row in _ROUTE_SERIES),
    ]
    return [growth for growth in found if len(growth.values) > 1]


_GATEWAY_SERIES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("created at once, until all are configured", "s", ("crowd", "configured")),
    ("single edit → ConfigMap, p50", "s", ("edit", "p50")),
    ("restart → all statuses verified", "s", ("restart", "verified")),
    ("full resync → all statuses verified", "s", ("resync", "verified")),
    ("memory at rest", "MiB", ("resident_mib", "filled")),
    ("memory after a restart", "MiB", ("resident_mib", "restarted")),
    ("most memory, daemon", "MiB", ("crowd", "peak_mib")),
    ("most memory, daemon and engine", "MiB", ("crowd", "peak_together_mib")),
)
_ROUTE_SERIES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("created at once, until the ConfigMap has all", "s", ("config_map",)),
    ("created at once, until all are ready", "s", ("routes_ready",)),
    ("edit of one → ConfigMap, p50", "s", ("edit", "p50")),
    ("memory at rest", "MiB", ("resident_mib",)),
    ("most memory, daemon", "MiB", ("peak_mib",)),
)


def _edits(part: Mapping[str, Any]) -> list[Judged]:
    return [
        Judged(
            "single edit → ConfigMap, p50, in bare engine runs",
            part["in_bare_runs"]["to_config_map"],
            "x",
            1.15,
        ),
        Judged("bare engine run, p50", part["bare"]["p50"], "s", 0.61),
        Judged("bare engine run, processor time, p50", part["bare_processor"]["p50"], "s", 0.51),
    ]


def _crowds(part: Mapping[str, Any]) -> list[Judged]:
    one, spread, shared = part["one"], part["spread"], part["shared"]
    count = one["gateways"]
    in_many = f"{count} gateways created at once in {spread['namespaces']} namespaces, all configured"
    return [
        Judged(
            f"{count} gateways created at once in one namespace, all configured",
            one["configured"],
            "s",
            _at(count == _TOGETHER, 10),
        ),
        Judged("the same, in bare engine runs", round(one["configured"] / part["one_bare"], 2), "x", None),
        Judged(
            in_many, spread["configured"], "s", _at((count, spread["namespaces"]) == (_TOGETHER, _SPREAD), 20)
        ),
        Judged(
            f"shared Secret change → Deployments of {shared['gateways']} gateways",
            shared["deployments"],
            "s",
            _at(shared["gateways"] == _TOGETHER, 10),
        ),
        Judged("the same, in bare engine runs", round(shared["deployments"] / shared["bare"], 2), "x", None),
    ]


def _among(part: Mapping[str, Any]) -> list[Judged]:
    alone, *others = part["steps"]
    rows = [
        Judged(
            f"edit of one of {step['gateways']} gateways → {name}, in those of one alone",
            round(step[key]["p50"] / alone[key]["p50"], 2),
            "x",
            1.15,
        )
        for step in others
        for name, key in (("ConfigMap", "to_config_map"), ("status", "to_status"))
    ]
    most = others[-1] if others else alone
    count, crowd = most["gateways"], most["crowd"]
    at_once = f"{count} gateways created at once in one namespace"
    return [
        *rows,
        Judged(f"{at_once}, all configured", crowd["configured"], "s", _at(count == _CROWD, 30)),
        Judged(f"{at_once}, most memory", crowd["peak_together_mib"], "MiB", _at(count == _CROWD, 763)),
    ]


def _gateways(part: Mapping[str, Any]) -> list[Judged]:
    step = part["steps"][-1]
    count, spread = step["gateways"], step["crowd"]["namespaces"]
    crowd = count == _CROWD
    with_all = f"with {count} gateways"
    return [
        Judged(
            f"{count} gateways created at once in {spread} namespaces, all configured",
            step["crowd"]["configured"],
            "s",
            _at(crowd and spread == _SPREAD, 60),
        ),
        Judged(f"restart {with_all}: engine runs", step["restart"]["engine_runs"], "", 0),
        Judged(
            f"restart {with_all}: all statuses verified",
            step["restart"]["verified"],
            "s",
            _restart_target(count),
        ),
        Judged(f"full resync {with_all}: engine runs", step["resync"]["engine_runs"], "", 0),
        Judged(
            f"full resync {with_all}: all statuses verified", step["resync"]["verified"], "s", _at(crowd, 10)
        ),
        Judged(f"idle {with_all}: engine runs", step["idle"]["engine_runs"], "", 0),
        Judged(f"idle {with_all}: processor", step["idle"]["cpu_percent"], "%", 0.5),
        Judged(f"idle {with_all}: wake-ups a second", step["idle"]["wakeups"], "", None),
        Judged(f"idle {with_all}: memory", step["resident_mib"]["filled"], "MiB", _at(crowd, 150 / 1.048576)),
    ]


def _limited(part: Mapping[str, Any]) -> list[Judged]:
    rows = []
    for step in part["steps"]:
        what = f"{step['gateways']} gateways created at once in one namespace, with {part['memory_mib']} MiB in all"
        rows += [
            Judged(f"{what}: most memory", step["peak_together_mib"], "MiB", part["memory_mib"]),
            Judged(f"{what}: failed engine runs", step["failed_runs"], "", 0),
        ]
    return rows


def _fairness(part: Mapping[str, Any]) -> list[Judged]:
    beside = f"edit beside a namespace with {part['changes']} changes, in edits without"
    return [Judged(f"{beside}, p50", part["ratio"], "x", _at(part["changes"] == _CROWD, 2))]


def _failing(part: Mapping[str, Any]) -> list[Judged]:
    beside = f"edit of a healthy gateway of {part['healthy']}, beside one that fails"
    return [
        Judged(f"{beside} and is retried, in edits without", part["ratios"]["retried"], "x", 1.15),
        Judged(f"{beside} and is edited too, in edits without", part["ratios"]["edited"], "x", None),
    ]


def _grown(results: Mapping[str, Any]) -> list[Judged]:
    return [
        Judged(
            f"growth with {growth.by}: {growth.measure}, steepest exponent",
            growth.steepest,
            "",
            _at(max(growth.values) >= _CROWD, _GROWTH_LIMIT),
        )
        for growth in growth_of(results)
    ]


def _restart_target(gateways: int) -> float | None:
    return {_CROWD: 10.0, _LARGE: 30.0}.get(gateways)


def _at(same_size: bool, target: float) -> float | None:
    return round(target, 2) if same_size else None


def _steps(results: Mapping[str, Any], part: str) -> list[Mapping[str, Any]]:
    steps: list[Mapping[str, Any]] = results["parts"].get(part, {}).get("steps", [])
    return steps


def _series(
    by: str, steps: list[Mapping[str, Any]], measure: str, unit: str, path: tuple[str, ...]
) -> Growth:
    # A logarithm needs more than nothing.
    return Growth(measure, unit, by, {step[by]: max(value_at(step, path), 0.001) for step in steps})


def value_at(step: Mapping[str, Any], path: tuple[str, ...]) -> float:
    """Return the number that is found in a measured size by following keys."""
    value: Any = step
    for key in path:
        value = value[key]
    return float(value)
