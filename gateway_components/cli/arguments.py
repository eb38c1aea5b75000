"""Arguments that several commands take."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway_components.crds.syntax import namespace_fault
from gateway_components.errors import InputError, Problem

__all__ = [
    "cluster_namespace_option_for",
    "files_argument",
    "home",
    "install_namespace_option",
    "kubeconfig_option",
    "namespace_argument",
    "namespace_option",
]

_Command = TypeVar("_Command", bound=Callable[..., Any])


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
    help="Namespace of objects that name none.",
)


def cluster_namespace_option_for(help_text: str) -> Callable[[_Command], _Command]:
    """Return the option ``--namespace`` of a command that reads a cluster; without it the command uses `home`."""
    return click.option(
        "-n",
        "--namespace",
        callback=_namespace,
        help=f"{help_text}  [default: that of the kubeconfig's context]",
    )


install_namespace_option = click.option(
    "--install-namespace",
    callback=_namespace,
    help="Namespace of the daemon.  [default: that of the kubeconfig's context]",
)


def home(kubeconfig: Path | None) -> str:
    """Return the namespace that goes without saying in the cluster of `kubeconfig`, or of the one found without it.

    Raises
    ------
    InputError
        The context names one that cannot exist.
    """
    # Loaded here, so that other commands do not wait for the client.
    from gateway_components.kube.client import find_kubeconfig  # noqa: PLC0415
    from gateway_components.kube.namespace import home_namespace  # noqa: PLC0415

    namespace = home_namespace(kubeconfig or find_kubeconfig())
    fault = namespace_fault(namespace)
    if fault:
        cure = f"{fault.cure} Or give --namespace."
        raise InputError(Problem("namespace of the kubeconfig's context", fault.message, cure))
    return namespace


kubeconfig_option = click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Credentials of the cluster.  [default: $KUBECONFIG, the pod's service account, ~/.kube/config]",
)
