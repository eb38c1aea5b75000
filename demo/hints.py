"""What a person can try while the demo runs: commands that work as they are printed."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from demo.samples import BROKEN, BROKEN_ROUTE, GATEWAYS, PROJECT, REPAIR

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
