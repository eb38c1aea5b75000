"""gatewayctl render: what would be applied, with no cluster and no engine."""

import sys
from pathlib import Path

import click

from gateway_components import documents
from gateway_components.cli.arguments import files_argument, namespace_option
from gateway_components.manifests.stack import read_stack

__all__ = ["render"]


@click.command()
@files_argument
@namespace_option
@click.option("--config-only", is_flag=True, help="Print the LiteLLM configurations alone.")
def render(files: tuple[Path, ...], namespace: str, *, config_only: bool) -> None:
    """Print the objects that the gateways in FILES (or folders) become.

    What is wrong goes to standard error; the exit code is 1 then, and healthy gateways are printed all the same.
    """
    stack = read_stack(files, namespace)
    for key, gateway in stack.plan.gateways.items():
        if gateway.objects is None:
            continue
        if config_only:
            config = gateway.objects.config_map["data"]["config.yaml"]
            click.echo(f"---\n# {key}\n{config}", nl=False)
        else:
            for manifest in gateway.objects.manifests:
                click.echo(f"---\n{documents.dump(manifest)}", nl=False)
    for finding in stack.findings:
        click.echo(finding, err=True)
    sys.exit(1 if stack.errors else 0)
