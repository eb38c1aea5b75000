"""Arguments that several commands take."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway_components.crds.syntax import namespace_fault

__all__ = ["files_argument", "kubeconfig_option", "namespace_option", "namespace_option_for"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _namespace(_: click.Context, __: click.Parameter, value: str) -> str:
    fault = namespace_fault(value)
    if fault:
        raise click.BadParameter(f"{fault.message}. {fault.cure}")
    return value


files_argument = click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=False, allow_dash=False)
)


def namespace_option_for(help_text: str) -> Callable[[_Command], _Command]:
    """Return the option ``--namespace`` with what it means to a command."""
    return click.option(
        "-n", "--namespace", default="default", show_default=True, callback=_namespace, help=help_text
    )


namespace_option = namespace_option_for("Namespace of objects that name none.")
kubeconfig_option = click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Credentials of the cluster.  [default: $KUBECONFIG, the pod's service account, ~/.kube/config]",
)
