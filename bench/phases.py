"""Where each millisecond of a bare engine run goes, by the engine's own trace."""

import json
import os
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.bare import Runs, planned
from bench.stage import Stage
from bench.subjects import FOREIGN_CLASS, create_namespace, gateway, gateway_path

_NAMESPACE = "bench-phases"
_TRACES = "PULUMI_OPTION_OTEL_TRACES"
_CLI = "pulumi-cli"


@dataclass(frozen=True)
class _Phase:
    """A phase ends with the first start, or the last end, of a span whose name ends in one of `spans`."""

    name: str
    spans: tuple[str, ...]
    at_start: bool


PHASES = (
    _Phase("the command line starts", ("pulumi",), at_start=True),
    _Phase("state opened and its key derived", ("pulumi-plan",), at_start=True),
    _Phase("program asked for", ("LanguageRuntime/Run",), at_start=True),
    _Phase("program runs until it needs the provider", ("newPlugin",), at_start=True),
    _Phase("provider starts", ("newPlugin",), at_start=False),
    _Phase("provider set up, meets the cluster", ("ResourceProvider/Configure",), at_start=False),
    _Phase(
        "objects compared and applied",
        ("ResourceProvider/Update", "ResourceProvider/Create", "ResourceProvider/Diff"),
        at_start=False,
    ),
    _Phase("program ends", ("LanguageRuntime/Run",), at_start=False),
    _Phase("state written, engine ends", ("pulumi",), at_start=False),
)
"""In their order; what is left after the last is the return to the caller."""

_RETURN = "return to the caller"


def measure_phases(stage: Stage, bare: Runs, runs: int) -> dict[str, Any]:
    """Trace `runs` bare engine runs, each with another edit of one gateway.

    Return the median milliseconds of each phase, and of the whole; without phases where the engine left no trace. It
    takes options from the environment of this process.
    """
    create_namespace(stage.client, _NAMESPACE)
    manifest = gateway(_NAMESPACE, "subject", "first", FOREIGN_CLASS)
    subject = stage.client.create(gateway_path(_NAMESPACE), manifest)[0]
    bare.apply(planned([subject], "first"))
    wholes: list[float] = []
    samples: dict[str, list[float]] = {}
    for number in range(runs):
        trace = stage.folder / f"trace-{number}.json"
        os.environ[_TRACES] = trace.as_uri()
        try:
            began = time.time()
            run = bare.apply(planned([subject], f"model-{number}"))
        finally:
            del os.environ[_TRACES]
        wholes.append(run.seconds)
        if trace.exists():
            for name, seconds in phases_of(_spans(trace), began, began + run.seconds).items():
                samples.setdefault(name, []).append(seconds)
    return {
        "runs": runs,
        "whole_ms": _milliseconds(wholes),
        "phases_ms": {name: _milliseconds(seconds) for name, seconds in samples.items()},
    }


def phases_of(spans: Iterable[tuple[str, float, float]], began: float, ended: float) -> dict[str, float]:
    """Return the seconds of each phase of a run, which add up to the whole; 0 where the run had no such phase.

    A span has a name, a start and an end in seconds, on the clock of the run's own start and end.
    """
    known = list(spans)
    seconds, at = {}, began
    for phase in PHASES:
        marks = [start if phase.at_start else end for name, start, end in known if name.endswith(phase.spans)]
        mark = (min(marks) if phase.at_start else max(marks)) if marks else at
        # A phase that overlaps the one before counts from where that ended.
        mark = min(max(mark, at), ended)
        seconds[phase.name], at = mark - at, mark
    seconds[_RETURN] = ended - at
    return seconds


def _spans(trace: Path) -> list[tuple[str, float, float]]:
    return [
        (span["name"], int(span["startTimeUnixNano"]) / 1e9, int(span["endTimeUnixNano"]) / 1e9)
        for line in trace.read_text().splitlines()
        for resource in json.loads(line)["resourceSpans"]
        if _CLI in json.dumps(resource["resource"])
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def _milliseconds(seconds: Iterable[float]) -> int:
    return round(1000 * statistics.median(seconds))
