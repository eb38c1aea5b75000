"""Entry point of gatewayctl: one line for each mistake of a user, never a traceback."""

import sys

import click

from gateway_components.cli.daemon import daemon
from gateway_components.cli.dev import dev
from gateway_components.cli.graph import graph
from gateway_components.cli.render import render
from gateway_components.cli.stack import stack
from gateway_components.cli.status import status
from gateway_components.cli.validate import validate
from gateway_components.errors import GatewayError
from gateway_components.together import causes

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "GATEWAYCTL"})
@click.version_option(package_name="gateway-components")
def gatewayctl() -> None:
    """Run LiteLLM gateways on Kubernetes.

    Every option can also be set in the environment: GATEWAYCTL_COMMAND_OPTION.
    """


gatewayctl.add_command(daemon)
gatewayctl.add_command(dev)
gatewayctl.add_command(graph)
gatewayctl.add_command(render)
gatewayctl.add_command(stack)
gatewayctl.add_command(status)
gatewayctl.add_command(validate)


def main() -> None:
    """Run the command line; exits with 1 on a user's mistake and with 2 on a wrong call."""
    try:
        gatewayctl()
    except (GatewayError, ExceptionGroup) as error:
        found = tuple(causes(error))
        if not all(isinstance(cause, GatewayError) for cause in found):
            raise
        for message in dict.fromkeys(map(str, found)):
            click.echo(f"error: {message}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output has gone, as `| head` does; what it read was complete.
        sys.stderr.close()
        sys.exit(1)
