"""gatewayctl dev: a folder of manifests on a cluster, applied at every change."""

import asyncio
import hashlib
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from gateway_components.cli.arguments import (
    cache_folder,
    cluster_namespace_option_for,
    home,
    kubeconfig_option,
    policy_options,
)
from gateway_components.cli.cluster import log_warnings_only
from gateway_components.dev.run import FolderOptions, run_folder
from gateway_components.engine.errors import StateLockedError
from gateway_components.errors import GatewayError, printable
from gateway_components.kubeconfig import current_context, find_kubeconfig
from gateway_components.plan.snapshot import Policy

_STYLES = {
    "ready": "bold green",
    "routed": "green",
    "fixed": "green",
    "applied": "cyan",
    "deleted": "cyan",
    "waiting": "yellow",
    "warning": "yellow",
    "drifted": "yellow",
    "error": "bold red",
    "failed": "bold red",
}


class FolderInUseError(GatewayError):
    """Another process runs the same folder on the same cluster."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@cluster_namespace_option_for("Namespace of objects that name none.")
@click.option("--keep", is_flag=True, help="Leave everything in the cluster at the end.")
@policy_options
@kubeconfig_option
def dev(folder: Path, namespace: str | None, kubeconfig: Path | None, policy: Policy, *, keep: bool) -> None:
    """Apply the gateways in FOLDER to a cluster, and again at every change, until Ctrl-C.

    The cluster needs neither CRDs nor a daemon. Namespaces, ConfigMaps and Secrets of FOLDER are applied too; others
    that gateways refer to are read from the cluster. Classes, Guards, providers and ToolServers are read from FOLDER
    alone; the class litellm is built in.

    Errors are printed with file and line, and the last good objects keep serving. What leaves FOLDER is deleted,
    and at the end everything but namespaces; a second Ctrl-C stops that. A gateway that a daemon reconciles is left
    alone.
    """
    log_warnings_only()
    found = kubeconfig or find_kubeconfig()
    options = FolderOptions(
        folder=folder,
        kubeconfig=found,
        namespace=namespace or home(kubeconfig),
        scratch_folder=_scratch_folder(folder, found),
        keep=keep,
        policy=policy,
    )
    console = Console(highlight=False, soft_wrap=True)
    try:
        asyncio.run(run_folder(options, partial(_show, console)))
    except StateLockedError:
        raise FolderInUseError(
            f"another gatewayctl dev works on {folder} and this cluster; end it first"
        ) from None


def _show(console: Console, verb: str, text: str) -> None:
    # As Text, since Rich parses brackets as markup; printable, since a manifest must not control the terminal.
    console.print(Text.assemble((f"{verb:<9}", _STYLES.get(verb, "bold")), printable(text)))
    console.file.flush()


def _scratch_folder(folder: Path, kubeconfig: Path | None) -> Path:
    which = "\n".join((str(folder.resolve()), str(kubeconfig or ""), current_context(kubeconfig)))
    return cache_folder() / "dev" / hashlib.sha256(which.encode()).hexdigest()[:16]
