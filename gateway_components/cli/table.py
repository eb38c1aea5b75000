"""The report as tables: wide enough for all of it, or as wide as a terminal, with the details below."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gateway_components.cli.report import GatewayRow, GuardRow, RouteRow, Row, StatusReport
from gateway_components.graph.labels import printable

__all__ = ["full_tables", "narrow_tables"]

R = TypeVar("R", bound=Row)

Columns = Sequence[tuple[str, Callable[[R], str | Text]]]

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_ROLLING_OUT = "DeploymentRollingOut"


def full_tables(
    report: StatusReport, now: datetime, home: str | None = None, *, wide: bool = False
) -> RenderableType:
    """Return tables with every column, as kubectl has them; nothing is cut where the console is wide enough.

    Parameters
    ----------
    report
        What to show.
    now
        What ages are counted to.
    home
        Namespace that goes without saying.
    wide
        Whether to add what is behind each route, and the messages.
    """
    message: Columns[Row] = (("MESSAGE", lambda row: row.message),) if wide else ()
    upstream: Columns[RouteRow] = (("UPSTREAM", lambda row: row.upstream),) if wide else ()
    gateways: Columns[GatewayRow] = (*_gateway_columns(now, home), ("URL", lambda row: row.url))
    routes: Columns[RouteRow] = (*_route_columns(now, home), *upstream, ("URL", lambda row: row.url))
    guards: Columns[GuardRow] = (
        *_guard_columns(now, home),
        ("TYPE", lambda row: row.provider_type),
        ("USED BY", lambda row: ", ".join(row.gateways)),
    )
    return _sections(
        _table(report.gateways, (*gateways, *message), ruled=False),
        _table(report.routes, (*routes, *message), ruled=False),
        _table(report.guards, (*guards, *message), ruled=False),
    )


def narrow_tables(report: StatusReport, now: datetime, home: str | None = None) -> RenderableType:
    """Return tables that fit 80 columns, and below them where each object is reached or why it is not."""
    details = Table.grid(padding=(0, 3))
    details.add_column(no_wrap=True)
    details.add_column(overflow="fold")
    for row in (*report.gateways, *report.routes, *report.guards):
        details.add_row(_cell(Text(_name(row, home), style="bold")), _cell(_detail(row)))
    return _sections(
        _table(report.gateways, _gateway_columns(now, home)),
        _table(report.routes, _route_columns(now, home)),
        _table(report.guards, _guard_columns(now, home)),
        details if details.rows else None,
    )


def _gateway_columns(now: datetime, home: str | None) -> Columns[GatewayRow]:
    return (
        ("GATEWAY", lambda row: Text(_name(row, home), style="bold")),
        ("KIND", lambda row: row.kind),
        ("CLASS", lambda row: row.class_name or "-"),
        ("READY", _ready),
        ("REASON", lambda row: row.reason),
        ("AGE", lambda row: _age(row.created, now)),
    )


def _route_columns(now: datetime, home: str | None) -> Columns[RouteRow]:
    return (
        ("ROUTE", lambda row: Text(_name(row, home), style="bold")),
        ("GATEWAY", lambda row: _without_home(row.gateway, home) or "-"),
        ("READY", _ready),
        ("REASON", lambda row: row.reason),
        ("AGE", lambda row: _age(row.created, now)),
    )


def _guard_columns(now: datetime, home: str | None) -> Columns[GuardRow]:
    return (
        ("GUARD", lambda row: Text(_name(row, home), style="bold")),
        ("PROVIDER", lambda row: _without_home(row.provider, home) or "-"),
        ("MODES", lambda row: ",".join(row.modes) or "-"),
        ("READY", _ready),
        ("REASON", lambda row: row.reason),
        ("AGE", lambda row: _age(row.created, now)),
    )


def _table(rows: Iterable[R], columns: Columns[R], *, ruled: bool = True) -> Table | None:
    rows = tuple(rows)
    if not rows:
        return None
    look = box.SIMPLE_HEAD if ruled else None
    table = Table(box=look, show_edge=False, pad_edge=False, padding=(0, 1) if ruled else (0, 3, 0, 0))
    for title, _ in columns:
        table.add_column(title, overflow="ellipsis", no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(shown(row)) for _, shown in columns))
    return table


def _cell(shown: str | Text) -> Text:
    """Return what a cell shows: whoever writes an object must not write to the terminal of who looks at it."""
    # As Text, for Rich takes the brackets of a str for markup.
    text = shown if isinstance(shown, Text) else Text(shown)
    text.plain = printable(text.plain)
    return text


def _sections(*tables: Table | None) -> RenderableType:
    parts: list[RenderableType] = []
    for table in tables:
        if table is not None:
            parts += [Text(), table] if parts else [table]
    return Group(*parts) if parts else Text("no gateways, routes or guards")


def _name(row: Row, home: str | None) -> str:
    return _without_home(f"{row.namespace}/{row.name}", home)


def _without_home(path: str, home: str | None) -> str:
    return path.removeprefix(f"{home}/") if home else path


def _ready(row: Row) -> Text:
    return Text(row.ready, style=_style(row))


def _style(row: Row) -> str:
    if row.ready == "True":
        return "green"
    return "red" if row.ready == "False" and row.reason != _ROLLING_OUT else "yellow"


def _detail(row: Row) -> Text:
    url = row.url if isinstance(row, GatewayRow | RouteRow) else ""
    if row.ready == "True":
        used = f"used by {', '.join(row.gateways) or 'no gateway'}" if isinstance(row, GuardRow) else ""
        return Text(url or used, style="cyan")
    style = _style(row)
    return Text.assemble((row.reason, f"bold {style}"), (f": {printable(row.message)}", style))


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
