"""An edit in one namespace while another has a thousand changes: what the crowd costs its neighbour."""

from dataclasses import dataclass
from typing import Any

from bench.crowds import create_crowd
from bench.edits import edit_times
from bench.numbers import Samples
from bench.stage import Stage
from bench.subjects import path_of, ready, secret
from bench.usage import engine_runs, wait_until_calm

_CROWD, _BESIDE = "bench-crowd", "bench-beside"
_NAME = "gateway-0000"
_LIMIT_SECONDS = 600.0
_MOST_EDITS = 200


@dataclass(frozen=True)
class Fairness:
    """Edits of a gateway that is alone in its namespace, until its ConfigMap had changed.

    Attributes
    ----------
    changes
        Gateways of the other namespace, all of which one change of their Secret concerns.
    without
        While nothing else happens.
    beside
        From that change on, until all of these gateways were applied.
    """

    changes: int
    without: Samples
    beside: Samples

    def as_json(self) -> dict[str, Any]:
        """Return everything, and the median beside the crowd in terms of the one without."""
        return {
            "changes": self.changes,
            "without": self.without.as_json(),
            "beside": self.beside.as_json(),
            "ratio": round(self.beside.p50 / self.without.p50, 2),
            "worst_ratio": round(max(self.beside.seconds) / self.without.p50, 2),
        }


def measure_fairness(stage: Stage, changes: int, edits: int) -> Fairness:
    """Edit a gateway `edits` times, and again and again while `changes` gateways of another namespace change.

    The stage has no workloads.
    """
    client, watches = stage.client, stage.watches
    watches.forget()
    for place, count in ((_CROWD, changes), (_BESIDE, 1)):
        names = [(place, raw["metadata"]["name"]) for raw in create_crowd(stage, place, count)]
        watches.gateways.wait(names, ready("Configured", 1), _LIMIT_SECONDS)
    wait_until_calm(stage.daemon)

    def edit(model: str) -> float:
        return edit_times(client, watches, (_BESIDE, _NAME), [model]).seconds[0]

    without = [edit(f"model-{number}") for number in range(edits)]
    wait_until_calm(stage.daemon)
    before = _applied(stage)
    client.create(path_of("Secret", _CROWD), secret(_CROWD, "api-key-secrets", "sk-bench"))
    beside: list[float] = []
    while _applied(stage) - before < changes and len(beside) < _MOST_EDITS:
        beside.append(edit(f"beside-{len(beside)}"))
    return Fairness(changes, Samples(without), Samples(beside))


def _applied(stage: Stage) -> int:
    return sum(len(run["applied"]) for run in engine_runs(stage.daemon) if run["namespace"] == _CROWD)
