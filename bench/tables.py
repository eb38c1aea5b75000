"""The results as tables of text, for the terminal and for the page alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.targets import growth_of, judged, value_at

_MARKS = {True: "✓", False: "✗", None: ""}


@dataclass(frozen=True)
class Table:
    """A table: its title, and a note that may be empty. The first column is text, the others are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""


def machine_line(results: Mapping[str, Any]) -> str:
    """Return what the numbers were measured on."""
    machine = results["machine"]
    return (
        f"{machine['cores']} cores ({machine['architecture']}), {machine['memory_mib']} MiB, Python "
        f"{machine['python']}, Pulumi {machine['pulumi']}, Kubernetes provider {machine['kubernetes_provider']}, "
        f"Kubernetes {machine['kubernetes']}"
    )


def tables(results: Mapping[str, Any]) -> list[Table]:
    """Return a table for each part that was measured, the targets first."""
    parts: Mapping[str, Any] = {name: part for name, part in results["parts"].items() if "error" not in part}
    made = [_targets(results)]
    if "edits" in parts:
        made += [_edits(parts["edits"]), _phases(parts["edits"]["phases"])]
    if "crowds" in parts:
        made.append(_crowds(parts["crowds"]))
    if "among" in parts:
        made.append(_among(parts["among"]["steps"]))
    if "limited" in parts:
        made.append(_limited(parts["limited"]))
    if "fairness" in parts:
        made.append(_fairness(parts["fairness"]))
    if "gateways" in parts:
        made += [_gateways("Growth with the number of gateways", parts["gateways"]["steps"])]
    if "large" in parts:
        made += [_gateways("Many gateways in many namespaces", parts["large"]["steps"])]
    if "routes" in parts:
        made += [_routes(parts["routes"]["steps"])]
    made += [_growth(results)]
    if "failing" in parts:
        made.append(_failing(parts["failing"]))
    made.append(_processor(parts))
    return [table for table in made if table.rows]


def _targets(results: Mapping[str, Any]) -> Table:
    rows = [
        (
            row.measure,
            f"{row.value:g} {row.unit}".strip(),
            "" if row.target is None else f"≤ {row.target:g} {row.unit}".strip(),
            _MARKS[row.reached],
        )
        for row in judged(results)
    ]
    note = (
        "Rows without a target only inform, or were measured at another size than the target speaks of. A yardstick "
        "from outside, of another day: an operator in Go that does the same job without Pulumi took 5.6 s for 200 "
        "gateways at once, 9 ms for an edit and 2.5 s for the shared change, with 64 MB of memory."
    )
    return Table("Targets", ("measure", "measured", "target", "reached"), rows, note)


def _edits(part: Mapping[str, Any]) -> Table:
    named = (
        ("edit acknowledged → ConfigMap changed", "to_config_map"),
        ("edit acknowledged → status observed", "to_status"),
        ("edit acknowledged → new pods ready", "to_ready"),
        ("bare engine run → ConfigMap changed", "bare_to_config_map"),
        ("bare engine run", "bare"),
        ("bare engine run, processor time", "bare_processor"),
        ("as the Automation API's tutorial has it", "naive"),
    )
    floor = part["bare"]["p50"]
    rows = [
        (
            f"{name} ({len(part[key]['samples'])} times)",
            *(f"{part[key][statistic]:.2f}" for statistic in ("p50", "p95", "most")),
            f"{part[key]['p50'] / floor:.2f}",
        )
        for name, key in named
    ]
    note = "Edits and bare runs take turns, so that noise meets both."
    return Table("One edit, in seconds", ("", "p50", "p95", "most", "in bare runs"), rows, note)


def _phases(part: Mapping[str, Any]) -> Table:
    whole = part["whole_ms"]
    rows = [
        (name, f"{milliseconds}", f"{100 * milliseconds / whole:.0f} %")
        for name, milliseconds in part["phases_ms"].items()
    ]
    note = (
        f"Medians of {part['runs']} bare runs, whose whole took {whole} ms; by the engine's own trace, which costs "
        "some of that."
    )
    return Table("Where the time of a bare engine run goes", ("phase", "ms", "share"), rows, note)


def _crowds(part: Mapping[str, Any]) -> Table:
    columns = ("", "created", "ConfigMaps", "configured", "ready", "engine runs", "bare run", "most MiB")
    rows = [_crowd(part["one"], f"{part['one_bare']:.2f}"), _crowd(part["spread"], "")]
    shared = part["shared"]
    change = f"one Secret of {shared['gateways']} gateways changed"
    deployments = f"{shared['deployments']:.2f}"
    runs = f"{shared['engine_runs']}"
    rows.append((change, "", "", deployments, "", runs, f"{shared['bare']:.2f}", ""))
    note = (
        "Seconds since the first was acknowledged. Of the Secret: until the last Deployment was to run with it. "
        "With controllers, scheduler and simulated nodes. Memory is the daemon's together with its engine's."
    )
    return Table("Many gateways at once", columns, rows, note)


def _among(steps: Sequence[Mapping[str, Any]]) -> Table:
    columns = (
        "",
        "→ ConfigMap",
        "→ status",
        "KiB of state written",
        "s of the daemon",
        "of its engine",
        "of the control plane",
        "created at once",
        "most MiB",
    )
    rows = [
        (
            f"one of {step['gateways']}",
            f"{step['to_config_map']['p50']:.2f}",
            f"{step['to_status']['p50']:.2f}",
            f"{step['written_kib']:.1f}",
            *(f"{step['processor'][whose]:.2f}" for whose in ("daemon", "engine", "control_plane")),
            f"{step['crowd']['configured']:.2f}",
            f"{step['crowd']['peak_together_mib']:.0f}",
        )
        for step in steps
    ]
    note = (
        "Medians of an edit, in seconds since it was acknowledged, with the processor time that it took. The "
        "namespaces take turns, so that noise meets all. Seconds until all gateways were configured, and the most "
        "memory of daemon and engine together, are those of their creation, without controllers and nodes."
    )
    return Table("One edit among the gateways of its namespace", columns, rows, note)


def _limited(part: Mapping[str, Any]) -> Table:
    rows = [
        (
            f"{step['gateways']} gateways in one namespace",
            f"{step['configured']:.2f}",
            f"{step['engine_runs']}",
            f"{step['failed_runs']}",
            f"{step['peak_mib']:.0f}",
            f"{step['peak_together_mib']:.0f}",
        )
        for step in part["steps"]
    ]
    columns = ("", "configured", "engine runs", "failed", "most MiB of the daemon", "with its engine")
    note = (
        "Seconds since the first was acknowledged. The kernel ends what takes more memory, as in a container."
    )
    return Table(f"Created at once with {part['memory_mib']} MiB in all", columns, rows, note)


def _fairness(part: Mapping[str, Any]) -> Table:
    named = (("nothing else happens", "without"), ("the others are applied", "beside"))
    rows = [
        (
            f"{name} ({len(part[key]['samples'])} times)",
            *(f"{part[key][statistic]:.2f}" for statistic in ("p50", "p95", "most")),
            f"{part[key]['p50'] / part['without']['p50']:.2f}",
        )
        for name, key in named
    ]
    title = f"Edit in a namespace beside one with {part['changes']} changes → ConfigMap, in seconds"
    note = "One change of a Secret concerns all gateways of the other namespace."
    return Table(title, ("", "p50", "p95", "most", "in edits without"), rows, note)


def _crowd(crowd: Mapping[str, Any], bare: str) -> tuple[str, ...]:
    times = (crowd[key] for key in ("created", "config_maps", "configured", "ready"))
    return (
        f"{crowd['gateways']} gateways in {crowd['namespaces']} namespaces".replace(
            " 1 namespaces", " 1 namespace"
        ),
        *("" if time is None else f"{time:.2f}" for time in times),
        f"{crowd['engine_runs']}",
        bare,
        f"{crowd['peak_together_mib']:.0f}",
    )


_GATEWAY_ROWS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("namespaces", ("crowd", "namespaces")),
    ("created at once, s", ("crowd", "created")),
    ("→ all ConfigMaps there, s", ("crowd", "config_maps")),
    ("→ all configured, s", ("crowd", "configured")),
    ("engine runs of that", ("crowd", "engine_runs")),
    ("single edit → ConfigMap, p50, s", ("edit", "p50")),
    ("restart → cache of the cluster, s", ("restart", "watching")),
    ("restart → all statuses verified, s", ("restart", "verified")),
    ("engine runs of the restart", ("restart", "engine_runs")),
    ("full resync → all statuses verified, s", ("resync", "verified")),
    ("engine runs of the resync", ("resync", "engine_runs")),
    ("idle, % of a core", ("idle", "cpu_percent")),
    ("engine runs while idle", ("idle", "engine_runs")),
    ("wake-ups a second while idle", ("idle", "wakeups")),
    ("state, KiB", ("state_kib",)),
    ("memory before, MiB", ("resident_mib", "empty")),
    ("memory at rest, MiB", ("resident_mib", "filled")),
    ("memory after a restart, MiB", ("resident_mib", "restarted")),
    ("most memory of the daemon, MiB", ("crowd", "peak_mib")),
    ("most memory of daemon and engine runs, MiB", ("crowd", "peak_together_mib")),
)
_ROUTE_ROWS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("created at once → ConfigMap has all, s", ("config_map",)),
    ("created at once → all ready, s", ("routes_ready",)),
    ("engine runs of that", ("engine_runs",)),
    ("edit of one → ConfigMap, p50, s", ("edit", "p50")),
    ("memory at rest, MiB", ("resident_mib",)),
    ("most memory of the daemon, MiB", ("peak_mib",)),
)


def _gateways(title: str, steps: Sequence[Mapping[str, Any]]) -> Table:
    note = (
        "On a control plane without controllers, scheduler and nodes: Deployments get no pods, so that the numbers "
        "speak of the daemon. Each size has a control plane and a daemon of its own. Verified: in every namespace a "
        "false status was put right, so the reconcile of it is done. Memory of several processes counts what they "
        "share several times."
    )
    return _by_size(title, "gateways", steps, _GATEWAY_ROWS, note)


def _routes(steps: Sequence[Mapping[str, Any]]) -> Table:
    title = "Growth with the number of routes on one gateway"
    return _by_size(title, "routes", steps, _ROUTE_ROWS, "On such a control plane too.")


def _by_size(
    title: str,
    by: str,
    steps: Sequence[Mapping[str, Any]],
    measures: Sequence[tuple[str, tuple[str, ...]]],
    note: str,
) -> Table:
    rows = [(name, *(f"{value_at(step, path):g}" for step in steps)) for name, path in measures]
    return Table(title, (by, *(f"{step[by]}" for step in steps)), rows, note)


def _growth(results: Mapping[str, Any]) -> Table:
    rows = [
        (
            f"{growth.measure} ({growth.unit}), by {growth.by}",
            " → ".join(f"{value:g}" for _, value in sorted(growth.values.items())),
            f"{growth.exponent:.2f}",
            f"{growth.steepest:.2f}",
            " → ".join(f"{1000 * each:.1f}" for each in growth.each),
        )
        for growth in growth_of(results)
    ]
    note = (
        "An exponent of 1 is linear. The fitted one is the slope of the best line through the logarithms; the "
        "steepest is the greatest slope from one size to the next. What each further one costs, from one size to "
        "the next, is in thousandths of the unit: where it is the same everywhere, growth is linear."
    )
    return Table(
        "Exponents of growth",
        ("measure", "at each size", "fitted", "steepest", "each further one costs"),
        rows,
        note,
    )


def _failing(part: Mapping[str, Any]) -> Table:
    named = (
        ("no gateway fails", "without"),
        ("one fails and is retried", "retried"),
        ("one fails and is edited at the same moment", "edited"),
    )
    rows = [
        (
            name,
            *(f"{part[key][statistic]:.2f}" for statistic in ("p50", "p95", "most")),
            f"{part[key]['p50'] / part['without']['p50']:.2f}",
        )
        for name, key in named
    ]
    title = f"Edit of one of {part['healthy']} healthy gateways of a namespace → ConfigMap, in seconds"
    note = f"{part['failed_runs']} engine runs had the failure."
    return Table(title, ("", "p50", "p95", "most", "in edits without"), rows, note)


def _processor(parts: Mapping[str, Any]) -> Table:
    found: list[tuple[str, Mapping[str, float]]] = []
    if "crowds" in parts:
        crowds = parts["crowds"]
        found += [(_crowd(crowds[key], "")[0], crowds[key]["processor"]) for key in ("one", "spread")]
        found.append(
            (f"one Secret of {crowds['shared']['gateways']} gateways", crowds["shared"]["processor"])
        )
    for step in parts.get("gateways", {}).get("steps", ()):
        for name, key in (("created", "crowd"), ("resync", "resync"), ("restart", "restart")):
            processor = step[key]["processor"]
            found.append((f"{step['gateways']} gateways, no workloads: {name}", processor))
    found += [
        (f"{step['routes']} routes created", step["processor"])
        for step in parts.get("routes", {}).get("steps", ())
    ]
    keys = ("daemon", "engine", "control_plane", "bench")
    rows = [(name, *(f"{used[key]:.1f}" for key in keys)) for name, used in found]
    columns = ("", "daemon", "its engine", "control plane", "benchmark")
    note = "What other programs on the machine take from the times above, they do not take from these."
    return Table("Processor time by whom, in seconds", columns, rows, note)
