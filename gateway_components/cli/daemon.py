"""gatewayctl daemon: reconcile custom resources until it is stopped."""

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Any

import click
import structlog
from pydantic import ValidationError

from gateway_components.cli.arguments import kubeconfig_option
from gateway_components.errors import GatewayError

__all__ = ["daemon"]


def _default_scratch() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "gatewayctl"


@click.command()
@kubeconfig_option
@click.option(
    "--scratch-folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=_default_scratch,
    show_default="~/.cache/gatewayctl",
    help="Where the engine works; used by one daemon at a time.",
)
@click.option("--workers", type=int, default=None, help="Namespaces worked on at once.  [default: cores + 2]")
@click.option(
    "--batch-seconds",
    type=float,
    default=None,
    help="How long changes gather at most.  [default: 0.2]",
)
@click.option("--engine-seconds", type=float, default=None, help="Limit of one engine run.  [default: 300]")
@click.option(
    "--stop-seconds", type=float, default=None, help="How long a pass may go on after SIGTERM.  [default: 25]"
)
@click.option(
    "--log-format",
    type=click.Choice(["auto", "json", "text"]),
    default="auto",
    show_default=True,
    help="Form of the log on standard error; auto is text on a terminal, else json.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning"]),
    default="info",
    show_default=True,
    help="The least that is worth a line.",
)
def daemon(log_format: str, log_level: str, **options: Any) -> None:
    """Watch gateways, routes and guards, and bring the cluster to what they ask for.

    \b
    Exit codes: 0 stopped by SIGTERM or SIGINT, 1 internal error, 2 bad settings,
    3 engine or provider missing, 4 no credentials, 5 state folder in use or unusable,
    6 stopped by cutting an engine run short.
    """  # noqa: D301  (\b is click's mark for a text that keeps its lines)
    # Loaded here, so that the other commands do not wait for Pulumi.
    from gateway_components.daemon.run import Exit, run  # noqa: PLC0415
    from gateway_components.daemon.settings import Settings  # noqa: PLC0415
    from gateway_components.engine.errors import EngineError, EngineMissingError  # noqa: PLC0415
    from gateway_components.kube.client import find_kubeconfig  # noqa: PLC0415
    from gateway_components.kube.errors import CredentialsError  # noqa: PLC0415

    _configure_logs(log_format, log_level)
    codes: dict[type[GatewayError], Exit] = {
        EngineMissingError: Exit.NO_ENGINE,
        CredentialsError: Exit.NO_CREDENTIALS,
        EngineError: Exit.STATE_IN_USE,
    }
    given = {name: value for name, value in options.items() if value is not None}
    try:
        settings = Settings(**{"kubeconfig": find_kubeconfig(), **given})
    except ValidationError as error:
        for fault in error.errors():
            option = "--" + "-".join(str(part) for part in fault["loc"]).replace("_", "-")
            click.echo(f"error: {option}: {fault['msg']}", err=True)
        sys.exit(Exit.BAD_SETTINGS)
    try:
        sys.exit(asyncio.run(run(settings)))
    except GatewayError as error:
        structlog.get_logger().error("cannot run", error=str(error))
        sys.exit(next((code for kind, code in codes.items() if isinstance(error, kind)), Exit.INTERNAL_ERROR))


def _configure_logs(log_format: str, log_level: str) -> None:
    text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    renderer: Any = structlog.dev.ConsoleRenderer() if text else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
