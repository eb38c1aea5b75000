"""The parts of the benchmark: what each measures on a stage, and on which stages it runs."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.among import measure_among
from bench.bare import BareEngine, NaiveEngine
from bench.crowds import measure_bare_crowd, measure_crowd, measure_shared
from bench.edits import measure_edits
from bench.failing import measure_failing
from bench.fairness import measure_fairness
from bench.growth import measure_gateways, measure_routes
from bench.phases import measure_phases
from bench.scale import Scale
from bench.stage import Stage, open_stage
from bench.usage import engine_runs, resident_mib, wait_until_calm
from gateway_components.engine.folder import ScratchFolder
from lab import LabError, wait_until

Say = Callable[[str], None]
Part = Callable[[Scale, Say], dict[str, Any]]


def edits_on(stage: Stage, scale: Scale, say: Say) -> dict[str, Any]:
    """Measure single edits and bare engine runs, and look into these; the stage has workloads."""
    with ExitStack() as stack:
        bare = _bare(stage, stack, "edits")
        naive = NaiveEngine(stage.folder / "naive", stage.lab.kubeconfig)
        counts = scale.edits, scale.naive_runs
        edits = measure_edits(stage.client, stage.watches, (bare, naive), counts, say)
        say("looking into bare engine runs …")
        phases = measure_phases(stage, bare, scale.edits)
    return {**edits.as_json(), "phases": phases, "resident_mib": resident_mib(stage.daemon)}


def crowds_on(stage: Stage, scale: Scale, say: Say) -> dict[str, Any]:
    """Measure many gateways at once, and a change of the Secret they share; the stage has workloads."""
    with ExitStack() as stack:
        bare, count = _bare(stage, stack, "crowds"), scale.together
        say(f"creating {count} gateways at once in one namespace …")
        one = measure_crowd(stage, "bench-one", count, 1, workloads=True)
        say("the same by one bare engine run …")
        bare_seconds, bare_gateways = measure_bare_crowd(stage, bare, "bench-one-bare", count)
        wait_until_calm(stage.daemon)
        say(f"changing the Secret that {count} gateways use …")
        shared = measure_shared(stage, bare, "bench-one-00", bare_gateways)
        wait_until_calm(stage.daemon)
    say(f"creating {count} gateways at once in {scale.namespaces} namespaces …")
    spread = measure_crowd(stage, "bench-spread", count, scale.namespaces, workloads=True)
    return {"one": asdict(one), "one_bare": bare_seconds, "spread": asdict(spread), "shared": asdict(shared)}


def _edits(scale: Scale, say: Say) -> dict[str, Any]:
    with open_stage(workloads=True) as stage:
        return edits_on(stage, scale, say)


def _crowds(scale: Scale, say: Say) -> dict[str, Any]:
    with open_stage(workloads=True) as stage:
        return crowds_on(stage, scale, say)


def _among(scale: Scale, say: Say) -> dict[str, Any]:
    with open_stage(workloads=False) as stage:
        say(f"editing one of {', '.join(map(str, scale.among))} gateways of a namespace …")
        return measure_among(stage, scale.among, scale.among_edits)


def _limited(scale: Scale, say: Say) -> dict[str, Any]:
    steps = []
    for count in scale.limited:
        say(f"creating {count} gateways at once with {scale.memory_mib} MiB …")
        with (
            limited_memory("gateway-bench", scale.memory_mib) as members,
            open_stage(workloads=False, members=members) as stage,
        ):
            crowd = measure_crowd(stage, "bench-limited", count, 1, workloads=False)
            failed = sum(1 for run in engine_runs(stage.daemon) if run["failed"])
            steps.append({**asdict(crowd), "failed_runs": failed})
    return {"memory_mib": scale.memory_mib, "steps": steps}


def _fairness(scale: Scale, say: Say) -> dict[str, Any]:
    with open_stage(workloads=False) as stage:
        say(f"editing a gateway beside {scale.beside} that change …")
        return measure_fairness(stage, scale.beside, scale.among_edits).as_json()


def _large(scale: Scale, say: Say) -> dict[str, Any]:
    count, namespaces = scale.large
    say(f"{count} gateways in {namespaces} namespaces …")
    with open_stage(workloads=False) as stage:
        return {"steps": [measure_gateways(stage, count, namespaces, scale.step_edits, scale.idle_seconds)]}


def _failing(scale: Scale, say: Say) -> dict[str, Any]:
    with open_stage(workloads=False) as stage:
        say(f"editing one of {scale.healthy} gateways, without and with one that fails …")
        return measure_failing(stage, scale.healthy, scale.healthy_edits).as_json()


def _gateways(scale: Scale, say: Say) -> dict[str, Any]:
    steps = []
    for count in scale.gateways:
        say(f"{count} gateways: creation, edits, full resync, restart, idleness …")
        with open_stage(workloads=False) as stage:
            steps.append(
                measure_gateways(stage, count, scale.namespaces, scale.step_edits, scale.idle_seconds)
            )
    return {"steps": steps}


def _routes(scale: Scale, say: Say) -> dict[str, Any]:
    steps = []
    for count in scale.routes:
        say(f"{count} routes on one gateway …")
        with open_stage(workloads=False) as stage:
            steps.append(measure_routes(stage, count, scale.step_edits))
    return {"steps": steps}


def _bare(stage: Stage, stack: ExitStack, name: str) -> BareEngine:
    return BareEngine(stack.enter_context(ScratchFolder(stage.folder / f"bare-{name}")), stage.lab.kubeconfig)


PARTS: Mapping[str, Part] = {
    "edits": _edits,
    "crowds": _crowds,
    "among": _among,
    "failing": _failing,
    "limited": _limited,
    "fairness": _fairness,
    "gateways": _gateways,
    "routes": _routes,
    "large": _large,
}
"""By name, in the order in which they run; each opens control planes of its own."""


_TOP = Path("/sys/fs/cgroup")
_SECONDS = 30.0


@contextmanager
def limited_memory(name: str, mib: int) -> Iterator[Path]:
    """Make a cgroup with so much memory; yield the file that takes the number of a process.

    Raises LabError: the machine lets nobody make one; that takes root.
    """
    first = (_TOP / "memory").is_dir()
    folder = _TOP / ("memory" if first else "") / name
    try:
        folder.mkdir()
        (folder / ("memory.limit_in_bytes" if first else "memory.max")).write_text(str(mib * 2**20))
    except OSError as error:
        raise LabError(f"memory cannot be limited here: {error}") from error
    members = folder / "cgroup.procs"
    try:
        yield members
    finally:
        wait_until(lambda: not members.read_text(), timeout=_SECONDS, what="the end of all processes")
        folder.rmdir()
