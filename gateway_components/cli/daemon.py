"""gatewayctl daemon: reconcile custom resources until it is stopped."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import structlog
from click.core import ParameterSource

from gateway_components.cli.arguments import kubeconfig_option
from gateway_components.crds.syntax import namespace_fault
from gateway_components.errors import GatewayError

if TYPE_CHECKING:
    from gateway_components.daemon.settings.file import Sources

__all__ = ["daemon"]


def _default_scratch() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "gatewayctl"


@click.command()
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with settings in YAML, read again when it changes: what the options below say, scratch_folder: ... for "
    "--scratch-folder ..., and where both say something, the option.",
)
@kubeconfig_option
@click.option(
    "--scratch-folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the engine works; used by one daemon at a time.  [default: ~/.cache/gatewayctl]",
)
@click.option(
    "--backend",
    help="Where the state is kept: cluster for Secrets beside the gateways, or the URL of a backend of Pulumi."
    "  [default: cluster]",
)
@click.option(
    "--install-namespace",
    help="Namespace of the daemon's Lease and of the passphrase of the state."
    "  [default: the pod's, else that of the kubeconfig's context]",
)
@click.option(
    "--namespace",
    "namespaces",
    multiple=True,
    help="Namespace to look after; may be given several times.  [default: all]",
)
@click.option(
    "--leader-election/--no-leader-election",
    default=None,
    help="Whether of several daemons one acts.  [default: leader-election]",
)
@click.option("--http-port", type=int, help="Port of health checks and metrics.  [default: none]")
@click.option("--workers", type=int, help="Namespaces worked on at once.  [default: cores + 2]")
@click.option("--batch-seconds", type=float, help="How long changes gather at most.  [default: 0.2]")
@click.option("--engine-seconds", type=float, help="Limit of one engine run.  [default: 300]")
@click.option("--stop-seconds", type=float, help="How long a pass may go on after SIGTERM.  [default: 25]")
@click.option(
    "--log-format",
    type=click.Choice(["auto", "json", "text"]),
    help="Form of the log on standard error; auto is text on a terminal, else json.  [default: auto]",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning"]),
    help="The least that is worth a line.  [default: info]",
)
@click.pass_context
def daemon(context: click.Context, /, settings_file: Path | None, **options: Any) -> None:
    """Watch gateways, routes and guards, and bring the cluster to what they ask for.

    While it runs, a changed settings file may change workers, batch_seconds, engine_seconds, stop_seconds and
    log_level. What is wrong with it is logged, and the old settings hold.

    \b
    Exit codes: 0 stopped by SIGTERM or SIGINT, 1 internal error, 2 bad settings,
    3 engine or provider missing, 4 no credentials, 5 scratch folder in use or unusable,
    6 stopped by cutting an engine run short, 7 another daemon may lead: start it again.
    """  # noqa: D301  (\b is click's mark for a text that keeps its lines)
    # Loaded here, so that the other commands do not wait for Pulumi.
    from gateway_components.daemon.exit import Exit  # noqa: PLC0415
    from gateway_components.daemon.observe.health import PortError  # noqa: PLC0415
    from gateway_components.daemon.run import run  # noqa: PLC0415
    from gateway_components.daemon.settings.file import SettingsError  # noqa: PLC0415
    from gateway_components.daemon.settings.live import LiveSettings  # noqa: PLC0415
    from gateway_components.daemon.settings.logs import configure_logs  # noqa: PLC0415
    from gateway_components.engine.errors import EngineError, EngineMissingError  # noqa: PLC0415
    from gateway_components.kube.errors import CredentialsError  # noqa: PLC0415

    try:
        sources = _sources(context, settings_file, options)
        settings = sources.read()
    except SettingsError as error:
        for fault in error.faults:
            click.echo(f"error: {fault}", err=True)
        sys.exit(Exit.BAD_SETTINGS)
    codes: dict[type[GatewayError], Exit] = {
        EngineMissingError: Exit.NO_ENGINE,
        CredentialsError: Exit.NO_CREDENTIALS,
        PortError: Exit.BAD_SETTINGS,
        EngineError: Exit.STATE_IN_USE,
    }
    live = LiveSettings(settings)
    level = configure_logs(settings.log_format, settings.log_level)
    live.subscribe(lambda changed: level.set(changed.log_level))
    try:
        sys.exit(asyncio.run(run(live, sources)))
    except GatewayError as error:
        structlog.get_logger().error("cannot run", error=str(error))
        sys.exit(next((code for kind, code in codes.items() if isinstance(error, kind)), Exit.INTERNAL_ERROR))


def _sources(context: click.Context, settings_file: Path | None, options: Mapping[str, Any]) -> "Sources":
    """Return where the settings come from.

    Raises
    ------
    SettingsError
        They are at fault already.
    """
    from gateway_components.daemon.settings.file import SettingsError, SettingsFault, Sources  # noqa: PLC0415
    from gateway_components.kube.client import find_kubeconfig  # noqa: PLC0415
    from gateway_components.kube.namespace import home_namespace, pod_namespace  # noqa: PLC0415

    places = {}
    for name in options:
        source = context.get_parameter_source(name)
        if source is ParameterSource.ENVIRONMENT:
            places[name] = f"{context.auto_envvar_prefix}_{name.upper()}"
        elif source is ParameterSource.COMMANDLINE:
            places[name] = "--namespace" if name == "namespaces" else f"--{name.replace('_', '-')}"
    found = find_kubeconfig()
    sources = Sources(
        settings_file,
        given={name: _plain(options[name]) for name in places},
        places=places,
        defaults={"kubeconfig": _plain(found), "scratch_folder": str(_default_scratch())},
    )
    settings = sources.read()
    home = pod_namespace() or home_namespace(settings.kubeconfig)
    fault = namespace_fault(home)
    if fault is None:
        return replace(sources, defaults={**sources.defaults, "install_namespace": home})
    if "install_namespace" in settings.model_fields_set:
        return sources
    cure = f"{fault.cure} Or give --install-namespace."
    raise SettingsError(SettingsFault("namespace of the kubeconfig's context", None, "", fault.message, cure))


def _plain(value: object) -> object:
    """Return the value of an option in JSON types."""
    return str(value) if isinstance(value, Path) else value
