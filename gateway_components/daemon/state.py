"""The engine with its state in the cluster: stored before the outcome of a run is published, read when it is new."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from http import HTTPStatus
from typing import Any

import structlog

from gateway_components.api.kinds import AI_GATEWAY
from gateway_components.backoff import Backoff
from gateway_components.daemon.clock import Clock
from gateway_components.daemon.memory import Room, memory_limit, most_gateways, runs_mib
from gateway_components.daemon.reconcile.ports import Batch
from gateway_components.daemon.settings import IN_CLUSTER, Settings
from gateway_components.engine.checkpoint import Held
from gateway_components.engine.diagnostics import Outcome
from gateway_components.engine.errors import (
    ClusterUnreachableError,
    EngineError,
    EngineInterruptedError,
    StateUnreadableError,
)
from gateway_components.engine.folder import ScratchFolder
from gateway_components.engine.stacks import Stacks
from gateway_components.engine.workspace import Backend
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.kube.fence import FencedClient
from gateway_components.kube.install_secrets import PASSPHRASE_SECRET, LatestStates, install_passphrase
from gateway_components.kube.recorder import Event, publish
from gateway_components.kube.state_format import STATE_SECRET
from gateway_components.kube.state_reader import StateDamagedError, StoredState
from gateway_components.kube.state_secrets import StateSecrets
from gateway_components.plan.findings import Failure, Reason

Emit = Callable[[Mapping[str, Any], Event], Awaitable[None]]

_REFUSALS = frozenset(
    (HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
)
"""Answers that stay the same until somebody changes a right, a quota or a policy."""

_MOST_STATE_BYTES = 48 * 1024 * 1024
"""Of some 2,000 gateways. The engine takes twenty times that in memory; what fails now keeps its objects there."""
_CURE = "let the daemon get, create, patch and delete Secrets in the namespaces of gateways"


class StoredEngine:
    """Applies gateways, and keeps the state where the next daemon finds it.

    A run records what it is about to change before it begins. Such a record means that the objects may be ahead of
    the state, and have to be refreshed.

    Parameters
    ----------
    secrets
        Where states are stored; of those that another backend keeps, the pending gateways alone.
    emit
        Emits an event about an object.
    memory_mib, runs
        What engine runs may take together, and how many may run at the same time.

    Attributes
    ----------
    most
        Gateways of one `apply` at most.
    """

    def __init__(
        self,
        stacks: Stacks,
        secrets: StateSecrets,
        clock: Clock,
        emit: Emit,
        memory_mib: float = math.inf,
        runs: int = 64,
    ) -> None:
        self.most = most_gateways(memory_mib)
        self._room = Room(memory_mib, runs)
        self._stacks = stacks
        self._secrets = secrets
        self._clock = clock
        self._emit = emit
        self._versions: dict[str, str | None] = {}
        self._pending: dict[str, frozenset[str]] = {}
        self._log = structlog.get_logger()

    def version(self, namespace: str) -> int | None:
        """Return the version of the state that was read or written last; None where there is none."""
        version = self._versions.get(namespace)
        return int(version) if version else None

    async def held(self, namespace: str) -> Held:
        """Read the state of `namespace` and return what it holds; None for a gateway that must be refreshed.

        Raises ApiError, ApiUnreachableError or EngineError: it could not be read. A damaged state is no error and
        counts as none.
        """
        self._versions[namespace] = None
        stored = await self._load(namespace)
        if stored is not None:
            self._versions[namespace] = stored.version
        held = await self._open(namespace, stored)
        noted = stored.pending if stored else frozenset()
        # Gateways missing from the state are created again if planned, and gone otherwise.
        pending = noted & {str(key) for key in held}
        self._pending[namespace] = pending
        if pending != noted:
            try:
                await self._note(namespace, pending)
            except ApiError as error:
                # Then the record stays in the Secret longer than it is true.
                if error.status not in _REFUSALS:
                    raise
        return {key: None if str(key) in pending else applied for key, applied in held.items()}

    async def apply(self, namespace: str, batch: Batch) -> Outcome:
        """Apply and release the gateways of a batch, and store the state.

        Raises
        ------
        StateConflictError
            Somebody else wrote the state; it must be read again.
        ApiError, ApiUnreachableError, EngineError
            As for `Stacks.apply`, or the state could not be stored.
        """
        wanted, release = batch.wanted, batch.release
        with self._stacks.beginning(namespace):
            names = frozenset(str(key) for key in (*wanted, *release))
            # How far an interrupted run came is unknown until another run covers the same gateways.
            others = self._pending.get(namespace, frozenset()) - names
            if not wanted:
                await self._clock.in_thread(self._stacks.states.release, namespace, release)
                await self._save(namespace, others)
                return Outcome(released=release)
            size = await self._clock.in_thread(self._stacks.states.size, namespace)
            if size > _MOST_STATE_BYTES:
                return Outcome(dict.fromkeys(wanted, _too_large(namespace, size)))
            try:
                await self._note(namespace, names | others)
            except ApiError as error:
                if error.status not in _REFUSALS:
                    raise
                # Without a record nobody could find out afterwards how far the run came.
                return Outcome(dict.fromkeys(wanted, _not_stored(namespace, error)))
            outcome = await self._clock.in_thread(self._run, namespace, batch)
            await self._save(namespace, others | frozenset(map(str, outcome.undetermined)))
            return outcome

    def room(self, gateways: int) -> AbstractAsyncContextManager[None]:
        """Wait until there is room for an `apply` of so many gateways; a release needs none."""
        return self._room.taken(gateways) if gateways else nullcontext()

    def interrupt(self, namespace: str) -> None:
        """Cut an `apply` short where its run is under way, or about to begin."""
        self._stacks.interrupt(namespace)

    async def forget(self, namespace: str) -> None:
        """Remove the state of a namespace that has no gateway left.

        Raises ApiError, ApiUnreachableError or EngineError: it could not be removed. StateConflictError: somebody else
        wrote it; it must be read again.
        """
        await self._clock.in_thread(self._stacks.states.forget, namespace)
        self._pending.pop(namespace, None)
        version = self._versions.pop(namespace, None)
        if version is not None:
            await self._secrets.remove(namespace, version)

    def _run(self, namespace: str, batch: Batch) -> Outcome:
        try:
            return self._stacks.apply(namespace, batch.wanted, batch.release, refresh=batch.refresh)
        except (ClusterUnreachableError, EngineInterruptedError):
            raise
        except EngineError as error:
            failure = Failure(Reason.WORKLOAD_FAILED, str(error))
            gateways = *batch.wanted, *batch.release
            return Outcome(dict.fromkeys(batch.wanted, failure), undetermined=gateways)

    async def _load(self, namespace: str) -> StoredState | None:
        try:
            return await self._secrets.load(namespace)
        except StateDamagedError as error:
            await self._lost(namespace, error, error.version, error.uid)
            return StoredState(error.version, None, frozenset())
        except ApiError as error:
            if error.status not in _REFUSALS:
                raise
            # Each gateway reports this failure once it is applied.
            self._log.warning("state not readable", namespace=namespace, error=str(error), cure=_CURE)
            return None

    async def _open(self, namespace: str, stored: StoredState | None) -> Held:
        if not self._stacks.states.local:
            if stored and stored.pending:
                # Only one daemon leads, so the run that is noted there is dead, and the lock is its.
                await self._clock.in_thread(self._stacks.states.unlock, namespace)
            return await self._clock.in_thread(self._stacks.states.held, namespace)
        checkpoint = stored.checkpoint if stored else None
        try:
            return await self._clock.in_thread(self._stacks.states.open, namespace, checkpoint)
        except StateUnreadableError as error:
            await self._lost(namespace, error, stored.version if stored else "", stored.uid if stored else "")
            return await self._clock.in_thread(self._stacks.states.open, namespace, None)

    async def _lost(self, namespace: str, error: Exception, version: str, uid: str) -> None:
        """Report an unusable state: the next run adopts what is on the cluster."""
        self._log.warning("state lost", namespace=namespace, error=str(error))
        about = {"name": STATE_SECRET, "namespace": namespace, "uid": uid, "resourceVersion": version}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": about}
        await self._emit(secret, Event("Warning", "StateLost", "Read", str(error)))

    async def _note(self, namespace: str, pending: frozenset[str]) -> None:
        version = self._versions.get(namespace)
        self._versions[namespace] = await self._secrets.intend(namespace, pending, version)
        self._pending[namespace] = pending

    async def _save(self, namespace: str, pending: frozenset[str]) -> None:
        checkpoint = await self._clock.in_thread(self._stacks.states.checkpoint, namespace)
        version = self._versions.get(namespace)
        self._versions[namespace] = await self._secrets.save(namespace, checkpoint, version, pending)
        self._pending[namespace] = pending


def _too_large(namespace: str, size: int) -> Failure:
    message = f"the state of namespace {namespace} has {size} bytes, more than the {_MOST_STATE_BYTES} of an engine run"
    return Failure(Reason.WORKLOAD_FAILED, message, cure="delete gateways there, the largest first")


def _not_stored(namespace: str, error: ApiError) -> Failure:
    message = f"the state of the namespace cannot be stored in Secret {namespace}/{STATE_SECRET}: {error}"
    return Failure(Reason.WORKLOAD_FAILED, message, cure=_CURE)


_FIRST_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 30.0


async def open_engine(
    settings: Settings,
    client: FencedClient,
    folder: ScratchFolder,
    clock: Clock,
    may_act: Callable[[], bool],
) -> tuple[Stacks, StoredEngine]:
    """Return the engine, by itself and with its state stored; waits until the passphrase can be had.

    `may_act` returns, in any thread, whether this daemon leads: the engine does not run otherwise.

    Raises EngineMissingError: the engine or its Kubernetes provider is missing or unfit.
    """
    passphrase = await _passphrase(client, settings.install_namespace)
    memory_mib = runs_mib(memory_limit())
    url = folder.backend_url if settings.backend == IN_CLUSTER else settings.backend
    stacks = await asyncio.to_thread(
        lambda: Stacks(
            folder,
            settings.kubeconfig,
            settings.engine_seconds,
            Backend(url, passphrase),
            may_act=may_act,
            memory_mib=memory_mib,
        )
    )
    latest = LatestStates(client, settings.install_namespace)
    secrets = StateSecrets(client, key=passphrase, latest=latest)

    async def emit(regarding: Mapping[str, Any], event: Event) -> None:
        try:
            await publish(client, AI_GATEWAY.controller, regarding, event, clock.timestamp(precise=True))
        except (ApiError, ApiUnreachableError) as error:
            structlog.get_logger().warning("event not written", reason=event.reason, error=str(error))

    return stacks, StoredEngine(stacks, secrets, clock, emit, memory_mib, settings.workers)


async def _passphrase(client: FencedClient, namespace: str) -> str:
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
