"""gatewayctl graph: a drawing of what hangs together, and of what is broken."""

import asyncio
import sys
from pathlib import Path

import click

from gateway_components.cli.arguments import cluster_namespace_option_for, home, kubeconfig_option
from gateway_components.graph.build import build_graph
from gateway_components.graph.dot import dot
from gateway_components.graph.inventory import inventory_of_snapshot
from gateway_components.graph.mermaid import mermaid
from gateway_components.graph.model import Graph
from gateway_components.graph.svg import svg
from gateway_components.graph.verdicts import planned_verdicts, reported_verdicts
from gateway_components.manifests.stack import read_stack

__all__ = ["graph"]

_DRAWINGS = {"mermaid": mermaid, "dot": dot, "svg": svg}


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=False, allow_dash=False))
@cluster_namespace_option_for("Namespace to draw; with FILES, that of objects that name none.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Draw all namespaces of the cluster.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(list(_DRAWINGS)),
    default="mermaid",
    show_default=True,
    help="Language of the drawing.",
)
@kubeconfig_option
def graph(
    files: tuple[Path, ...],
    namespace: str | None,
    output: str,
    kubeconfig: Path | None,
    *,
    all_namespaces: bool,
) -> None:
    """Draw classes, gateways, routes, servers and guards, and what is broken.

    FILES (or folders) are drawn as they would be planned; their namespaces are drawn together, and the exit code is 1
    where something in them is wrong. Without FILES the cluster is drawn as its statuses report.
    """
    if files:
        stack = read_stack(files, namespace or "default")
        inventory = inventory_of_snapshot(stack.snapshot)
        drawn = build_graph(inventory, planned_verdicts(inventory, stack.plan))
        notes, code = [str(finding) for finding in stack.findings], 1 if stack.errors else 0
    else:
        shown = None if all_namespaces else namespace or home(kubeconfig)
        drawn, unread = asyncio.run(_cluster_graph(kubeconfig, shown))
        notes, code = [f"warning: {note}" for note in unread], 0
    click.echo(_DRAWINGS[output](drawn), nl=False)
    for note in notes:
        click.echo(note, err=True)
    sys.exit(code)


async def _cluster_graph(kubeconfig: Path | None, namespace: str | None) -> tuple[Graph, tuple[str, ...]]:
    """Return the graph of a cluster, and what of it could not be read."""
    # Loaded here, so that other commands do not wait for the client.
    from gateway_components.cli.cluster import connected, list_cluster  # noqa: PLC0415

    async with connected(kubeconfig) as client:
        listing = await list_cluster(client, namespace)
    inventory = listing.inventory
    drawn = build_graph(inventory, reported_verdicts(inventory))
    return (drawn.around(namespace) if namespace else drawn), listing.notes
