"""The show itself: live on a terminal until Ctrl-C, and as lines elsewhere, which end by themselves."""

import threading
from collections.abc import Callable, Iterable

from rich.console import Group
from rich.live import Live
from rich.text import Text

from demo.errors import DemoError
from demo.gateways import Condition, GatewayRow
from demo.hints import print_hints, repair_command
from demo.samples import BROKEN, PROJECT, REPAIR
from demo.stage import Stage
from demo.table import gateway_table

__all__ = ["show_lines", "show_live"]

_PAUSE_SECONDS = 0.2
_LIMIT_SECONDS = 120.0
_FOOTER = Text("Live. Ctrl-C stops everything and removes it.", style="dim")


def show_live(stage: Stage) -> None:
    """Show the gateways until a signal raises; once they are as they should be, say what to try.

    Raises
    ------
    DemoError, LabError
        Something has ended, or the gateways did not get there in time.
    """
    never = threading.Event()
    hinted = False
    with Live(console=stage.console, auto_refresh=False) as live:
        while not never.wait(_PAUSE_SECONDS):
            rows = stage.gateways()
            live.update(Group(gateway_table(rows), Text(), _FOOTER), refresh=True)
            if hinted:
                continue
            if _is_settled(rows):
                print_hints(stage.console, stage.lab.kubeconfig)
                hinted = True
            elif stage.seconds() > _LIMIT_SECONDS:
                raise _too_late(stage, rows)


def show_lines(stage: Stage) -> None:
    """Say what happens to the gateways, what to try, and try one of it: repair the broken gateway.

    Raises
    ------
    DemoError, LabError
        Something has ended, or the gateways did not get there in time.
    """
    told: dict[str, Condition | None] = {}
    _follow(stage, _is_settled, told)
    stage.console.print(gateway_table(stage.gateways()))
    print_hints(stage.console, stage.lab.kubeconfig)
    stage.console.print(f'Repairing the patch of "{BROKEN}" …')
    stage.console.print(f"    {repair_command()}", style="cyan", soft_wrap=True)
    stage.lab.kubectl("apply", "-f", str(PROJECT / REPAIR))
    _follow(stage, lambda rows: all(row.is_ready for row in rows), told)
    stage.console.print(gateway_table(stage.gateways()))


def _follow(
    stage: Stage, done: Callable[[Iterable[GatewayRow]], bool], told: dict[str, Condition | None]
) -> None:
    pause = threading.Event()
    while True:
        rows = stage.gateways()
        for row in rows:
            verdict = row.verdict
            if verdict is not None and verdict != told.get(row.name):
                told[row.name] = verdict
                line = f"  {stage.seconds():5.1f} s  {row.name:<8}  {_sentence(row, verdict)}"
                stage.console.print(line, markup=False, soft_wrap=True)
        if done(rows):
            return
        if stage.seconds() > _LIMIT_SECONDS:
            raise _too_late(stage, rows)
        pause.wait(_PAUSE_SECONDS)


def _sentence(row: GatewayRow, verdict: Condition) -> str:
    if row.is_ready:
        return f"Ready: {verdict.message}; {row.url}"
    return f"{verdict.reason}: {verdict.message}"


def _is_settled(rows: Iterable[GatewayRow]) -> bool:
    return all(row.is_ready or (row.name == BROKEN and row.is_refused) for row in rows)


def _too_late(stage: Stage, rows: Iterable[GatewayRow]) -> DemoError:
    late = ", ".join(row.name for row in rows if not row.is_ready)
    return DemoError(f"not ready within {_LIMIT_SECONDS:g} s of the daemon: {late}. {stage.log_end()}")
