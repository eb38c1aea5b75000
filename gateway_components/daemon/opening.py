"""Opens the engine: with the passphrase of this install, and the state where the settings have it."""

import asyncio
from collections.abc import Callable

import structlog

from gateway_components.daemon.clock import Clock
from gateway_components.daemon.settings.model import IN_CLUSTER, Settings
from gateway_components.daemon.stored import StoredEngine
from gateway_components.engine.backend import Backend
from gateway_components.engine.stacks import Stacks
from gateway_components.engine.state import StateFolder
from gateway_components.kube.backoff import Backoff
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.kube.passphrase import PASSPHRASE_SECRET, install_passphrase
from gateway_components.kube.state_secrets import StateSecrets

__all__ = ["open_engine"]

_FIRST_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 30.0


async def open_engine(
    settings: Settings,
    client: KubeClient,
    folder: StateFolder,
    clock: Clock,
    may_act: Callable[[], bool],
) -> tuple[Stacks, StoredEngine]:
    """Return the engine, by itself and with its state stored; waits until the passphrase can be had.

    Raises
    ------
    EngineMissingError
        The engine or its Kubernetes provider is missing or unfit.
    """
    passphrase = await _passphrase(client, settings.install_namespace)
    url = folder.backend_url if settings.backend == IN_CLUSTER else settings.backend
    stacks = await asyncio.to_thread(
        Stacks, folder, settings.kubeconfig, settings.engine_seconds, Backend(url, passphrase)
    )
    return stacks, StoredEngine(stacks, StateSecrets(client, key=passphrase, may_act=may_act), clock, may_act)


async def _passphrase(client: KubeClient, namespace: str) -> str:
    backoff, log = Backoff(_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS), structlog.get_logger()
    while True:
        try:
            return await install_passphrase(client, namespace)
        except (ApiError, ApiUnreachableError) as error:
            pause = backoff.next()
            log.warning(
                "no passphrase",
                secret=f"{namespace}/{PASSPHRASE_SECRET}",
                error=str(error),
                cure="give these credentials the right to get and create this Secret, in a namespace that exists",
                retry_seconds=round(pause, 1),
            )
            await asyncio.sleep(pause)
