"""Arguments and options shared by commands."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import click

from gateway_components.api.syntax import namespace_fault
from gateway_components.daemon.settings import Settings, Sources
from gateway_components.errors import Finding, InputError
from gateway_components.kubeconfig import find_kubeconfig, home_namespace, pod_namespace

_Command = TypeVar("_Command", bound=Callable[..., Any])

_POLICY = ("cross_namespace", "allowed_upstreams", "gateway_image")
_NOWHERE = {"kubeconfig": None, "scratch_folder": ""}
"""Required settings that only a daemon uses."""


def _namespace(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    fault = namespace_fault(value) if value is not None else None
    if fault:
        raise click.BadParameter(f"{fault.message}. {fault.cure}")
    return value


files_argument = click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=False, allow_dash=False)
)


namespace_argument = click.argument("namespace", callback=_namespace)

namespace_option = click.option(
    "-n",
    "--namespace",
    default="default",
    show_default=True,
    callback=_namespace,
    help="Namespace of objects without one.",
)


def cluster_namespace_option_for(help_text: str) -> Callable[[_Command], _Command]:
    """Return the option ``--namespace`` of a command that reads a cluster; without it the command uses `home`."""
    return click.option(
        "-n",
        "--namespace",
        callback=_namespace,
        help=f"{help_text}  [default: that of the kubeconfig's context]",
    )


def option_name(setting: str) -> str:
    """Return the option of a setting; one that may be given several times is named in the singular."""
    word = setting.replace("_", "-")
    repeated = get_origin(Settings.model_fields[setting].annotation) is tuple
    return f"--{word.removesuffix('s') if repeated else word}"


def setting_option(setting: str) -> Callable[[_Command], _Command]:
    """Return the option of a setting, with the setting's description as its help; absent, its value is None or ()."""
    field, name = Settings.model_fields[setting], option_name(setting)
    annotation, help_text = field.annotation, field.description or ""
    if annotation is bool:
        preset = name[2:] if field.default else f"no-{name[2:]}"
        help_text += f"  [default: {preset}]"
        return click.option(f"{name}/--no-{name[2:]}", setting, default=None, help=help_text)
    if "[default:" not in help_text:
        help_text += f"  [default: {field.default}]"
    kind: Any = str
    if annotation is Path:
        kind = click.Path(path_type=Path, file_okay=False)
    elif get_origin(annotation) is Literal:
        kind = click.Choice(get_args(annotation))
    elif {annotation, *get_args(annotation)} & {int, float}:
        kind = float if annotation is float else int
    return click.option(name, setting, multiple=get_origin(annotation) is tuple, type=kind, help=help_text)


def plain(value: object) -> object:
    """Return the value of an option in JSON types."""
    return str(value) if isinstance(value, Path) else value


def policy_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `Policy`, as the daemon has them; the command gets it as ``policy``."""

    @functools.wraps(command)
    def with_policy(*arguments: Any, **options: Any) -> Any:
        values = {name: options.pop(name) for name in _POLICY}
        given = {name: value for name, value in values.items() if value not in (None, ())}
        sources = Sources(None, given, {name: option_name(name) for name in given}, _NOWHERE)
        try:
            policy = sources.read().policy
        except InputError as error:
            raise click.UsageError(str(error)) from None
        return command(*arguments, policy=policy, **options)

    found: Callable[..., Any] = with_policy
    for name in reversed(_POLICY):
        found = setting_option(name)(found)
    return found


install_namespace_option = click.option(
    "--install-namespace",
    callback=_namespace,
    envvar="GATEWAYCTL_INSTALL_NAMESPACE",
    help="Namespace of the daemon and of its passphrase.  [default: the pod's; needed outside of a cluster]",
)


def cache_folder() -> Path:
    """Return the folder for what commands keep between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gatewayctl"


def install_home(given: str | None) -> str:
    """Return the namespace of the daemon.

    The kubeconfig's context is no default: it may name a tenant's namespace, whose passphrase would sign states.

    Raises InputError: it is neither given nor that of a pod.
    """
    found = given or pod_namespace()
    if not found:
        cure = "Name the namespace of the daemon, or set GATEWAYCTL_INSTALL_NAMESPACE for all commands."
        raise InputError(Finding(("--install-namespace",), "is missing", cure))
    return found


def home(kubeconfig: Path | None) -> str:
    """Return the default namespace: that of the context of `kubeconfig`, or of the kubeconfig found without it.

    Raises InputError: the context names an invalid namespace.
    """
    namespace = home_namespace(kubeconfig or find_kubeconfig())
    fault = namespace_fault(namespace)
    if fault:
        cure = f"{fault.cure} Or give --namespace."
        raise InputError(Finding(("namespace of the kubeconfig's context",), fault.message, cure))
    return namespace


kubeconfig_option = click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Credentials of the cluster.  [default: $KUBECONFIG, the pod's service account, ~/.kube/config]",
)
