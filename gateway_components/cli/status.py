"""gatewayctl status: how gateways, routes and guards of a cluster are doing, once or at every change."""

import asyncio
import io
import json
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway_components import strict_yaml
from gateway_components.cli.arguments import cluster_namespace_option_for, home, kubeconfig_option
from gateway_components.cli.cluster import (
    connected,
    list_cluster,
    log_warnings_only,
    on_cluster,
    watch_cluster,
)
from gateway_components.cli.report import GatewayRow, GuardRow, RouteRow, Row, StatusReport, status_report
from gateway_components.errors import printable, visible

R = TypeVar("R", bound=Row)

Columns = Sequence[tuple[str, Callable[[R], str | Text]]]

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_ROLLING_OUT = "DeploymentRollingOut"


def status_tables(
    report: StatusReport, now: datetime, home: str | None = None, *, wide: bool = False
) -> RenderableType:
    """Return the tables; on a narrow console they fold the longest columns, and cut nothing.

    Ages refer to `now`, the namespace `home` is left out of names, and `wide` tables have upstreams and messages.
    """

    def path(text: str) -> str:
        return text.removeprefix(f"{home}/") if home else text

    def name(row: Row) -> Text:
        return Text(path(f"{row.namespace}/{row.name}"), style="bold")

    health: Columns[Row] = (
        ("READY", lambda row: Text(row.ready, style=_style(row))),
        ("REASON", lambda row: row.reason),
        ("AGE", lambda row: _age(row.created, now)),
    )
    message: Columns[Row] = (("MESSAGE", lambda row: row.message),) if wide else ()
    upstream: Columns[RouteRow] = (("UPSTREAM", lambda row: row.upstream),) if wide else ()
    gateways: Columns[GatewayRow] = (
        ("GATEWAY", name),
        ("KIND", lambda row: row.kind),
        ("CLASS", lambda row: row.class_name or "-"),
        *health,
        ("URL", lambda row: row.url),
        *message,
    )
    routes: Columns[RouteRow] = (
        ("ROUTE", name),
        ("GATEWAY", lambda row: path(row.gateway) or "-"),
        *health,
        *upstream,
        ("URL", lambda row: row.url),
        *message,
    )
    guards: Columns[GuardRow] = (
        ("GUARD", name),
        ("PROVIDER", lambda row: path(row.provider) or "-"),
        ("MODES", lambda row: ",".join(row.modes) or "-"),
        *health,
        ("TYPE", lambda row: row.provider_type),
        ("USED BY", lambda row: ", ".join(row.gateways)),
        *message,
    )
    sections = (
        _table(report.gateways, gateways),
        _table(report.routes, routes),
        _table(report.guards, guards),
    )
    parts: list[RenderableType] = []
    for table in sections:
        if table is not None:
            parts += [Text(), table] if parts else [table]
    return Group(*parts) if parts else Text("no gateways, routes or guards")


def _table(rows: Iterable[R], columns: Columns[R]) -> Table | None:
    rows = tuple(rows)
    if not rows:
        return None
    table = Table(box=None, show_edge=False, pad_edge=False, padding=(0, 3, 0, 0))
    for title, _ in columns:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(shown(row)) for _, shown in columns))
    return table


def _cell(shown: str | Text) -> Text:
    """Return a cell without control characters: an object must not control the reader's terminal."""
    # As Text, since Rich parses brackets in a str as markup.
    text = shown if isinstance(shown, Text) else Text(shown)
    text.plain = printable(text.plain)
    return text


def _style(row: Row) -> str:
    if row.ready == "True":
        return "green"
    return "red" if row.ready == "False" and row.reason != _ROLLING_OUT else "yellow"


def _age(created: str, now: datetime) -> str:
    """Return how long ago something was created, as kubectl has it but coarser: ``90s``, ``5m``, ``3h``, ``12d``."""
    if not created:
        return "-"
    try:
        since = datetime.strptime(created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return "?"
    seconds = max(int((now - since).total_seconds()), 0)
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if seconds >= 2 * unit:
            return f"{seconds // unit}{name}"
    return f"{seconds}s"


_UNBOUNDED = 100_000
"""Width of output to a file or pipe, so that no line is folded."""


@click.command()
@cluster_namespace_option_for("Namespace to show.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Show all namespaces.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "wide", "json", "yaml"]),
    default="table",
    show_default=True,
    help="Output format; wide adds messages and upstreams.",
)
@click.option("-w", "--watch", is_flag=True, help="Show changes until Ctrl-C.")
@kubeconfig_option
def status(
    namespace: str | None, output: str, kubeconfig: Path | None, *, all_namespaces: bool, watch: bool
) -> None:
    """Show the gateways, routes and guards of a cluster, and why one is not ready.

    A Guard is ready if its provider exists and both fit the gateways that use it. The exit code is 1 only if the
    cluster cannot be read.
    """
    view = _View(output, None if all_namespaces else namespace or home(kubeconfig))
    if watch:
        asyncio.run(_show_until_signal(view, kubeconfig))
    else:
        _show_once(view, kubeconfig)


@dataclass(frozen=True)
class _View:
    output: str
    namespace: str | None

    def text(self, report: StatusReport) -> str:
        if self.output == "json":
            return json.dumps(report.plain, indent=2, ensure_ascii=False)
        if self.output == "yaml":
            return strict_yaml.dump(report.plain).rstrip("\n")
        written = io.StringIO()
        console = Console(file=written, width=_UNBOUNDED, force_terminal=False, highlight=False)
        console.print(self.tables(report))
        return "\n".join(line.rstrip() for line in written.getvalue().splitlines())

    def tables(self, report: StatusReport) -> RenderableType:
        return status_tables(report, datetime.now(UTC), self.namespace, wide=self.output == "wide")

    def is_live(self, console: Console) -> bool:
        return self.output in ("table", "wide") and console.is_terminal and not console.is_dumb_terminal


def _show_once(view: _View, kubeconfig: Path | None) -> None:
    """Show the report once; what cannot be read goes to standard error."""
    listing = on_cluster(kubeconfig, lambda client: list_cluster(client, view.namespace))
    _warn(listing.notes)
    report, console = status_report(listing.inventory, view.namespace), Console(highlight=False)
    if view.output in ("table", "wide") and report == StatusReport():
        where = (
            f"in namespace {view.namespace}; -A shows all namespaces" if view.namespace else "in this cluster"
        )
        click.echo(f"no gateways, routes or guards {where}", err=True)
    elif view.is_live(console):
        console.print(view.tables(report))
    else:
        click.echo(view.text(report))


async def _show_until_signal(view: _View, kubeconfig: Path | None) -> None:
    showing = asyncio.create_task(_follow(view, kubeconfig))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, showing.cancel)
    await asyncio.wait((showing,))
    if not showing.cancelled():
        showing.result()


async def _follow(view: _View, kubeconfig: Path | None) -> None:
    console = Console(highlight=False)
    if view.is_live(console):
        shown = StatusReport()
        with Live(console=console, get_renderable=lambda: view.tables(shown), refresh_per_second=1) as live:

            def show(report: StatusReport) -> None:
                nonlocal shown
                shown = report
                live.refresh()

            await _reports(view, kubeconfig, show)
    else:
        await _reports(view, kubeconfig, lambda report: _print_next(view, report))


async def _reports(view: _View, kubeconfig: Path | None, show: Callable[[StatusReport], None]) -> None:
    before = None
    async with connected(kubeconfig) as client:
        first = await list_cluster(client, view.namespace)
        _warn(first.notes)
        log_warnings_only()
        async with aclosing(watch_cluster(client, first)) as listings:
            async for listing in listings:
                report = status_report(listing.inventory, view.namespace)
                if report != before:
                    show(report)
                before = report


def _print_next(view: _View, report: StatusReport) -> None:
    if view.output == "yaml":
        click.echo("---")
    click.echo(view.text(report))
    if view.output in ("table", "wide"):
        click.echo()
    sys.stdout.flush()


def _warn(notes: tuple[str, ...]) -> None:
    for note in notes:
        click.echo(visible(f"warning: {note}"), err=True)
