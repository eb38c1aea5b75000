"""Lists or watches the custom resources of a cluster."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import structlog

from gateway_components.api.kinds import KINDS
from gateway_components.concurrency import cancel_and_wait, gather, leaf_errors, while_running
from gateway_components.errors import GatewayError
from gateway_components.graph.verdicts import Inventory, inventory_of_raw
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.kube.reflector import INSTALL_CRDS, Reflector
from gateway_components.kube.resources import CUSTOM_RESOURCES
from gateway_components.kubeconfig import find_kubeconfig

T = TypeVar("T")

_GATHER_SECONDS = 0.1
"""Batches the changes of one `kubectl apply`."""

Raw = Mapping[str, Any]


class ClusterError(GatewayError):
    """The cluster cannot be read."""


@dataclass(frozen=True)
class Listing:
    """The custom resources of a cluster that could be read, in JSON types; `visible` is as in `Inventory`.

    The notes say what could not be read, each with the cure.
    """

    raws: tuple[Raw, ...]
    visible: Mapping[str, str | None]
    notes: tuple[str, ...] = ()

    @property
    def inventory(self) -> Inventory:
        """The objects as models."""
        return inventory_of_raw(self.raws, self.visible)


@asynccontextmanager
async def connected(kubeconfig: Path | None) -> AsyncIterator[KubeClient]:
    """Connect to the cluster of `kubeconfig`, or of the kubeconfig found without it.

    Raises CredentialsError: there are no credentials. ClusterError: the kubeconfig does not exist, or the API server
    gives no answer.
    """
    found = kubeconfig or find_kubeconfig()
    # KUBECONFIG may name several files.
    if found and os.pathsep not in str(found) and not found.exists():
        raise ClusterError(f"there is no kubeconfig {found}; set KUBECONFIG to one that exists")
    where = f"the cluster of {found}" if found else "the cluster that this pod runs in"
    try:
        async with await KubeClient.connect(found) as client:
            yield client
    except (ApiUnreachableError, ExceptionGroup) as error:
        reasons = tuple(leaf_errors(error))
        if not all(isinstance(reason, ApiUnreachableError) for reason in reasons):
            raise
        said = "; ".join(dict.fromkeys(map(str, reasons)))
        message = f"{said}; see whether {where} runs and can be reached, or set KUBECONFIG to another"
        raise ClusterError(_one_line(message)) from None


def on_cluster(kubeconfig: Path | None, work: Callable[[KubeClient], Awaitable[T]]) -> T:
    """Return what `work` returns, given a client of the cluster; raises as `connected`."""

    async def run() -> T:
        async with connected(kubeconfig) as client:
            return await work(client)

    return asyncio.run(run())


async def list_cluster(client: KubeClient, namespace: str | None) -> Listing:
    """List the custom resources.

    All namespaces are listed, as references cross them; where that is forbidden, `namespace` alone.

    Raises ClusterError: nothing could be read: the CRDs or the rights are missing.
    """
    found = await gather(_list(client, kind, namespace) for kind in KINDS)
    listed = [answer for answer in found if isinstance(answer, Listing)]
    notes = tuple(answer for answer in found if isinstance(answer, str))
    if not listed:
        raise ClusterError(_in_short(notes))
    raws = tuple(raw for answer in listed for raw in answer.raws)
    return Listing(raws, {kind: where for answer in listed for kind, where in answer.visible.items()}, notes)


async def watch_cluster(client: KubeClient, first: Listing) -> AsyncGenerator[Listing, None]:
    """Yield a listing at once and after every change, until the caller stops."""
    changed = asyncio.Event()
    reflectors = {
        kind: Reflector(
            client,
            CUSTOM_RESOURCES[kind],
            partial(_with_kind, kind),
            lambda _: changed.set(),
            project_unreadable=partial(_outline, kind),
            namespace=namespace,
        )
        for kind, namespace in first.visible.items()
    }
    running = [asyncio.create_task(reflector.run()) for reflector in reflectors.values()]
    try:
        for reflector in reflectors.values():
            await while_running(reflector.synced.wait(), *running)
        while True:
            changed.clear()
            raws = tuple(raw for reflector in reflectors.values() for raw in reflector.objects.values())
            yield Listing(raws, first.visible, first.notes)
            await while_running(changed.wait(), *running)
            await asyncio.sleep(_GATHER_SECONDS)
    finally:
        await cancel_and_wait(*running)


def log_warnings_only() -> None:
    """Log warnings, such as a broken watch, and nothing below."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            # The renderer's own traceback prints local variables, which may be secret.
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


async def _list(client: KubeClient, kind: str, namespace: str | None) -> Listing | str:
    scopes = (None, namespace) if namespace and KINDS[kind].namespaced else (None,)
    refusal = ApiError(HTTPStatus.FORBIDDEN, "", "")
    for scope in scopes:
        try:
            items, _ = await client.list(CUSTOM_RESOURCES[kind].collection(scope))
            return Listing(tuple(_with_kind(kind, item) for item in items), {kind: scope})
        except ApiError as error:
            refusal = error
            if error.status != HTTPStatus.FORBIDDEN:
                break
    return _refused(kind, refusal)


def _refused(kind: str, error: ApiError) -> str:
    if error.status == HTTPStatus.NOT_FOUND:
        return _not_installed(kind)
    message = _one_line(str(error))
    if error.status == HTTPStatus.UNAUTHORIZED:
        return f"the API server refuses the credentials: {message}; renew them, or set KUBECONFIG to others"
    if error.status == HTTPStatus.FORBIDDEN:
        return f"{kind} may not be read: {message}; ask for the right to list and watch {KINDS[kind].plural}"
    return f"{kind} cannot be read: {message}"


def _not_installed(kind: str) -> str:
    return f"the CRD {KINDS[kind].crd_name} is not installed; {INSTALL_CRDS} installs it"


def _in_short(notes: Sequence[str]) -> str:
    if len(set(notes)) == 1:
        return notes[0]
    if set(notes) <= set(map(_not_installed, KINDS)):
        return f"the CRDs are not installed; {INSTALL_CRDS} installs them"
    return f"{notes[0]} (and {len(notes) - 1} more kinds)"


def _with_kind(kind: str, item: Raw) -> Raw:
    # Objects in a list carry no kind.
    return {**item, "kind": kind}


def _outline(kind: str, item: Raw, _: str) -> Raw:
    return _with_kind(kind, item)


def _one_line(text: str) -> str:
    return " ".join(text.split())
