"""The results as tables for people and as JSON for programs."""

from dataclasses import asdict, dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from bench.edits import Edits
from bench.many import Many
from bench.numbers import Samples
from bench.restart import Restart
from bench.usage import Idle

__all__ = ["Results", "as_json", "print_results"]


@dataclass(frozen=True)
class Results:
    """Everything that was measured.

    Attributes
    ----------
    machine
        What it was measured on.
    edits, many, idle, restart
        The parts.
    resident_mib
        Memory of the daemon after its start, after the edits and with all gateways.
    seconds
        How long the benchmark took.
    """

    machine: dict[str, Any]
    edits: Edits
    many: Many
    idle: Idle
    restart: Restart
    resident_mib: dict[str, float]
    seconds: float


def as_json(results: Results, *, samples: bool = True) -> dict[str, Any]:
    """Return the results, with every sample or without; times are in seconds, memory in MiB."""
    return {
        "machine": results.machine,
        "edit": results.edits.as_json(samples=samples),
        "many": asdict(results.many),
        "daemon": {
            "resident_mib": results.resident_mib,
            "idle": asdict(results.idle),
            "restart": asdict(results.restart),
        },
        "seconds": results.seconds,
    }


def print_results(console: Console, results: Results) -> None:
    """Print the results."""
    machine = results.machine
    console.print(
        f"\n{machine['cores']} cores ({machine['architecture']}), Python {machine['python']}, "
        f"Pulumi {machine['pulumi']}, Kubernetes {machine['kubernetes']}; load at start "
        f"{machine['load_at_start']}\n",
        soft_wrap=True,
    )
    console.print(_edits(results.edits))
    console.print(_facts(f"\n{results.many.gateways} gateways created at once", _many(results.many)))
    console.print(_facts("\nThe daemon", _daemon(results)))


def _edits(edits: Edits) -> Table:
    table = _table(f"One edit, in seconds ({len(edits.bare.seconds)} times)")
    for title in ("p50", "p95", "most", "in bare runs"):
        table.add_column(title, justify="right")
    rows: list[tuple[str, Samples]] = [
        ("edit acknowledged → ConfigMap changed", edits.to_config_map),
        ("edit acknowledged → status observed", edits.to_status),
        ("edit acknowledged → new pods ready", edits.to_ready),
        ("bare engine run → ConfigMap changed", edits.bare_to_config_map),
        ("bare engine run", edits.bare),
        (f"naive Automation API run ({len(edits.naive.seconds)} times)", edits.naive),
    ]
    for name, samples in rows:
        times = (samples.p50, samples.p95, max(samples.seconds))
        table.add_row(name, *(f"{value:.2f}" for value in times), f"{samples.p50 / edits.bare.p50:.2f}")
    return table


def _many(many: Many) -> list[tuple[str, str]]:
    return [
        ("all created", f"{many.created:.2f} s"),
        ("all ConfigMaps there", f"{many.config_maps:.2f} s"),
        ("all Configured", f"{many.configured:.2f} s"),
        ("all Ready", f"{many.ready:.2f} s"),
        ("engine runs", f"{many.engine_runs}"),
        ("most memory, daemon and engine", f"{many.peak_mib:.0f} MiB"),
    ]


def _daemon(results: Results) -> list[tuple[str, str]]:
    restart, idle = results.restart, results.idle
    return [
        *((f"memory {when}", f"{mib:.0f} MiB") for when, mib in results.resident_mib.items()),
        (f"CPU while idle for {idle.seconds:.0f} s", f"{idle.cpu_percent:.2f} % of a core"),
        ("engine runs while idle", f"{idle.engine_runs}"),
        ("stop", f"{restart.stop:.2f} s"),
        ("restart → watching", f"{restart.watching:.2f} s"),
        ("restart → at rest", f"{restart.settled:.2f} s"),
        ("engine runs of the restart", f"{restart.engine_runs}"),
        ("memory after the restart", f"{restart.resident_mib:.0f} MiB"),
    ]


def _facts(title: str, facts: list[tuple[str, str]]) -> Table:
    table = _table(title)
    table.show_header = False
    table.add_column("", justify="right")
    for name, value in facts:
        table.add_row(name, value)
    return table


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.show_edge = False
    table.pad_edge = False
    table.add_column("", min_width=38)
    return table
