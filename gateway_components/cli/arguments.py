"""Arguments that several commands take."""

from pathlib import Path

import click

from gateway_components.manifests.names import namespace_fault

__all__ = ["files_argument", "namespace_option"]


def _namespace(_: click.Context, __: click.Parameter, value: str) -> str:
    fault = namespace_fault(value)
    if fault:
        raise click.BadParameter(f"{fault.message}. {fault.cure}")
    return value


files_argument = click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=False, allow_dash=False)
)
namespace_option = click.option(
    "-n",
    "--namespace",
    default="default",
    show_default=True,
    callback=_namespace,
    help="Namespace of objects that name none.",
)
