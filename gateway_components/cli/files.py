"""gatewayctl validate, render and graph: the commands on manifest files."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from gateway_components import strict_yaml
from gateway_components.cli.arguments import (
    cluster_namespace_option_for,
    files_argument,
    home,
    kubeconfig_option,
    namespace_option,
    policy_options,
)
from gateway_components.errors import visible
from gateway_components.graph.drawing import dot, mermaid, svg
from gateway_components.graph.model import Graph, build_graph
from gateway_components.graph.verdicts import Inventory, planned_verdicts, reported_verdicts
from gateway_components.manifests.stack import read_stack
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.snapshot import Policy

_DRAWINGS = {"mermaid": mermaid, "dot": dot, "svg": svg}


@click.command()
@files_argument
@namespace_option
@policy_options
def validate(files: tuple[Path, ...], namespace: str, policy: Policy) -> None:
    """Report all errors and warnings in FILES (or folders), with line, field and cure.

    The exit code is 1 if there is an error; warnings alone give 0.
    """
    stack = read_stack(files, namespace, policy)
    for finding in stack.findings:
        click.echo(finding)
    errors = len(stack.errors)
    counts = {
        "gateway": len(stack.plan.gateways),
        "route": len(stack.plan.routes),
        "error": errors,
        "warning": len(stack.findings) - errors,
    }
    click.echo(", ".join(f"{count} {what}{'s' * (count != 1)}" for what, count in counts.items()), err=True)
    sys.exit(1 if errors else 0)


@click.command()
@files_argument
@namespace_option
@policy_options
@click.option("--config-only", is_flag=True, help="Print the LiteLLM configurations alone.")
def render(files: tuple[Path, ...], namespace: str, policy: Policy, *, config_only: bool) -> None:
    """Print the Namespaces in FILES (or folders) and the objects that gateways there become.

    A comment before each gateway names the URLs of its routes. Findings go to standard error; errors give exit code 1,
    and healthy gateways are printed all the same.
    """
    stack = read_stack(files, namespace, policy)
    if not config_only:
        for manifest in stack.namespaces:
            click.echo(f"---\n{strict_yaml.dump(manifest)}", nl=False)
    for gateway in stack.plan.gateways.values():
        for text in _documents(gateway, stack.routes_of(gateway.key), config_only=config_only):
            click.echo(f"---\n{text}", nl=False)
    for finding in stack.findings:
        click.echo(finding, err=True)
    sys.exit(1 if stack.errors else 0)


def _documents(gateway: GatewayPlan, routes: Sequence[RoutePlan], *, config_only: bool) -> list[str]:
    if gateway.objects is None:
        return []
    urls = "".join(f"# {route.key}: {route.url}\n" for route in routes)
    if config_only:
        return [f"# {gateway.key}\n{urls}{gateway.objects.config_map['data']['config.yaml']}"]
    first, *others = (strict_yaml.dump(manifest) for manifest in gateway.objects.manifests)
    return [f"{urls}{first}", *others]


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
@policy_options
@kubeconfig_option
def graph(
    files: tuple[Path, ...],
    namespace: str | None,
    output: str,
    kubeconfig: Path | None,
    policy: Policy,
    *,
    all_namespaces: bool,
) -> None:
    """Draw classes, gateways, routes, servers and guards, and what is broken.

    FILES (or folders) are drawn as planned, all namespaces together; errors in them give exit code 1. Without FILES,
    the cluster is drawn as its statuses report.
    """
    if files:
        stack = read_stack(files, namespace or "default", policy)
        inventory = Inventory(stack.snapshot.objects, partial=stack.snapshot.partial)
        drawn = build_graph(inventory, planned_verdicts(inventory, stack.plan))
        notes, code = [str(finding) for finding in stack.findings], 1 if stack.errors else 0
    else:
        shown = None if all_namespaces else namespace or home(kubeconfig)
        drawn, unread = _cluster_graph(kubeconfig, shown)
        notes, code = [f"warning: {note}" for note in unread], 0
    click.echo(_DRAWINGS[output](drawn), nl=False)
    for note in notes:
        click.echo(visible(note), err=True)
    sys.exit(code)


def _cluster_graph(kubeconfig: Path | None, namespace: str | None) -> tuple[Graph, tuple[str, ...]]:
    # Imported here, so that commands on files do not load the client.
    from gateway_components.cli.cluster import list_cluster, on_cluster  # noqa: PLC0415

    listing = on_cluster(kubeconfig, lambda client: list_cluster(client, namespace))
    inventory = listing.inventory
    drawn = build_graph(inventory, reported_verdicts(inventory))
    return (drawn.around(namespace) if namespace else drawn), listing.notes
