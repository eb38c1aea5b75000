"""gatewayctl stack: the engine's state of a namespace, for a person with the Pulumi CLI."""

import sys
from pathlib import Path
from typing import BinaryIO, TextIO

import click
from rich.console import Console
from rich.table import Table

from gateway_components.cli.arguments import (
    install_home,
    install_namespace_option,
    kubeconfig_option,
    namespace_argument,
    policy_options,
)
from gateway_components.cli.cluster import log_warnings_only, on_cluster
from gateway_components.cli.states import export_state, import_state, list_states, preview_state
from gateway_components.errors import visible
from gateway_components.kubeconfig import find_kubeconfig
from gateway_components.plan.snapshot import Policy


@click.group()
def stack() -> None:
    """Inspect, preview and take over the stack of a namespace.

    The daemon keeps a Pulumi stack for each namespace with gateways, and its state in Secrets there. `pulumi stack
    import` reads what `export` prints, and vice versa.
    """


unverified_option = click.option(
    "--unverified",
    is_flag=True,
    help="Read states without the daemon's passphrase, and without checking who wrote them.",
)


@stack.command()
@unverified_option
@install_namespace_option
@kubeconfig_option
def ls(unverified: bool, install_namespace: str | None, kubeconfig: Path | None) -> None:
    """List the stacks of a cluster."""
    install = None if unverified else install_home(install_namespace)
    table = Table(box=None, pad_edge=False, header_style="")
    for title in ("NAMESPACE", "GATEWAYS", "STATE", "BYTES"):
        table.add_column(title, no_wrap=True)
    for state in on_cluster(kubeconfig, lambda client: list_states(client, install)):
        table.add_row(state.namespace, str(len(state.gateways)), state.condition, str(state.size))
    Console(soft_wrap=True, highlight=False).print(table)


@stack.command()
@namespace_argument
@click.option(
    "-o", "--output", type=click.File("w"), default="-", help="File to write.  [default: standard output]"
)
@unverified_option
@install_namespace_option
@kubeconfig_option
def export(
    namespace: str,
    output: TextIO,
    unverified: bool,
    install_namespace: str | None,
    kubeconfig: Path | None,
) -> None:
    """Print the state of NAMESPACE as `pulumi stack export` does.

    A state that the daemon did not sign is refused: anyone who may write Secrets there could have forged it.
    """
    install = None if unverified else install_home(install_namespace)
    output.write(on_cluster(kubeconfig, lambda client: export_state(client, namespace, install)))


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

    The daemon notices, refreshes every gateway in it, and corrects the drift. The state is signed with the daemon's
    passphrase. Resources that a daemon does not keep in a state are refused by name.
    """
    install = install_home(install_namespace)
    state = on_cluster(kubeconfig, lambda client: import_state(client, namespace, source.read(), install))
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
@policy_options
@kubeconfig_option
def preview(
    namespace: str,
    install_namespace: str | None,
    backend: str,
    kubeconfig: Path | None,
    policy: Policy,
) -> None:
    """Show what the engine would change in NAMESPACE after a refresh; nothing is written.

    Pass the daemon's policy by the same options. The exit code is 1 if a gateway cannot be planned.
    """
    log_warnings_only()
    found = kubeconfig or find_kubeconfig()
    install = install_home(install_namespace)
    text, failures = on_cluster(
        found, lambda client: preview_state(client, found, namespace, install, backend, policy)
    )
    click.echo(visible(text))
    for key, failure in failures.items():
        click.echo(visible(f"{key}: {failure.reason}: {failure}"), err=True)
    sys.exit(1 if failures else 0)
