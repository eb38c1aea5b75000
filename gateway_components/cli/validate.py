"""gatewayctl validate: every problem with file, line, field and cure."""

import sys
from pathlib import Path

import click

from gateway_components.cli.arguments import files_argument, namespace_option
from gateway_components.manifests.stack import read_stack

__all__ = ["validate"]


@click.command()
@files_argument
@namespace_option
def validate(files: tuple[Path, ...], namespace: str) -> None:
    """Report everything that is wrong with FILES (or folders), with line, field and cure.

    The exit code is 1 where there is an error; warnings alone give 0.
    """
    stack = read_stack(files, namespace)
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
