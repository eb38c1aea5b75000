"""gatewayctl render: what would be applied, with no cluster and no engine."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from gateway_components import documents
from gateway_components.cli.arguments import files_argument, namespace_option
from gateway_components.manifests.stack import read_stack
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.routes import RoutePlan

__all__ = ["render"]


@click.command()
@files_argument
@namespace_option
@click.option("--config-only", is_flag=True, help="Print the LiteLLM configurations alone.")
def render(files: tuple[Path, ...], namespace: str, *, config_only: bool) -> None:
    """Print the objects that the gateways in FILES (or folders) become.

    The URL of each ToolRoute stands in a comment before its gateway. What is wrong goes to standard error; the exit
    code is 1 then, and healthy gateways are printed all the same.
    """
    stack = read_stack(files, namespace)
    for gateway in stack.plan.gateways.values():
        for text in _documents(gateway, stack.routes_of(gateway.key), config_only=config_only):
            click.echo(f"---\n{text}", nl=False)
    for finding in stack.findings:
        click.echo(finding, err=True)
    sys.exit(1 if stack.errors else 0)


def _documents(gateway: GatewayPlan, routes: Sequence[RoutePlan], *, config_only: bool) -> list[str]:
    """Return the YAML of a gateway's objects, or of its configuration; none where it is at fault."""
    if gateway.objects is None:
        return []
    urls = "".join(f"# {route.key}: {route.url}\n" for route in routes)
    if config_only:
        return [f"# {gateway.key}\n{urls}{gateway.objects.config_map['data']['config.yaml']}"]
    first, *others = (documents.dump(manifest) for manifest in gateway.objects.manifests)
    return [f"{urls}{first}", *others]
