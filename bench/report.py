"""The results on a terminal, and as a page for the documentation: tables, plots of growth, and the machine."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import rich.table
from rich import box
from rich.console import Console

import tools
from bench.tables import Table, machine_line, tables
from bench.targets import Growth, growth_of
from gateway_components.engine.programs import PROVIDER_VERSION, find_engine
from lab.components import API_SERVER


def print_results(console: Console, results: Mapping[str, Any]) -> None:
    """Print the results."""
    console.print(f"\n{machine_line(results)}\n", soft_wrap=True)
    for table in tables(results):
        console.print(_rendered(table))
        console.print(table.note, style="dim", end="\n\n")
    for name, error in _errors(results):
        console.print(f"not measured: {name}: {error}", style="red", markup=False)


def page(results: Mapping[str, Any], plots: Sequence[tuple[str, str]]) -> str:
    """Return the results as a page of Markdown, with the title and file name of each plot beside the page."""
    origin = (
        f"Made by `python -m bench --docs` (scale: {results['scale']}) from [benchmarks.json](benchmarks.json), which "
        "has every sample. Times on a machine with other work mean little; ratios in one run and processor time mean "
        "more."
    )
    parts = "; ".join(
        f"{name} took {part['seconds']:.0f} s, load before it {part['load_before']}"
        for name, part in results["parts"].items()
    )
    blocks = ["# Benchmarks", origin, f"{machine_line(results)}. {parts.capitalize()}."]
    for table in tables(results):
        blocks += [f"## {table.title}", _markdown(table), table.note]
    blocks += [f"![{title}]({file})" for title, file in plots]
    errors = [f"- {name}: {error}" for name, error in _errors(results)]
    if errors:
        blocks += ["## Not measured", "\n".join(errors)]
    return "\n\n".join(blocks) + "\n"


def _errors(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, part["error"]) for name, part in results["parts"].items() if "error" in part]


def _rendered(table: Table) -> rich.table.Table:
    made = rich.table.Table(title=table.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    made.show_edge = made.pad_edge = False
    for number, column in enumerate(table.columns):
        made.add_column(column, justify="right" if number else "left")
    for row in table.rows:
        made.add_row(*row)
    return made


def _markdown(table: Table) -> str:
    ruler = ("---", *("---:" for _ in table.columns[1:]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (table.columns, ruler, *table.rows))


_MIB = 1024 * 1024


def machine_facts() -> dict[str, Any]:
    """Return cores, memory and versions."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "memory_mib": psutil.virtual_memory().total // _MIB,
        "python": platform.python_version(),
        "pulumi": _says(find_engine(), "version").removeprefix("v"),
        "kubernetes_provider": PROVIDER_VERSION,
        "kubernetes": _says(tools.locate(API_SERVER), "--version").removeprefix("Kubernetes "),
    }


def _says(program: Path, argument: str) -> str:
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    done = subprocess.run([program, argument], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


_UNITS = {"s": ("time", "seconds"), "MiB": ("memory", "MiB")}
_INCHES = (7.5, 5.5)


def write_plots(results: Mapping[str, Any], folder: Path) -> list[tuple[str, str]]:
    """Write a plot for each kind of growth that was measured into a folder that exists, as SVG.

    Return title and file name of each.
    """
    written = []
    for by in ("gateways", "routes"):
        for unit, (what, label) in _UNITS.items():
            series = [growth for growth in growth_of(results) if (growth.by, growth.unit) == (by, unit)]
            if series:
                title, file = f"{what.capitalize()} against the number of {by}", f"{what}-by-{by}.svg"
                _plot(series, title, label, folder / file)
                written.append((title, file))
    return written


def _plot(series: list[Growth], title: str, label: str, file: Path) -> None:
    # Loaded here: of the whole benchmark only this needs it, and it takes a while.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    # Fixed ids and no date: equal numbers give equal files. Text as text can be searched.
    with mpl.rc_context({"svg.hashsalt": file.name, "svg.fonttype": "none"}):
        figure = Figure(figsize=_INCHES, layout="constrained")
        axes = figure.subplots()
        for growth in series:
            sizes = sorted(growth.values)
            values = [growth.values[size] for size in sizes]
            axes.loglog(sizes, values, marker="o", label=f"{growth.measure}: exponent {growth.exponent:.2f}")
        sizes = sorted({size for growth in series for size in growth.values})
        lowest = min(min(growth.values.values()) for growth in series)
        linear = [lowest * size / sizes[0] for size in sizes]
        axes.loglog(sizes, linear, linestyle=":", color="gray", label="linear: exponent 1")
        axes.set(title=title, xlabel=series[0].by, ylabel=label, xticks=sizes)
        axes.set_xticklabels([f"{size:g}" for size in sizes])
        axes.grid(visible=True, which="major", alpha=0.3)
        figure.legend(loc="outside lower center", fontsize="small")
        figure.savefig(file, format="svg", metadata={"Date": None})
