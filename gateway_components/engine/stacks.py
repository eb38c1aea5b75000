"""One Pulumi stack per namespace; one run applies all of its gateways that changed."""

import contextlib
import math
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from pulumi.automation import CommandResult

from gateway_components.components.naming import gateway_targets
from gateway_components.engine.checkpoint import PROJECT
from gateway_components.engine.diagnostics import Diagnostics, Outcome
from gateway_components.engine.errors import (
    ClusterUnreachableError,
    EngineError,
    EngineInterruptedError,
    EngineKilledError,
    EngineTimeoutError,
)
from gateway_components.engine.folder import ScratchFolder
from gateway_components.engine.process import EngineCommand
from gateway_components.engine.programs import find_engine
from gateway_components.engine.protocol import Program, served
from gateway_components.engine.registration import register_gateways
from gateway_components.engine.states import States
from gateway_components.engine.workspace import Backend, Workspaces
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason
from gateway_components.plan.objects import GatewayObjects

_ORDERLY = (0, 1)
"""Exit codes of an engine that did not crash."""


class Stacks:
    """Applies planned gateways.

    Thread-safe as long as each namespace has one run at a time.

    Parameters
    ----------
    folder
        Where the engine works.
    kubeconfig
        Credentials of the cluster; None inside one. Only the path reaches the engine, by the environment: no credential
        is ever in the state.
    time_limit
        Seconds per run.
    backend
        Where states are kept; None for the folder.
    may_act
        Returns, in any thread, whether the engine may run.
    memory_mib
        What engine and provider may take together.

    Raises
    ------
    EngineMissingError
        The engine or its Kubernetes provider is missing, or its version is not supported.
    """

    def __init__(
        self,
        folder: ScratchFolder,
        kubeconfig: Path | None,
        time_limit: float,
        backend: Backend | None = None,
        *,
        may_act: Callable[[], bool] = lambda: True,
        memory_mib: float = math.inf,
    ) -> None:
        backend = backend or Backend(folder.backend_url, folder.passphrase())
        self._folder = folder
        self._backend = backend
        self._command = EngineCommand(
            find_engine(),
            time_limit,
            folder.lock_descriptor,
            may_act=may_act,
            redact=backend.redact,
            memory_mib=memory_mib,
        )
        self._workspaces = Workspaces(folder, backend, self._command, kubeconfig)
        self.states = States(folder, self._workspaces)
        self._running = Counter[str]()
        self._lock = threading.Lock()

    def apply(
        self,
        namespace: str,
        wanted: Mapping[Identity, GatewayObjects],
        release: Collection[Identity],
        *,
        refresh: bool,
    ) -> Outcome:
        """Apply `wanted` and drop `release` from the state; other gateways of the namespace stay as they are.

        A gateway counts as applied if the engine reports each of its objects as done, and lives to record that. The
        objects of `release` stay on the cluster. With `refresh`, the engine first looks for objects that others changed
        or deleted.

        Raises
        ------
        ClusterUnreachableError
            The API server answered about none of them; their outcome is unknown.
        EngineInterruptedError
            `interrupt` was called; their outcome is unknown too.
        EngineError
            The stack or its state cannot be read.
        """
        diagnostics, done = Diagnostics(), set[Identity]()
        program = partial(register_gateways, wanted=wanted, done=done)
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
            killed=isinstance(error, EngineKilledError),
        )

    def preview(
        self, namespace: str, wanted: Mapping[Identity, GatewayObjects], release: Collection[Identity]
    ) -> str:
        """Return what `apply` would change after a refresh, in the engine's words; writes nothing.

        Raises EngineError: the preview failed.
        """
        if not wanted and not release:
            return "nothing to apply"
        program = partial(register_gateways, wanted=wanted, done=set())
        command = ["preview", "--refresh", "--diff"]
        result = self._execute(namespace, command, (*wanted, *release), program, Diagnostics())
        if result.code != 0:
            raise self._command.failure(result)
        return result.stdout

    def _execute(
        self,
        namespace: str,
        command: Sequence[str],
        gateways: Collection[Identity],
        program: Program,
        diagnostics: Diagnostics,
    ) -> CommandResult:
        """Do what ``Stack.up`` does, without its three questions to the engine, which take longer than the run."""
        with self._run(namespace), self._about(namespace, gateways) as targets:
            workspace = self._workspaces.get(namespace).workspace
            # Without it, the engine has no event log.
            environment = {"PULUMI_DEBUG_COMMANDS": "true", **workspace.env_vars}
            if workspace.pulumi_home is not None:
                environment.setdefault("PULUMI_HOME", workspace.pulumi_home)
            with served(program, diagnostics.on_event) as address:
                arguments = [
                    *command,
                    *("--stack", namespace),
                    *("--client", address),
                    *("--exec-kind", "auto.inline"),
                    *("--event-log", f"tcp://{address}"),
                    *("--color", "never"),
                    "--suppress-outputs",
                    "--suppress-progress",
                    *(part for target in targets for part in ("--target", target)),
                ]
                result = self._command.execute(arguments, workspace.work_dir, environment)
            if result.code not in _ORDERLY:
                self._unlock(namespace)
        return result

    def running(self) -> frozenset[str]:
        """Return the namespaces with an active run."""
        with self._lock:
            return frozenset(self._running)

    @contextlib.contextmanager
    def beginning(self, namespace: str) -> Iterator[None]:
        """Extend the run of `namespace`, as `interrupt` sees it, by what leads to it and what follows."""
        with self._lock:
            self._running[namespace] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[namespace] -= 1
                if not self._running[namespace]:
                    del self._running[namespace]
                    self._command.unbar(self._workspaces.work_folder(namespace))

    def interrupt(self, namespace: str) -> None:
        """Cut an active run of `namespace` short, without waiting for its end."""
        with self._lock:
            if namespace in self._running:
                self._command.bar(self._workspaces.work_folder(namespace))

    def stop(self) -> None:
        """Interrupt running engines and wait for their end."""
        self._command.stop()

    def halt(self) -> None:
        """Kill running engines and start none any more."""
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
                self._folder.clear_history(namespace)

    @contextlib.contextmanager
    def _about(self, namespace: str, gateways: Collection[Identity]) -> Iterator[Iterable[str]]:
        """Have a run know these gateways alone; where another backend keeps the state, by what it is to target."""
        if not self.states.local:
            yield (target for key in gateways for target in gateway_targets(PROJECT, namespace, key))
            return
        self.states.cut(namespace, gateways)
        try:
            yield ()
        finally:
            # One that was cut short may have written what it came to.
            self.states.merge(namespace, gateways)

    def _unlock(self, namespace: str) -> None:
        with self._lock:
            # This may take another engine run, which must not be interrupted: the run itself is over.
            begun = self._running.pop(namespace)
            self._command.unbar(self._workspaces.work_folder(namespace))
        try:
            with contextlib.suppress(EngineError):
                self.states.unlock(namespace)
        finally:
            with self._lock:
                self._running[namespace] = begun


def _failures(
    wanted: Iterable[Identity],
    proven: Collection[Identity],
    own: Mapping[Identity, Failure],
    error: EngineError,
) -> dict[Identity, Failure]:
    common = Failure(Reason.WORKLOAD_FAILED, str(error))
    return {key: own.get(key, common) for key in wanted if key in own or key not in proven}
