"""gatewayctl daemon: reconcile custom resources until it is stopped."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import structlog
from click.core import ParameterSource

from gateway_components.api.syntax import namespace_fault
from gateway_components.cli.arguments import (
    cache_folder,
    kubeconfig_option,
    option_name,
    plain,
    setting_option,
)
from gateway_components.daemon.observe.health import PortError
from gateway_components.daemon.run import Exit, run
from gateway_components.daemon.settings import Settings, Sources
from gateway_components.engine.errors import EngineError, EngineMissingError
from gateway_components.errors import Finding, GatewayError, InputError, render, visible
from gateway_components.kube.errors import CredentialsError
from gateway_components.kubeconfig import find_kubeconfig, pod_namespace


def _setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for name in reversed(Settings.model_fields):
        command = kubeconfig_option(command) if name == "kubeconfig" else setting_option(name)(command)
    return command


@click.command()
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with settings in YAML, read at start: what the options below say, scratch_folder: ... for "
    "--scratch-folder ..., and where both say something, the option.",
)
@_setting_options
@click.pass_context
def daemon(context: click.Context, /, settings_file: Path | None, **options: Any) -> None:
    """Watch gateways, routes and guards, and reconcile the cluster with them.

    \b
    Exit codes: 0 stopped by SIGTERM or SIGINT, 1 internal error, 2 bad settings,
    3 engine or provider missing, 4 no credentials, 5 scratch folder in use or unusable,
    6 stopped by interrupting an engine run, 7 lost the leadership: start it again.
    """  # noqa: D301  (\b is click's mark for a text that keeps its lines)
    try:
        settings = _settings(context, settings_file, options)
    except InputError as error:
        for finding in error.findings:
            click.echo(visible(f"error: {render(finding, field_first=True)}"), err=True)
        sys.exit(Exit.BAD_SETTINGS)
    codes: dict[type[GatewayError], Exit] = {
        EngineMissingError: Exit.NO_ENGINE,
        CredentialsError: Exit.NO_CREDENTIALS,
        PortError: Exit.BAD_SETTINGS,
        EngineError: Exit.STATE_IN_USE,
    }
    _log(settings.log_format, settings.log_level)
    try:
        sys.exit(asyncio.run(run(settings)))
    except GatewayError as error:
        structlog.get_logger().error("cannot run", error=str(error))
        sys.exit(next((code for kind, code in codes.items() if isinstance(error, kind)), Exit.INTERNAL_ERROR))


def _settings(context: click.Context, settings_file: Path | None, options: Mapping[str, Any]) -> Settings:
    places = {}
    for name in options:
        source = context.get_parameter_source(name)
        if source is ParameterSource.ENVIRONMENT:
            places[name] = f"{context.auto_envvar_prefix}_{name.upper()}"
        elif source is ParameterSource.COMMANDLINE:
            places[name] = option_name(name)
    settings = Sources(
        settings_file,
        given={name: plain(options[name]) for name in places},
        places=places,
        defaults={"kubeconfig": plain(find_kubeconfig()), "scratch_folder": str(cache_folder())},
    ).read()
    if "install_namespace" in settings.model_fields_set:
        return settings
    home = pod_namespace()
    if home is None:
        # The namespace of a kubeconfig's context is often a tenant's.
        cure = "Name a namespace of administrators: it holds the passphrase that signs the states."
        raise InputError(
            Finding(("--install-namespace",), "is missing, and this process runs in no pod", cure)
        )
    fault = namespace_fault(home)
    if fault:
        raise InputError(Finding(("namespace of this pod",), fault.message, fault.cure))
    return settings.model_copy(update={"install_namespace": home})


def _log(log_format: str, level: str) -> None:
    text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    renderer: Any = structlog.dev.ConsoleRenderer() if text else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
