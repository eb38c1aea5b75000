"""Entry point of gatewayctl: one line for each user error, never a traceback."""

import gc
import importlib
import sys

import click

from gateway_components.concurrency import leaf_errors
from gateway_components.errors import GatewayError, visible

_COMMANDS = {
    "daemon": ("daemon", "Watch gateways, routes and guards, and reconcile them."),
    "dev": ("dev", "Apply the gateways in a folder, and again at every change."),
    "graph": ("files", "Draw classes, gateways, routes, servers and guards."),
    "render": ("files", "Print the objects that gateways in files become."),
    "stack": ("stack", "Inspect, preview and take over the stack of a namespace."),
    "status": ("status", "Show gateways, routes and guards of a cluster."),
    "validate": ("files", "Report all errors and warnings in files."),
}
"""Each command's module, and what it does."""


class _Commands(click.Group):
    """Loads a command's module when the command runs: few of them need the engine and the client."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        # What is loaded stays to the end, so collecting garbage meanwhile would find none.
        gc.disable()
        try:
            module = importlib.import_module(f"gateway_components.cli.{_COMMANDS[name][0]}")
        finally:
            gc.enable()
        command: click.Command = getattr(module, name)
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in _COMMANDS.items()])


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "GATEWAYCTL"},
)
@click.version_option(package_name="gateway-components")
def gatewayctl() -> None:
    """Run LiteLLM gateways on Kubernetes.

    Every option can also be set in the environment: GATEWAYCTL_COMMAND_OPTION.
    """


def main() -> None:
    """Run the command line; exit with 1 on a user error and with 2 on a usage error."""
    try:
        gatewayctl()
    except (GatewayError, ExceptionGroup) as error:
        found = tuple(leaf_errors(error))
        if not all(isinstance(cause, GatewayError) for cause in found):
            raise
        for message in dict.fromkeys(map(str, found)):
            click.echo(visible(f"error: {message}"), err=True)
        sys.exit(1)
    except BrokenPipeError:
        # The reader closed the pipe, as `| head` does.
        sys.stderr.close()
        sys.exit(1)
