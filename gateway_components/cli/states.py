"""Lists, exports, imports and previews the states that the daemon keeps in the cluster."""

import asyncio
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gateway_components.cli.cluster import ClusterError
from gateway_components.concurrency import cancel_and_wait, while_running
from gateway_components.daemon.settings import IN_CLUSTER
from gateway_components.daemon.watch.dependents import Callbacks
from gateway_components.daemon.watch.view import ClusterView
from gateway_components.engine.checkpoint import (
    Held,
    applied_gateways,
    read_checkpoint,
    whole_checkpoint,
)
from gateway_components.engine.errors import StateUnreadableError
from gateway_components.engine.folder import ScratchFolder
from gateway_components.engine.stacks import Stacks
from gateway_components.engine.state_rules import check_deployment
from gateway_components.engine.workspace import Backend
from gateway_components.identity import Identity
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError
from gateway_components.kube.fence import FencedClient, ReadOnly
from gateway_components.kube.install_secrets import LatestStates, known_passphrase
from gateway_components.kube.resources import SECRETS
from gateway_components.kube.state_format import STATE_LABELS, STATE_SECRET, UNPACKED_BYTES
from gateway_components.kube.state_reader import StateConflictError, StateDamagedError, StateReader
from gateway_components.kube.state_secrets import StateWriter, outline
from gateway_components.plan.findings import Failure
from gateway_components.plan.plan import Plan, plan
from gateway_components.plan.snapshot import Policy


@dataclass(frozen=True)
class State:
    """Summary of the state of a namespace.

    Attributes
    ----------
    condition
        ``stored``, ``pending`` (an engine run is under way, or was killed), ``elsewhere`` (another backend keeps it),
        ``changing`` (it is written more often than it can be read), or ``damaged``, also by somebody who wrote another.
    size
        Bytes, uncompressed.
    """

    namespace: str
    gateways: tuple[str, ...]
    condition: str
    size: int


async def list_states(client: KubeClient, install_namespace: str | None) -> list[State]:
    """Return all states, by namespace, verified with the passphrase of the daemon unless `install_namespace` is None.

    All functions here raise a PassphraseMissingError where the install namespace has no daemon.

    Raises ClusterError: the Secrets cannot be read.
    """
    try:
        reader = await _reader(client, install_namespace)
        found, _ = await client.list(
            SECRETS.collection(), metadata_only=True, labels=STATE_LABELS, keep=outline
        )
        names = [(one["namespace"], one["name"]) for one in found]
        # One at a time: a state may take much memory.
        states = [
            await _state(reader, namespace) for namespace, name in sorted(names) if name == STATE_SECRET
        ]
    except ApiError as error:
        raise ClusterError(f"{error}; ask for the right to get and list Secrets") from None
    return [state for state in states if state is not None]


async def export_state(client: KubeClient, namespace: str, install_namespace: str | None) -> str:
    """Return the state of a namespace as ``pulumi stack export`` prints one.

    Raises ClusterError: there is none, another backend keeps it, or it cannot be read.
    """
    try:
        stored = await (await _reader(client, install_namespace)).load(namespace)
        if stored is None:
            raise ClusterError(
                f"namespace {namespace} has no state; gatewayctl stack ls shows those that have one"
            )
        if stored.checkpoint is None:
            raise ClusterError(
                f"the state of {namespace} is not in the cluster: nothing was applied yet, or the daemon has another "
                f"backend; there, pulumi stack export --stack {namespace} shows it"
            )
        deployment = read_checkpoint(stored.checkpoint)
        if install_namespace is not None:
            check_deployment(deployment, namespace)
    except (StateDamagedError, StateUnreadableError) as error:
        hint = "" if install_namespace is None else "; --unverified prints it all the same"
        raise ClusterError(f"{error}{hint}") from None
    except (ApiError, StateConflictError) as error:
        raise ClusterError(str(error)) from None
    return json.dumps({"version": 3, "deployment": deployment}, indent=4) + "\n"


async def import_state(client: KubeClient, namespace: str, exported: bytes, install_namespace: str) -> State:
    """Write the output of ``pulumi stack export`` as a state signed with the daemon's passphrase.

    Raises ClusterError: it is not a state that a daemon would keep for this namespace, or it cannot be written.
    """
    try:
        deployment = read_checkpoint(exported)
        # It has no secrets, and the engine refuses a provider with another passphrase.
        deployment.pop("secrets_providers", None)
        check_deployment(deployment, namespace)
        checkpoint = whole_checkpoint(namespace, deployment)
        if len(checkpoint) > UNPACKED_BYTES:
            raise ClusterError(
                f"it has {len(checkpoint)} bytes, and no state is read that has more than {UNPACKED_BYTES}"
            )
        key = await known_passphrase(client, install_namespace)
        secrets = StateWriter(client, key=key, latest=LatestStates(client, install_namespace))
        try:
            stored = await secrets.load(namespace)
            version = stored.version if stored else None
        except StateDamagedError as damaged:
            version = damaged.version
        await secrets.save(namespace, checkpoint, version)
    except (ApiError, StateConflictError, StateUnreadableError) as error:
        raise ClusterError(str(error)) from None
    return State(namespace, _names(deployment), "stored", len(checkpoint))


async def _reader(client: KubeClient, install_namespace: str | None) -> StateReader:
    if install_namespace is None:
        return StateReader(client)
    return _verifying(client, await known_passphrase(client, install_namespace), install_namespace)


def _verifying(client: KubeClient, key: str, install_namespace: str) -> StateReader:
    return StateReader(client, key=key, latest=LatestStates(client, install_namespace))


async def _state(reader: StateReader, namespace: str) -> State | None:
    try:
        stored = await reader.load(namespace)
        if stored is None:
            return None
        if stored.checkpoint is None:
            return State(namespace, (), "pending" if stored.pending else "elsewhere", 0)
        deployment = read_checkpoint(stored.checkpoint)
    except StateConflictError:
        return State(namespace, (), "changing", 0)
    except (StateDamagedError, StateUnreadableError):
        return State(namespace, (), "damaged", 0)
    condition = "pending" if stored.pending else "stored"
    return State(namespace, _names(deployment), condition, len(stored.checkpoint))


def _names(deployment: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(f"{key.kind}/{key.name}" for key in applied_gateways(deployment)))


Preview = tuple[str, dict[Identity, Failure]]
"""The engine's output, and the gateways that cannot be planned."""

_ENGINE_SECONDS = 300.0


async def preview_state(
    client: KubeClient,
    kubeconfig: Path | None,
    namespace: str,
    install_namespace: str,
    backend: str,
    policy: Policy,
) -> Preview:
    """Return what the engine would change in `namespace`; nothing is written, in the cluster or to the state.

    The last three parameters are those of the daemon's settings.

    Raises ClusterError, ApiUnreachableError or EngineError: the cluster, the state or the engine cannot be used.
    """
    try:
        passphrase = await known_passphrase(client, install_namespace)
        stored = (
            await _verifying(client, passphrase, install_namespace).load(namespace)
            if backend == IN_CLUSTER
            else None
        )
        with TemporaryDirectory(prefix="gatewayctl-") as scratch, ScratchFolder(Path(scratch)) as folder:
            urls = [folder.backend_url, *([] if backend == IN_CLUSTER else [backend])]
            local, *elsewhere = [
                await asyncio.to_thread(Stacks, folder, kubeconfig, _ENGINE_SECONDS, Backend(url, passphrase))
                for url in urls
            ]

            def read() -> Held:
                # On a copy, wherever the state is: to open a stack is to make it where there is none.
                copies = [one.states.exported(namespace) for one in elsewhere]
                return local.states.open(namespace, *copies or [stored.checkpoint if stored else None])

            try:
                held = await asyncio.to_thread(read)
                planned, undecided = await _planned(client, namespace, held, policy)
                wanted = {key: one.objects for key, one in planned.gateways.items() if one.objects}
                failures = {key: one.failure for key, one in planned.gateways.items() if one.failure}
                release = held.keys() - planned.gateways.keys() - undecided
                return await asyncio.to_thread(local.preview, namespace, wanted, release), failures
            finally:
                # After Ctrl-C, which does not reach the engine: it has its own session.
                for running in (local, *elsewhere):
                    await asyncio.to_thread(running.stop)
    except (ApiError, StateConflictError, StateDamagedError) as error:
        raise ClusterError(str(error)) from None


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
        await cancel_and_wait(watching)
