"""The show itself: live on a terminal until Ctrl-C, and as lines elsewhere, which end by themselves; what to try."""

import shlex
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from demo.errors import DemoError
from demo.samples import BROKEN, BROKEN_ROUTE, DUPLICATE_ROUTE, GATEWAYS, PROJECT, REPAIR
from demo.stage import ShownRow, Stage, is_reported, short_name
from gateway_components.cli.report import StatusReport
from gateway_components.cli.status import status_tables

_PAUSE_SECONDS = 0.2
_LIMIT_SECONDS = 120.0
_FOOTER = Text("Live. Ctrl-C stops everything and removes it.", style="dim")


def show_live(stage: Stage) -> None:
    """Show gateways and routes until a signal raises; once they are as they should be, say what to try.

    Raises DemoError or LabError: something has ended, or the gateways did not get there in time.
    """
    never = threading.Event()
    hinted = False
    with Live(console=stage.console, auto_refresh=False) as live:
        while not never.wait(_PAUSE_SECONDS):
            report = stage.report()
            live.update(
                Group(status_tables(report, datetime.now(UTC), "default"), Text(), _FOOTER), refresh=True
            )
            if hinted:
                continue
            if _is_settled(report):
                drawing = stage.lab.folder / "demo" / "gateways.svg"
                drawing.write_text(stage.gatewayctl("graph", "-A", "-o", "svg"), encoding="utf-8")
                stage.console.print(f"The graph of it all: {drawing}", soft_wrap=True)
                print_hints(stage.console, stage.lab.kubeconfig)
                hinted = True
            elif stage.seconds() > _LIMIT_SECONDS:
                raise _too_late(stage, report)


def show_lines(stage: Stage) -> None:
    """Say what happens to gateways and routes, what to try, and try one of it: repair what can be repaired.

    Raises DemoError or LabError: something has ended, or the gateways did not get there in time.
    """
    reported: dict[str, str] = {}
    _follow(stage, _is_settled, reported)
    _print_command(stage, "status", "-A")
    print_hints(stage.console, stage.lab.kubeconfig)
    stage.console.print(f'Repairing the patch of "{BROKEN}" and the server of "{BROKEN_ROUTE}" …')
    stage.console.print(f"    {repair_command()}", style="cyan", soft_wrap=True)
    stage.lab.kubectl("apply", "-f", str(PROJECT / REPAIR))
    _follow(stage, _is_repaired, reported)
    _print_command(stage, "status", "-A")
    _print_command(stage, "graph", "-A")


def _print_command(stage: Stage, *arguments: str) -> None:
    stage.console.print(f"\n    gatewayctl {' '.join(arguments)}", style="cyan")
    stage.console.out(stage.gatewayctl(*arguments), end="")


def _follow(stage: Stage, done: Callable[[StatusReport], bool], reported: dict[str, str]) -> None:
    pause = threading.Event()
    while True:
        report = stage.report()
        for row in _rows(report):
            name, sentence = short_name(row), _sentence(row)
            if is_reported(row) and sentence != reported.get(name):
                reported[name] = sentence
                line = f"  {stage.seconds():5.1f} s  {name:<15}  {sentence}"
                stage.console.print(line, markup=False, soft_wrap=True)
        if done(report):
            return
        if stage.seconds() > _LIMIT_SECONDS:
            raise _too_late(stage, report)
        pause.wait(_PAUSE_SECONDS)


def _rows(report: StatusReport) -> tuple[ShownRow, ...]:
    return (*report.gateways, *report.routes)


def _sentence(row: ShownRow) -> str:
    return f"Ready: {row.message}; {row.url}" if row.ready == "True" else f"{row.reason}: {row.message}"


def _is_settled(report: StatusReport) -> bool:
    reasons = {
        BROKEN: "ConfigPatchInvalid",
        BROKEN_ROUTE: "UpstreamUnresolved",
        DUPLICATE_ROUTE: "DuplicateServerName",
    }
    return all(
        row.reason == reasons[row.name] if row.name in reasons else row.ready == "True"
        for row in _rows(report)
    )


def _is_repaired(report: StatusReport) -> bool:
    return all(row.ready == "True" for row in _rows(report) if row.name != DUPLICATE_ROUTE)


def _too_late(stage: Stage, report: StatusReport) -> DemoError:
    late = ", ".join(short_name(row) for row in _rows(report) if row.ready != "True")
    return DemoError(f"not ready within {_LIMIT_SECONDS:g} s of the daemon: {late}. {stage.log_end()}")


_KUBECTL = ".venv/bin/kubectl"
_GATEWAYCTL = ".venv/bin/gatewayctl"


@dataclass(frozen=True)
class Hint:
    """What to try, and the commands for it."""

    what: str
    commands: tuple[str, ...]


def repair_command() -> str:
    """Return the command that repairs the broken gateway and the broken route."""
    return f"{_KUBECTL} apply -f {REPAIR}"


def hints(kubeconfig: Path) -> list[Hint]:
    """Return what can be tried with the cluster of `kubeconfig`."""
    models = '{"spec":{"aiModels":[{"name":"gpt-4.1","provider":"openai"}]}}'
    return [
        Hint(
            "In another terminal:",
            (f"cd {shlex.quote(str(PROJECT))}", f"export KUBECONFIG={shlex.quote(str(kubeconfig))}"),
        ),
        Hint(
            "Look at it all, and draw it as Mermaid, DOT or SVG:",
            (f"{_GATEWAYCTL} status -A -o wide", f"{_GATEWAYCTL} graph -A -o mermaid"),
        ),
        Hint("The same by kubectl:", (f"{_KUBECTL} get aigateways,toolgateways,toolroutes -A",)),
        Hint(
            f'Repair the patch of "{BROKEN}" and the server of "{BROKEN_ROUTE}", and see them turn Ready:',
            (repair_command(),),
        ),
        Hint(
            "Give a gateway another model, and see what its LiteLLM gets:",
            (
                f"{_KUBECTL} patch aigw chat --type=merge \\\n  -p '{models}'",
                f"{_KUBECTL} get configmap chat-config \\\n  -o jsonpath='{{.data.config\\.yaml}}'",
            ),
        ),
        Hint("Change anything about it in an editor:", (f"{_KUBECTL} edit aigw tuned",)),
        Hint("Delete a Deployment by hand; it comes back:", (f"{_KUBECTL} delete deployment chat",)),
        Hint("Delete a gateway; all that belongs to it goes too:", (f"{_KUBECTL} delete aigw mixed",)),
        Hint(
            "See without a cluster what manifests become, and what is wrong with them:",
            (
                f"{_GATEWAYCTL} render {GATEWAYS}/tuned.yaml --config-only",
                f"{_GATEWAYCTL} validate {GATEWAYS}",
            ),
        ),
    ]


def print_hints(console: Console, kubeconfig: Path) -> None:
    """Print what can be tried; commands are never broken up, so that they can be copied."""
    text = Text.assemble(("\nWhat to try next\n", "bold"))
    for hint in hints(kubeconfig):
        text.append(f"\n  {hint.what}\n", style="dim")
        for command in hint.commands:
            indented = command.replace("\n", "\n    ")
            text.append(f"    {indented}\n", style="cyan")
    # All at once: above a live table, every single print draws the table anew.
    console.print(text, soft_wrap=True)
