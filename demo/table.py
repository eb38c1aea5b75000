"""Gateways as a table, and below it where each one is reached or why it is not."""

from collections.abc import Iterable
from datetime import UTC, datetime

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from demo.gateways import Condition, GatewayRow

__all__ = ["gateway_table"]

_MINUTE, _HOUR = 60, 3600


def gateway_table(rows: Iterable[GatewayRow]) -> RenderableType:
    """Return the table of `rows`; it fits 80 columns, and uses more for the lines below it."""
    rows = list(rows)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title in ("Gateway", "Class", "Models", "Configured", "Ready"):
        table.add_column(title, overflow="ellipsis", no_wrap=True)
    table.add_column("Age", justify="right", no_wrap=True)
    details = Table.grid(padding=(0, 3))
    for row in rows:
        table.add_row(
            Text(row.name, style="bold"),
            row.class_name,
            _models(row.models),
            _answer(row.configured),
            _answer(row.ready),
            _age(row.created),
        )
        details.add_row(Text(row.name, style="bold"), _detail(row))
    return Group(table, Text(), details)


def _models(models: tuple[str, ...]) -> str:
    more = f" +{len(models) - 1}" if len(models) > 1 else ""
    return f"{models[0]}{more}" if models else "none"


def _answer(condition: Condition | None) -> Text:
    if condition is None:
        return Text("…", style="dim")
    return Text("True" if condition.status else "False", style=_style(condition))


def _style(condition: Condition | None) -> str:
    if condition is None:
        return "dim"
    if condition.status:
        return "green"
    return "yellow" if condition.reason == "DeploymentRollingOut" else "red"


def _detail(row: GatewayRow) -> Text:
    verdict = row.verdict
    if verdict is None:
        return Text("the daemon has not come to it yet", style="dim")
    if row.is_ready:
        return Text(row.url, style="cyan")
    return Text.assemble(
        (verdict.reason, f"bold {_style(verdict)}"), (f": {verdict.message}", _style(verdict))
    )


def _age(created: datetime) -> str:
    seconds = max(int((datetime.now(UTC) - created).total_seconds()), 0)
    if seconds < 2 * _MINUTE:
        return f"{seconds}s"
    return f"{seconds // _MINUTE}m" if seconds < 2 * _HOUR else f"{seconds // _HOUR}h"
