"""A gateway that always fails beside healthy ones: what it costs these."""

from dataclasses import dataclass
from typing import Any

from bench.crowds import create_crowd
from bench.edits import edit_times
from bench.numbers import Samples
from bench.stage import Stage
from bench.subjects import gateway, gateway_path, models, ready
from bench.usage import engine_runs

_ALONE, _BESIDE = "bench-healthy", "bench-failing"
_HEALTHY, _BAD = "gateway-0000", "refused"
_LIMIT_SECONDS = 120.0


@dataclass(frozen=True)
class Failing:
    """Edits of a healthy gateway, until its ConfigMap had changed.

    Attributes
    ----------
    healthy
        How many gateways of each namespace are healthy.
    without
        In a namespace where none fails.
    retried
        While one fails and is retried.
    edited
        While somebody edits the failing one at the same moment, so that both want the same engine run.
    failed_runs
        How many engine runs had a failure.
    """

    healthy: int
    without: Samples
    retried: Samples
    edited: Samples
    failed_runs: int

    def as_json(self) -> dict[str, Any]:
        """Return everything, and the medians in terms of the one without."""
        without = self.without.p50
        return {
            "healthy": self.healthy,
            "without": self.without.as_json(),
            "retried": self.retried.as_json(),
            "edited": self.edited.as_json(),
            "failed_runs": self.failed_runs,
            "ratios": {
                "retried": round(self.retried.p50 / without, 2),
                "edited": round(self.edited.p50 / without, 2),
            },
        }


def measure_failing(stage: Stage, healthy: int, edits: int) -> Failing:
    """Edit healthy gateways in turn: in a namespace of such alone, and beside one that the API server refuses.

    Each of the two namespaces has so many `healthy` gateways. There are so many `edits` beside one that is retried, and
    beside one that is edited too.
    """
    client, watches = stage.client, stage.watches
    watches.forget()
    for place in (_ALONE, _BESIDE):
        names = [(place, raw["metadata"]["name"]) for raw in create_crowd(stage, place, healthy)]
        watches.gateways.wait(names, ready("Configured", 1), _LIMIT_SECONDS)
    bad = gateway(_BESIDE, _BAD, "bad")
    bad["spec"]["commonMetadata"] = {"labels": {"team": "not valid!"}}
    client.create(gateway_path(_BESIDE), bad)
    watches.gateways.wait([(_BESIDE, _BAD)], lambda raw: bool(raw.get("status")), _LIMIT_SECONDS)

    def edit(place: str, model: str) -> float:
        return edit_times(client, watches, (place, _HEALTHY), [model]).seconds[0]

    without, retried, edited = [], [], []
    for number in range(edits):
        without.append(edit(_ALONE, f"model-{number}"))
        retried.append(edit(_BESIDE, f"model-{number}"))
    for number in range(edits, 2 * edits):
        without.append(edit(_ALONE, f"model-{number}"))
        client.merge_patch(gateway_path(_BESIDE, _BAD), {"spec": models(f"bad-{number}")})
        edited.append(edit(_BESIDE, f"model-{number}"))
    failed = sum(1 for run in engine_runs(stage.daemon) if run["failed"])
    return Failing(healthy, Samples(without), Samples(retried), Samples(edited), failed)
