"""The results on a terminal, and as a page for the documentation."""

from collections.abc import Mapping, Sequence
from typing import Any

import rich.table
from rich import box
from rich.console import Console

from bench.tables import Table, machine_line, tables


def print_results(console: Console, results: Mapping[str, Any]) -> None:
    """Print the results."""
    console.print(f"\n{machine_line(results)}\n", soft_wrap=True)
    for table in tables(results):
        console.print(_rendered(table))
        console.print(table.note, style="dim", end="\n\n")
    for name, error in _errors(results):
        console.print(f"not measured: {name}: {error}", style="red", markup=False)


def page(results: Mapping[str, Any], plots: Sequence[tuple[str, str]]) -> str:
    """Return the results as a page of Markdown.

    Parameters
    ----------
    results
        The results.
    plots
        Title and file name of each plot, beside the page.
    """
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
