"""What a reconcile of one namespace would do, without doing it."""

import asyncio
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway_components.daemon.settings import IN_CLUSTER
from gateway_components.daemon.watch.dependents import Callbacks
from gateway_components.daemon.watch.view import ClusterView
from gateway_components.engine.checkpoint import Held
from gateway_components.engine.folder import ScratchFolder
from gateway_components.engine.stacks import Stacks
from gateway_components.engine.workspace import Backend
from gateway_components.identity import Identity
from gateway_components.kube.client import KubeClient
from gateway_components.kube.fence import FencedClient, ReadOnly
from gateway_components.kube.install_secrets import LatestStates, known_passphrase
from gateway_components.kube.state_reader import StateReader
from gateway_components.plan.findings import Failure
from gateway_components.plan.plan import Plan, plan
from gateway_components.plan.snapshot import Policy
from gateway_components.together import ended, while_running

Preview = tuple[str, dict[Identity, Failure]]
"""The engine's output, and the gateways that cannot be planned."""

_ENGINE_SECONDS = 300.0


async def preview(
    client: KubeClient,
    kubeconfig: Path | None,
    namespace: str,
    install_namespace: str,
    backend: str,
    policy: Policy,
) -> Preview:
    """Return what the engine would change in `namespace`; nothing is written, in the cluster or to the state.

    The last three parameters are those of the daemon's settings.

    Raises
    ------
    ApiError, ApiUnreachableError, EngineError, PassphraseMissingError, StateDamagedError
        The cluster, the state or the engine cannot be used.
    """
    passphrase = await known_passphrase(client, install_namespace)
    reader = StateReader(client, key=passphrase, latest=LatestStates(client, install_namespace))
    stored = await reader.load(namespace) if backend == IN_CLUSTER else None
    checkpoint = stored.checkpoint if stored else None

    with TemporaryDirectory(prefix="gatewayctl-") as scratch, ScratchFolder(Path(scratch)) as folder:

        def opened(url: str) -> Stacks:
            return Stacks(folder, kubeconfig, _ENGINE_SECONDS, Backend(url, passphrase))

        def read() -> Held:
            # On a copy, wherever the state is: to open a stack is to make it where there is none.
            copy = elsewhere.states.exported(namespace) if elsewhere else checkpoint
            return local.states.open(namespace, copy)

        local = await asyncio.to_thread(opened, folder.backend_url)
        elsewhere = None if backend == IN_CLUSTER else await asyncio.to_thread(opened, backend)
        try:
            held = await asyncio.to_thread(read)
            planned, undecided = await _planned(client, namespace, held, policy)
            wanted = {key: gateway.objects for key, gateway in planned.gateways.items() if gateway.objects}
            failures = {key: gateway.failure for key, gateway in planned.gateways.items() if gateway.failure}
            release = held.keys() - planned.gateways.keys() - undecided
            return await asyncio.to_thread(local.preview, namespace, wanted, release), failures
        finally:
            # After Ctrl-C, which does not reach the engine: it has its own session.
            for running in (local, elsewhere):
                if running:
                    await asyncio.to_thread(running.stop)


async def _planned(
    client: KubeClient, namespace: str, held: Collection[Identity], policy: Policy
) -> tuple[Plan, frozenset[Identity]]:
    nobody = Callbacks(lambda _: None, lambda _: None, lambda _: None, lambda _: None)
    view = ClusterView(FencedClient(client, ReadOnly()), nobody, policy=policy)
    watching = asyncio.create_task(view.run())
    try:
        await while_running(view.synced(), watching)
        snapshot = await view.snapshot(namespace, held)
        return plan(snapshot), snapshot.undecided
    finally:
        await ended(watching)
