"""gatewayctl status: how gateways, routes and guards of a cluster are doing."""

import asyncio
from pathlib import Path

import click

from gateway_components.cli.arguments import cluster_namespace_option_for, home, kubeconfig_option

__all__ = ["status"]


@click.command()
@cluster_namespace_option_for("Namespace to show.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Show all namespaces.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "wide", "json", "yaml"]),
    default="table",
    show_default=True,
    help="Form of the output; wide adds messages and what is behind the routes.",
)
@click.option("-w", "--watch", is_flag=True, help="Show every change until Ctrl-C.")
@kubeconfig_option
def status(
    namespace: str | None, output: str, kubeconfig: Path | None, *, all_namespaces: bool, watch: bool
) -> None:
    """Show gateways, routes and guards of a cluster, and what is wrong with them.

    A Guard is Ready where its provider exists and both fit the gateways that use it. The exit code is 0 whatever is
    ready, and 1 where the cluster cannot be read.
    """
    # Loaded here, so that other commands do not wait for the client.
    from gateway_components.cli.show import View, show_once, show_until_signal  # noqa: PLC0415

    view = View(output, None if all_namespaces else namespace or home(kubeconfig))
    asyncio.run(show_until_signal(view, kubeconfig) if watch else show_once(view, kubeconfig))
