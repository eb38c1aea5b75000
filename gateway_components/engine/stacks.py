"""One Pulumi stack per namespace; one run carries every gateway of it that changed."""

import contextlib
import re
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from pulumi.automation import CommandError, CommandResult

from gateway_components.components.naming import gateway_target
from gateway_components.engine.backend import Backend
from gateway_components.engine.checkpoint import PROJECT
from gateway_components.engine.command import EngineCommand
from gateway_components.engine.errors import (
    ClusterUnreachableError,
    EngineError,
    EngineInterruptedError,
    EngineTimeoutError,
)
from gateway_components.engine.locate import find_engine
from gateway_components.engine.opened import OpenedStacks
from gateway_components.engine.outcome import Diagnostics
from gateway_components.engine.program import register_gateways
from gateway_components.engine.run import run_program
from gateway_components.engine.state import StateFolder
from gateway_components.engine.states import States
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.workload import GatewayObjects

__all__ = ["Stacks"]

_KILLED = re.compile(r"^\s*code: -\d")
"""How the Automation API tells that a signal ended the engine."""
_WRONG_PASSPHRASE = re.compile(r"incorrect passphrase")


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
        self._command = EngineCommand(find_engine(), time_limit, state.lock_descriptor, may_act)
        self._opened = OpenedStacks(state, backend, self._command, kubeconfig)
        self.states = States(state, self._opened)
        self._retain = retain
        self._running: set[str] = set()
        self._lock = threading.Lock()

    def apply(
        self,
        namespace: str,
        wanted: Mapping[GatewayKey, GatewayObjects],
        release: Collection[GatewayKey],
        *,
        refresh: bool,
    ) -> dict[GatewayKey, Failure]:
        """Bring `wanted` to the cluster and let go of `release`; other gateways of the namespace stay as they are.

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

        Returns
        -------
        dict
            Why, for each wanted gateway that failed; empty where all went well.

        Raises
        ------
        ClusterUnreachableError
            The API server gave no answer; nothing is known about any of them.
        EngineInterruptedError
            `interrupt` was called; nothing is known either.
        EngineError
            The stack cannot be opened.
        """
        diagnostics = Diagnostics()
        try:
            with self._run(namespace):
                options = ["--refresh"] if refresh else []
                self._execute(
                    namespace,
                    ["up", "--yes", "--skip-preview", "--continue-on-error", *options],
                    wanted,
                    release,
                    diagnostics,
                )
        except EngineTimeoutError as error:
            return _all_failed(wanted, str(error))
        except CommandError as error:
            unreachable = diagnostics.unreachable()
            if unreachable:
                raise ClusterUnreachableError(unreachable) from None
            if _WRONG_PASSPHRASE.search(str(error)) and self.states.encrypt_anew(namespace):
                return self.apply(namespace, wanted, release, refresh=refresh)
            failures = {key: failure for key, failure in diagnostics.failures().items() if key in wanted}
            return failures or _all_failed(
                wanted, self._opened.told(diagnostics.general()) or self._opened.told(str(error))
            )
        return {}

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
        try:
            with self._run(namespace):
                previewed = self._execute(
                    namespace, ["preview", "--refresh", "--diff"], wanted, release, Diagnostics()
                )
        except (CommandError, EngineTimeoutError) as error:
            raise EngineError(self._opened.told(str(error))) from None
        return previewed.stdout

    def _execute(
        self,
        namespace: str,
        command: Sequence[str],
        wanted: Mapping[GatewayKey, GatewayObjects],
        release: Iterable[GatewayKey],
        diagnostics: Diagnostics,
    ) -> CommandResult:
        targets = (gateway_target(PROJECT, namespace, key) for key in (*wanted, *release))
        program = partial(register_gateways, wanted=wanted, retain=self._retain)
        return run_program(self._opened.get(namespace), command, targets, program, diagnostics.on_event)

    def running(self) -> frozenset[str]:
        """Return the namespaces that have a run."""
        with self._lock:
            return frozenset(self._running)

    @contextlib.contextmanager
    def beginning(self, namespace: str) -> Iterator[None]:
        """Surround what leads to a run of `namespace`: to `interrupt`, it is under way from here on."""
        with self._lock:
            self._running.add(namespace)
        try:
            yield
        finally:
            self._ended(namespace)

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
        with self._lock:
            self._running.add(namespace)
        try:
            yield
        except (EngineInterruptedError, EngineTimeoutError, CommandError) as error:
            # One that was killed, by us or by the system for want of memory, leaves its lock behind.
            if not isinstance(error, CommandError) or _KILLED.search(str(error)):
                # The engine may have to be asked for that.
                self._command.unbar(self._opened.work_folder(namespace))
                with contextlib.suppress(EngineError):
                    self.states.unlock(namespace)
            raise
        finally:
            self._state.clear_history(namespace)
            self._ended(namespace)

    def _ended(self, namespace: str) -> None:
        with self._lock:
            self._running.discard(namespace)
            self._command.unbar(self._opened.work_folder(namespace))


def _all_failed(wanted: Mapping[GatewayKey, GatewayObjects], message: str) -> dict[GatewayKey, Failure]:
    return {key: Failure(Reason.WORKLOAD_FAILED, message) for key in wanted}
