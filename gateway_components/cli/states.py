"""Lists, exports and imports the states that the daemon keeps in the cluster."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway_components.cli.cluster import ClusterError
from gateway_components.engine.checkpoint import (
    applied_gateways,
    read_checkpoint,
    whole_checkpoint,
)
from gateway_components.engine.errors import StateUnreadableError
from gateway_components.engine.state_rules import check_deployment
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError
from gateway_components.kube.install_secrets import LatestStates, known_passphrase
from gateway_components.kube.resources import SECRETS
from gateway_components.kube.state_format import STATE_LABELS, STATE_SECRET, UNPACKED_BYTES
from gateway_components.kube.state_reader import StateConflictError, StateDamagedError, StateReader
from gateway_components.kube.state_secrets import StateWriter, outline


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

    Raises
    ------
    ClusterError
        The Secrets cannot be read.
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

    Raises
    ------
    ClusterError
        There is none, another backend keeps it, or it cannot be read.
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

    Raises
    ------
    ClusterError
        It is not a state that a daemon would keep for this namespace, or it cannot be written.
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
    key = await known_passphrase(client, install_namespace)
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
