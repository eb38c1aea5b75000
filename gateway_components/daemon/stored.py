"""The engine with its state in the cluster: stored before others can see what a run did, and read when it is new."""

from collections.abc import Collection, Mapping
from http import HTTPStatus

import structlog

from gateway_components.daemon.clock import Clock
from gateway_components.engine.checkpoint import Held
from gateway_components.engine.errors import (
    ClusterUnreachableError,
    EngineError,
    EngineInterruptedError,
    StateUnreadableError,
)
from gateway_components.engine.result import Outcome
from gateway_components.engine.stacks import Stacks
from gateway_components.kube.errors import ApiError
from gateway_components.kube.state_secrets import STATE_SECRET, StateDamagedError, StateSecrets, StoredState
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.workload import GatewayObjects

__all__ = ["StoredEngine"]


_REFUSALS = frozenset(
    (HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
)
"""Answers that stay the same until somebody changes a right, a quota or a policy."""

_CURE = "let the daemon get, create, patch and delete Secrets in the namespaces of gateways"


class StoredEngine:
    """Applies gateways, and keeps the state where the next daemon finds it.

    What a run is about to change is noted before it begins. So whoever finds such a note knows that the objects may
    be ahead of the state, and looks at them.

    Parameters
    ----------
    stacks
        The engine.
    secrets
        Where states are stored; of those that another backend keeps, the notes alone.
    clock
        Its threads are used.
    """

    def __init__(self, stacks: Stacks, secrets: StateSecrets, clock: Clock) -> None:
        self._stacks = stacks
        self._secrets = secrets
        self._clock = clock
        self._versions: dict[str, str | None] = {}
        self._pending: dict[str, frozenset[str]] = {}
        self._log = structlog.get_logger()

    def version(self, namespace: str) -> int | None:
        """Return the version of the state that was read or written last; None where there is none."""
        version = self._versions.get(namespace)
        return int(version) if version else None

    async def held(self, namespace: str) -> Held:
        """Read the state of `namespace` and return what it holds; None for a gateway that must be looked at.

        Raises
        ------
        ApiError, ApiUnreachableError, EngineError
            It could not be read; what cannot be understood is no error, and as good as none.
        """
        self._versions[namespace] = None
        stored = await self._load(namespace)
        if stored is not None:
            self._versions[namespace] = stored.version
        held = await self._open(namespace, stored)
        noted = stored.doubts if stored else frozenset()
        # What the state does not hold is made anew where it is planned, and gone where it is not.
        doubts = noted & {str(key) for key in held}
        self._pending[namespace] = doubts
        if doubts != noted:
            try:
                await self._note(namespace, doubts)
            except ApiError as error:
                # Then the Secret says so for longer than it holds.
                if error.status not in _REFUSALS:
                    raise
        return {key: None if str(key) in doubts else applied for key, applied in held.items()}

    async def apply(
        self,
        namespace: str,
        wanted: Mapping[GatewayKey, GatewayObjects],
        release: Collection[GatewayKey],
        *,
        refresh: bool,
    ) -> Outcome:
        """Bring `wanted` to the cluster, let go of `release`, and store the state.

        Raises
        ------
        StateConflictError
            Somebody else wrote the state; it must be read again.
        ApiError, ApiUnreachableError, EngineError
            As for `Stacks.apply`, or the state could not be stored.
        """
        with self._stacks.beginning(namespace):
            return await self._apply(namespace, wanted, release, refresh)

    def interrupt(self, namespace: str) -> None:
        """Cut an `apply` short where its run is under way, or about to begin."""
        self._stacks.interrupt(namespace)

    async def forget(self, namespace: str) -> None:
        """Remove the state of a namespace that has no gateway left.

        Raises
        ------
        ApiError, ApiUnreachableError, EngineError
            It could not be removed.
        StateConflictError
            Somebody else wrote it; it must be read again.
        """
        await self._clock.in_thread(self._stacks.states.forget, namespace)
        self._pending.pop(namespace, None)
        version = self._versions.pop(namespace, None)
        if version is not None:
            await self._secrets.remove(namespace, version)

    async def _apply(
        self,
        namespace: str,
        wanted: Mapping[GatewayKey, GatewayObjects],
        release: Collection[GatewayKey],
        refresh: bool,
    ) -> Outcome:
        names = frozenset(str(key) for key in (*wanted, *release))
        # Of a run that broke off nobody knows how far it came, until another has been about the same gateways.
        others = self._pending.get(namespace, frozenset()) - names
        if not wanted:
            await self._clock.in_thread(self._stacks.states.release, namespace, release)
            await self._save(namespace, others)
            return Outcome(released=release)
        try:
            await self._note(namespace, names | others)
        except ApiError as error:
            if error.status not in _REFUSALS:
                raise
            # What cannot be noted is not begun: nobody could tell afterwards how far it came.
            return Outcome(dict.fromkeys(wanted, _not_stored(namespace, error)))
        outcome = await self._clock.in_thread(self._run, namespace, wanted, release, refresh)
        await self._save(namespace, others | frozenset(map(str, outcome.undetermined)))
        return outcome

    def _run(
        self,
        namespace: str,
        wanted: Mapping[GatewayKey, GatewayObjects],
        release: Collection[GatewayKey],
        refresh: bool,
    ) -> Outcome:
        try:
            return self._stacks.apply(namespace, wanted, release, refresh=refresh)
        except (ClusterUnreachableError, EngineInterruptedError):
            raise
        except EngineError as error:
            failure = Failure(Reason.WORKLOAD_FAILED, str(error))
            return Outcome(dict.fromkeys(wanted, failure), undetermined=(*wanted, *release))

    async def _load(self, namespace: str) -> StoredState | None:
        try:
            return await self._secrets.load(namespace)
        except StateDamagedError as error:
            self._log.warning("state lost", namespace=namespace, error=str(error))
            return StoredState(error.version, None, frozenset())
        except ApiError as error:
            if error.status not in _REFUSALS:
                raise
            # Every gateway will be told so, once it is to be applied.
            self._log.warning("state not readable", namespace=namespace, error=str(error), cure=_CURE)
            return None

    async def _open(self, namespace: str, stored: StoredState | None) -> Held:
        if not self._stacks.states.local:
            if stored and stored.doubts:
                # Only one daemon leads, so the run that is noted there is dead, and the lock is its.
                await self._clock.in_thread(self._stacks.states.unlock, namespace)
            return await self._clock.in_thread(self._stacks.states.held, namespace)
        checkpoint = stored.checkpoint if stored else None
        try:
            return await self._clock.in_thread(self._stacks.states.open, namespace, checkpoint)
        except StateUnreadableError as error:
            self._log.warning("state lost", namespace=namespace, error=str(error))
            return await self._clock.in_thread(self._stacks.states.open, namespace, None)

    async def _note(self, namespace: str, doubts: frozenset[str]) -> None:
        version = self._versions.get(namespace)
        self._versions[namespace] = await self._secrets.intend(namespace, doubts, version)
        self._pending[namespace] = doubts

    async def _save(self, namespace: str, doubts: frozenset[str]) -> None:
        checkpoint = await self._clock.in_thread(self._stacks.states.checkpoint, namespace)
        version = self._versions.get(namespace)
        self._versions[namespace] = await self._secrets.save(namespace, checkpoint, version, doubts)
        self._pending[namespace] = doubts


def _not_stored(namespace: str, error: ApiError) -> Failure:
    message = f"the state of the namespace cannot be stored in Secret {namespace}/{STATE_SECRET}: {error}"
    return Failure(Reason.WORKLOAD_FAILED, message, cure=_CURE)
