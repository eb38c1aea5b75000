"""The states that the daemon keeps in the cluster, for a person who wants to look at one or take it over."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway_components.cli.cluster import ClusterError
from gateway_components.engine.checkpoint import (
    applied_gateways,
    check_stack,
    read_checkpoint,
    whole_checkpoint,
)
from gateway_components.engine.errors import StateUnreadableError
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError
from gateway_components.kube.passphrase import known_passphrase
from gateway_components.kube.resources import SECRETS
from gateway_components.kube.state_secrets import (
    STATE_LABELS,
    STATE_SECRET,
    StateConflictError,
    StateDamagedError,
    StateReader,
    StateWriter,
)

__all__ = ["State", "export_state", "import_state", "list_states"]


@dataclass(frozen=True)
class State:
    """The state of a namespace in short.

    Attributes
    ----------
    namespace
        Whose.
    gateways
        Names of the gateways in it.
    condition
        ``stored``, ``in doubt`` (a run is under way, or was killed), ``elsewhere`` (another backend keeps it),
        ``changing`` (it is written more often than it can be read), or ``damaged``.
    size
        Bytes, uncompressed.
    """

    namespace: str
    gateways: tuple[str, ...]
    condition: str
    size: int


async def list_states(client: KubeClient) -> list[State]:
    """Return all states, by namespace.

    Raises
    ------
    ClusterError
        The Secrets cannot be read.
    """
    try:
        found, _ = await client.list(SECRETS.collection(), metadata_only=True, labels=STATE_LABELS)
        names = [(one["metadata"]["namespace"], one["metadata"]["name"]) for one in found]
        # One after the other: a namespace may hold what takes much memory.
        states = [
            await _state(client, namespace) for namespace, name in sorted(names) if name == STATE_SECRET
        ]
    except ApiError as error:
        raise ClusterError(f"{error}; ask for the right to get and list Secrets") from None
    return [state for state in states if state is not None]


async def export_state(client: KubeClient, namespace: str) -> str:
    """Return the state of a namespace as ``pulumi stack export`` prints one.

    Raises
    ------
    ClusterError
        There is none, another backend keeps it, or it cannot be read.
    """
    try:
        stored = await StateReader(client).load(namespace)
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
    except (ApiError, StateConflictError, StateDamagedError, StateUnreadableError) as error:
        raise ClusterError(str(error)) from None
    return json.dumps({"version": 3, "deployment": deployment}, indent=4) + "\n"


async def import_state(client: KubeClient, namespace: str, exported: bytes, install_namespace: str) -> State:
    """Write a state that ``pulumi stack export`` printed; the daemon reads it, and looks at everything in it.

    Parameters
    ----------
    client
        The cluster.
    namespace, exported
        Whose state, and what was printed.
    install_namespace
        Namespace of the daemon, whose passphrase signs the state: it believes no other.

    Raises
    ------
    ClusterError
        It is no state, or that of another namespace, or somebody wrote at the same time, or it cannot be written.
    PassphraseMissingError
        The daemon is not there.
    """
    try:
        deployment = read_checkpoint(exported)
        check_stack(deployment, namespace)
        # Nothing in it is secret, and the engine refuses what was encrypted with another passphrase.
        deployment.pop("secrets_providers", None)
        checkpoint = whole_checkpoint(namespace, deployment)
        secrets = StateWriter(client, key=await known_passphrase(client, install_namespace))
        try:
            stored = await secrets.load(namespace)
            version = stored.version if stored else None
        except StateDamagedError as damaged:
            version = damaged.version
        await secrets.save(namespace, checkpoint, version)
    except (ApiError, StateConflictError, StateUnreadableError) as error:
        raise ClusterError(str(error)) from None
    return State(namespace, _names(deployment), "stored", len(checkpoint))


async def _state(client: KubeClient, namespace: str) -> State | None:
    """Return the state of a namespace in short; None where it was removed meanwhile."""
    try:
        stored = await StateReader(client).load(namespace)
        if stored is None:
            return None
        if stored.checkpoint is None:
            return State(namespace, (), "in doubt" if stored.doubts else "elsewhere", 0)
        deployment = read_checkpoint(stored.checkpoint)
    except StateConflictError:
        return State(namespace, (), "changing", 0)
    except (StateDamagedError, StateUnreadableError):
        return State(namespace, (), "damaged", 0)
    condition = "in doubt" if stored.doubts else "stored"
    return State(namespace, _names(deployment), condition, len(stored.checkpoint))


def _names(deployment: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(f"{key.kind}/{key.name}" for key in applied_gateways(deployment)))
