"""gatewayctl dev: a folder of manifests on a cluster, applied at every change."""

import asyncio
import hashlib
import os
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from gateway_components.cli.arguments import cluster_namespace_option_for, home, kubeconfig_option
from gateway_components.cli.quiet import log_warnings_only
from gateway_components.errors import GatewayError
from gateway_components.graph.labels import printable

__all__ = ["FolderInUseError", "dev"]

_STYLES = {
    "ready": "bold green",
    "routed": "green",
    "mended": "green",
    "applied": "cyan",
    "deleted": "cyan",
    "waiting": "yellow",
    "warning": "yellow",
    "drifted": "yellow",
    "error": "bold red",
    "failed": "bold red",
}


class FolderInUseError(GatewayError):
    """Somebody runs the same folder on the same cluster."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@cluster_namespace_option_for("Namespace of objects that name none.")
@click.option("--keep", is_flag=True, help="Leave everything in the cluster at the end.")
@kubeconfig_option
def dev(folder: Path, namespace: str | None, kubeconfig: Path | None, *, keep: bool) -> None:
    """Apply the gateways in FOLDER to a cluster, and again at every change, until Ctrl-C.

    Neither CRDs nor a daemon are needed there. ConfigMaps and Secrets of FOLDER are applied too; others that gateways
    refer to are taken from the cluster. Classes, Guards, providers and ToolServers are looked for in FOLDER alone; the
    class litellm is known.

    What is at fault is told with file and line, and what was applied last goes on serving. What leaves FOLDER is
    deleted, and at the end everything; a second Ctrl-C ends that. A gateway of the same name that a daemon looks after
    is left alone.
    """
    # Loaded here, so that the other commands do not wait for Pulumi.
    from gateway_components.dev.run import FolderOptions, run_folder  # noqa: PLC0415
    from gateway_components.engine.errors import StateLockedError  # noqa: PLC0415
    from gateway_components.kube.client import find_kubeconfig  # noqa: PLC0415

    log_warnings_only()
    found = kubeconfig or find_kubeconfig()
    options = FolderOptions(
        folder=folder,
        kubeconfig=found,
        namespace=namespace or home(kubeconfig),
        scratch_folder=_scratch_folder(folder, found),
        keep=keep,
    )
    console = Console(highlight=False, soft_wrap=True)
    try:
        asyncio.run(run_folder(options, lambda verb, text: _show(console, verb, text)))
    except StateLockedError:
        raise FolderInUseError(
            f"another gatewayctl dev works on {folder} and this cluster; end it first"
        ) from None


def _show(console: Console, verb: str, text: str) -> None:
    # As Text, for Rich takes brackets for markup; and whoever writes a manifest must not write to the terminal.
    console.print(Text.assemble((f"{verb:<9}", _STYLES.get(verb, "bold")), printable(text)))
    console.file.flush()


def _scratch_folder(folder: Path, kubeconfig: Path | None) -> Path:
    """Return where the state of a folder on a cluster is kept."""
    from gateway_components.kube.namespace import current_context  # noqa: PLC0415

    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    which = "\n".join((str(folder.resolve()), str(kubeconfig or ""), current_context(kubeconfig)))
    return base / "gatewayctl" / "dev" / hashlib.sha256(which.encode()).hexdigest()[:16]
