"""gatewayctl stack: the engine's state of a namespace, for a person with the Pulumi CLI."""

import asyncio
import sys
from pathlib import Path
from typing import BinaryIO, TextIO

import click

from gateway_components.cli.arguments import (
    home,
    install_namespace_option,
    kubeconfig_option,
    namespace_argument,
)
from gateway_components.cli.quiet import log_warnings_only

__all__ = ["stack"]


@click.group()
def stack() -> None:
    """Look at, preview and take over the stack of a namespace.

    The daemon keeps a Pulumi stack for each namespace of gateways, and its state in Secrets there. What `export`
    prints `pulumi stack import` takes, and the other way round.
    """


@stack.command()
@kubeconfig_option
def ls(kubeconfig: Path | None) -> None:
    """List the stacks of a cluster."""
    # Loaded here and below, so that other commands do not wait for client and engine.
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from gateway_components.cli.cluster import connected  # noqa: PLC0415
    from gateway_components.cli.states import State, list_states  # noqa: PLC0415

    async def states() -> list[State]:
        async with connected(kubeconfig) as client:
            return await list_states(client)

    table = Table(box=None, pad_edge=False, header_style="")
    for title in ("NAMESPACE", "GATEWAYS", "STATE", "BYTES"):
        table.add_column(title, no_wrap=True)
    for state in asyncio.run(states()):
        table.add_row(state.namespace, str(len(state.gateways)), state.condition, str(state.size))
    Console(soft_wrap=True, highlight=False).print(table)


@stack.command()
@namespace_argument
@click.option(
    "-o", "--output", type=click.File("w"), default="-", help="File to write.  [default: standard output]"
)
@kubeconfig_option
def export(namespace: str, output: TextIO, kubeconfig: Path | None) -> None:
    """Print the state of NAMESPACE as `pulumi stack export` does."""
    from gateway_components.cli.cluster import connected  # noqa: PLC0415
    from gateway_components.cli.states import export_state  # noqa: PLC0415

    async def exported() -> str:
        async with connected(kubeconfig) as client:
            return await export_state(client, namespace)

    output.write(asyncio.run(exported()))


@stack.command("import")
@namespace_argument
@click.option(
    "-f",
    "--file",
    "source",
    type=click.File("rb"),
    default="-",
    help="File to read.  [default: standard input]",
)
@install_namespace_option
@kubeconfig_option
def import_(namespace: str, source: BinaryIO, install_namespace: str | None, kubeconfig: Path | None) -> None:
    """Give NAMESPACE the state that `export` or `pulumi stack export` printed.

    The daemon notices, looks at every gateway in it, and puts right what differs. It believes no state but those
    signed with its passphrase, which is read for that.
    """
    from gateway_components.cli.cluster import connected  # noqa: PLC0415
    from gateway_components.cli.states import State, import_state  # noqa: PLC0415

    install = install_namespace or home(kubeconfig)

    async def imported() -> State:
        async with connected(kubeconfig) as client:
            return await import_state(client, namespace, source.read(), install)

    state = asyncio.run(imported())
    click.echo(f"imported: {namespace} has {len(state.gateways)} gateways: {', '.join(state.gateways)}")


@stack.command()
@namespace_argument
@install_namespace_option
@click.option(
    "--backend",
    default="cluster",
    show_default=True,
    help="Where the daemon keeps the state: cluster, or the URL of a backend of Pulumi.",
)
@kubeconfig_option
def preview(namespace: str, install_namespace: str | None, backend: str, kubeconfig: Path | None) -> None:
    """Show what the engine would change in NAMESPACE, after a look at the cluster; nothing is written.

    The exit code is 1 where a gateway cannot be planned.
    """
    from gateway_components.cli.cluster import ClusterError, connected  # noqa: PLC0415
    from gateway_components.daemon.preview import Preview  # noqa: PLC0415
    from gateway_components.daemon.preview import preview as previewed  # noqa: PLC0415
    from gateway_components.kube.client import find_kubeconfig  # noqa: PLC0415
    from gateway_components.kube.errors import ApiError  # noqa: PLC0415
    from gateway_components.kube.state_secrets import StateConflictError, StateDamagedError  # noqa: PLC0415

    log_warnings_only()
    found = kubeconfig or find_kubeconfig()
    install = install_namespace or home(kubeconfig)

    async def run() -> Preview:
        async with connected(found) as client:
            try:
                return await previewed(client, found, namespace, install, backend)
            except (ApiError, StateConflictError, StateDamagedError) as error:
                raise ClusterError(str(error)) from None

    text, failures = asyncio.run(run())
    click.echo(text)
    for key, failure in failures.items():
        click.echo(f"{key}: {failure.reason}: {failure}", err=True)
    sys.exit(1 if failures else 0)
