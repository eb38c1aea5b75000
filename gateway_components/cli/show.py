"""Shows reports: once or as they change, on a terminal, to a file or to a pipe."""

import asyncio
import io
import json
import signal
import sys
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console, RenderableType
from rich.live import Live
from rich.measure import Measurement

from gateway_components import documents
from gateway_components.cli.cluster import connected, list_cluster, watch_cluster
from gateway_components.cli.quiet import log_warnings_only
from gateway_components.cli.report import StatusReport, status_report
from gateway_components.cli.table import full_tables, narrow_tables

__all__ = ["View", "show_once", "show_until_signal"]

_UNBOUNDED = 100_000
"""Columns of what goes to a file or a pipe, so that no line is broken or cut."""


@dataclass(frozen=True)
class View:
    """How to show a report.

    Attributes
    ----------
    output
        ``table``, ``wide``, ``json`` or ``yaml``.
    namespace
        Whose objects to show; None for all.
    """

    output: str
    namespace: str | None

    def text(self, report: StatusReport) -> str:
        """Return the report for a file or a pipe."""
        if self.output == "json":
            return json.dumps(report.plain, indent=2, ensure_ascii=False)
        if self.output == "yaml":
            return documents.dump(report.plain).rstrip("\n")
        written = io.StringIO()
        console = Console(file=written, width=_UNBOUNDED, force_terminal=False, highlight=False)
        console.print(self.tables(report, console))
        return "\n".join(line.rstrip() for line in written.getvalue().splitlines())

    def tables(self, report: StatusReport, console: Console) -> RenderableType:
        """Return the report as tables that fit the console."""
        now, wide = datetime.now(UTC), self.output == "wide"
        full = full_tables(report, now, self.namespace, wide=wide)
        needed = Measurement.get(console, console.options.update(max_width=_UNBOUNDED), full).maximum
        return full if needed <= console.width else narrow_tables(report, now, self.namespace)

    def is_live(self, console: Console) -> bool:
        """Tell whether it is drawn over and over on a terminal."""
        return self.output in ("table", "wide") and console.is_terminal and not console.is_dumb_terminal


async def show_once(view: View, kubeconfig: Path | None) -> None:
    """Show how the cluster is doing now; what cannot be read goes to standard error.

    Raises
    ------
    ClusterError, CredentialsError
        Nothing can be read.
    """
    async with connected(kubeconfig) as client:
        listing = await list_cluster(client, view.namespace)
    _tell(listing.notes)
    report, console = status_report(listing.inventory, view.namespace), Console(highlight=False)
    if view.output in ("table", "wide") and report == StatusReport():
        where = (
            f"in namespace {view.namespace}; -A shows all namespaces" if view.namespace else "in this cluster"
        )
        click.echo(f"no gateways, routes or guards {where}", err=True)
    elif view.is_live(console):
        console.print(view.tables(report, console))
    else:
        click.echo(view.text(report))


async def show_until_signal(view: View, kubeconfig: Path | None) -> None:
    """Show how the cluster is doing, and every change of it, until SIGINT or SIGTERM.

    Raises
    ------
    ClusterError, CredentialsError
        Nothing can be read.
    """
    showing = asyncio.create_task(_follow(view, kubeconfig))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, showing.cancel)
    await asyncio.wait((showing,))
    if not showing.cancelled():
        showing.result()


async def _follow(view: View, kubeconfig: Path | None) -> None:
    console = Console(highlight=False)
    if view.is_live(console):
        shown = StatusReport()
        with Live(
            console=console, get_renderable=lambda: view.tables(shown, console), refresh_per_second=1
        ) as live:

            def show(report: StatusReport) -> None:
                nonlocal shown
                shown = report
                live.refresh()

            await _reports(view, kubeconfig, show)
    else:
        await _reports(view, kubeconfig, lambda report: _print_next(view, report))


async def _reports(view: View, kubeconfig: Path | None, show: Callable[[StatusReport], None]) -> None:
    """Show the report, and every other one that follows it."""
    before = None
    async with connected(kubeconfig) as client:
        first = await list_cluster(client, view.namespace)
        _tell(first.notes)
        log_warnings_only()
        async with aclosing(watch_cluster(client, first)) as listings:
            async for listing in listings:
                report = status_report(listing.inventory, view.namespace)
                if report != before:
                    show(report)
                before = report


def _print_next(view: View, report: StatusReport) -> None:
    if view.output == "yaml":
        click.echo("---")
    click.echo(view.text(report))
    if view.output in ("table", "wide"):
        click.echo()
    sys.stdout.flush()


def _tell(notes: tuple[str, ...]) -> None:
    for note in notes:
        click.echo(f"warning: {note}", err=True)
