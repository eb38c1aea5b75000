"""One Pulumi stack per namespace; one run carries every gateway of it that changed."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from pulumi.automation import CommandResult

from gateway_components.components.naming import gateway_target
from gateway_components.engine.backend import Backend
from gateway_components.engine.checkpoint import PROJECT
from gateway_components.engine.command import EngineCommand
from gateway_components.engine.errors import (
    ClusterUnreachableError,
    EngineError,
    EngineInterruptedError,
    EngineKilledError,
    EngineTimeoutError,
)
from gateway_components.engine.locate import find_engine
from gateway_components.engine.opened import OpenedStacks
from gateway_components.engine.outcome import Diagnostics
from gateway_components.engine.program import register_gateways
from gateway_components.engine.result import Outcome
from gateway_components.engine.run import run_program
from gateway_components.engine.server import Program
from gateway_components.engine.state import StateFolder
from gateway_components.engine.states import States
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.workload import GatewayObjects

__all__ = ["Stacks"]

_ORDERLY = (0, 1)
"""Exit codes of an engine that came to its end; one that crashed, as for want of memory, has another."""


class Stacks:
    """Applies planned gateways.

    Safe to use from several threads as long as each namespace has one run at a time.

    Parameters
    ----------
    state
        Where the engine keeps its state.
    kubeconfig
        File with the credentials of the cluster; None inside a cluster. Only its path reaches the engine, by
        the environment: no credential is ever in the state.
    time_limit
        Seconds that one run may take.
    backend
        Where the state is kept; None for the folder.
    retain
        Whether objects of a gateway that is let go stay: the garbage collector deletes them with their owner.
    may_act
        Tells, in any thread, whether the engine may run.

    Attributes
    ----------
    states
        The states of the namespaces.

    Raises
    ------
    EngineMissingError
        The engine or its Kubernetes provider is missing or unfit.
    """

    def __init__(
        self,
        state: StateFolder,
        kubeconfig: Path | None,
        time_limit: float,
        backend: Backend | None = None,
        *,
        retain: bool = True,
        may_act: Callable[[], bool] = lambda: True,
    ) -> None:
        backend = backend or Backend(state.backend_url, state.passphrase())
        self._state = state
        self._backend = backend
        self._command = EngineCommand(
            find_engine(), time_limit, state.lock_descriptor, may_act=may_act, redact=backend.redact
        )
        self._opened = OpenedStacks(state, backend, self._command, kubeconfig)
        self.states = States(state, self._opened)
        self._retain = retain
        self._running = Counter[str]()
        self._lock = threading.Lock()

    def apply(
        self,
        namespace: str,
        wanted: Mapping[GatewayKey, GatewayObjects],
        release: Collection[GatewayKey],
        *,
        refresh: bool,
    ) -> Outcome:
        """Bring `wanted` to the cluster and let go of `release`; other gateways of the namespace stay as they are.

        A gateway counts as done where the engine said so of each of its objects, and lived to write that down.

        Parameters
        ----------
        namespace
            Namespace of them all.
        wanted
            Gateways to apply.
        release
            Gateways to drop from the state; their objects stay on the cluster.
        refresh
            Whether to look at the cluster first, for objects that were changed or deleted by others.

        Raises
        ------
        ClusterUnreachableError
            The API server answered about none of them; nothing is known about any.
        EngineInterruptedError
            `interrupt` was called; nothing is known either.
        EngineError
            The stack cannot be opened, or its state not be read.
        """
        diagnostics, done = Diagnostics(), set[GatewayKey]()
        program = partial(register_gateways, wanted=wanted, done=done, retain=self._retain)
        options = ["--refresh"] if refresh else []
        command = ["up", "--yes", "--skip-preview", "--continue-on-error", *options]
        error: EngineError | None = None
        with self.beginning(namespace):
            try:
                result = self._execute(namespace, command, (*wanted, *release), program, diagnostics)
                orderly = result.code in _ORDERLY
            except (EngineTimeoutError, EngineKilledError) as ended:
                error, orderly = ended, False
            else:
                if result.code != 0:
                    unreachable = diagnostics.unreachable(done)
                    if unreachable:
                        raise ClusterUnreachableError(unreachable)
                    general = self._backend.redact(diagnostics.general())
                    error = EngineError(general) if general else self._command.failure(result)
            held = self.states.held(namespace, {*wanted, *release})
        reported = {key: held[key] for key in wanted if key in done and key in held}
        proven = {key for key, known in reported.items() if known and known.digest == wanted[key].digest}
        own = diagnostics.failures()
        kept = frozenset(release) & held.keys()
        return Outcome(
            {} if error is None else _failures(wanted, proven, own, error),
            reported,
            frozenset(release) - kept,
            frozenset(wanted.keys() - proven - own.keys() if orderly else wanted.keys() - proven | kept),
        )

    def preview(
        self, namespace: str, wanted: Mapping[GatewayKey, GatewayObjects], release: Collection[GatewayKey]
    ) -> str:
        """Return in the engine's words what `apply` would do after a look at the cluster; does nothing.

        Raises
        ------
        EngineError
            The engine could not tell.
        """
        if not wanted and not release:
            return "nothing to apply"
        program = partial(register_gateways, wanted=wanted, done=set(), retain=self._retain)
        command = ["preview", "--refresh", "--diff"]
        result = self._execute(namespace, command, (*wanted, *release), program, Diagnostics())
        if result.code != 0:
            raise self._command.failure(result)
        return result.stdout

    def _execute(
        self,
        namespace: str,
        command: Sequence[str],
        gateways: Iterable[GatewayKey],
        program: Program,
        diagnostics: Diagnostics,
    ) -> CommandResult:
        targets = (gateway_target(PROJECT, namespace, key) for key in gateways)
        with self._run(namespace):
            stack = self._opened.get(namespace)
            result = run_program(self._command, stack, command, targets, program, diagnostics.on_event)
            if result.code not in _ORDERLY:
                self._unlock(namespace)
        return result

    def running(self) -> frozenset[str]:
        """Return the namespaces that have a run."""
        with self._lock:
            return frozenset(self._running)

    @contextlib.contextmanager
    def beginning(self, namespace: str) -> Iterator[None]:
        """Surround what leads to a run of `namespace`, and what follows: to `interrupt`, all of it is under way."""
        with self._lock:
            self._running[namespace] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[namespace] -= 1
                if not self._running[namespace]:
                    del self._running[namespace]
                    self._command.unbar(self._opened.work_folder(namespace))

    def interrupt(self, namespace: str) -> None:
        """Cut a run of `namespace` short where there is one; returns at once."""
        with self._lock:
            if namespace in self._running:
                self._command.bar(self._opened.work_folder(namespace))

    def limit(self, seconds: float) -> None:
        """Change how long one run may take, from the next one on."""
        self._command.time_limit = seconds

    def stop(self) -> None:
        """Interrupt running engines and wait until they have ended."""
        self._command.stop()

    def halt(self) -> None:
        """Kill running engines and let none begin any more."""
        self._command.halt()

    @contextlib.contextmanager
    def _run(self, namespace: str) -> Iterator[None]:
        with self.beginning(namespace):
            try:
                yield
            except (EngineInterruptedError, EngineTimeoutError, EngineKilledError):
                self._unlock(namespace)
                raise
            finally:
                self._state.clear_history(namespace)

    def _unlock(self, namespace: str) -> None:
        """Remove the lock that an engine leaves behind which did not end by itself."""
        with self._lock:
            # The engine may have to be asked for that, and no interrupt may end it: the run is over.
            begun = self._running.pop(namespace)
            self._command.unbar(self._opened.work_folder(namespace))
        try:
            with contextlib.suppress(EngineError):
                self.states.unlock(namespace)
        finally:
            with self._lock:
                self._running[namespace] = begun


def _failures(
    wanted: Iterable[GatewayKey],
    proven: Collection[GatewayKey],
    own: Mapping[GatewayKey, Failure],
    error: EngineError,
) -> dict[GatewayKey, Failure]:
    """Return why each gateway failed: its own reason, or else that of the run, unless it is proven to be done."""
    common = Failure(Reason.WORKLOAD_FAILED, str(error))
    return {key: own.get(key, common) for key in wanted if key in own or key not in proven}
