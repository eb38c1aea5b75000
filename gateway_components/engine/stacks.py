"""One Pulumi stack per namespace; one run carries every gateway of it that changed."""

import contextlib
import re
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pulumi.automation import CommandError, CommandResult, Deployment, LocalWorkspace, ProjectSettings, Stack

from gateway_components.components.naming import gateway_target
from gateway_components.engine.backend import Backend
from gateway_components.engine.checkpoint import (
    PROJECT,
    Held,
    applied_gateways,
    check_stack,
    encryption_salt,
    read_checkpoint,
    whole_checkpoint,
    without_gateways,
)
from gateway_components.engine.command import EngineCommand
from gateway_components.engine.environment import engine_environment
from gateway_components.engine.errors import (
    ClusterUnreachableError,
    EngineError,
    EngineInterruptedError,
    EngineTimeoutError,
)
from gateway_components.engine.home import make_home
from gateway_components.engine.locate import engine_home, find_engine
from gateway_components.engine.outcome import Diagnostics
from gateway_components.engine.program import register_gateways
from gateway_components.engine.run import run_program
from gateway_components.engine.state import StateFolder
from gateway_components.engine.workspace import FolderWorkspace
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.workload import GatewayObjects

__all__ = ["Stacks"]

T = TypeVar("T")

_PASSWORD = re.compile(r"://[^/@\s]*@")
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
    ) -> None:
        self._state = state
        self._backend = backend or Backend(state.backend_url, state.passphrase())
        self._local = self._backend.url == state.backend_url
        self._home = make_home(state.path / "home", engine_home())
        self._command = EngineCommand(find_engine(), time_limit, state.lock_descriptor)
        self._environment = engine_environment(self._backend, kubeconfig)
        self._retain = retain
        self._stacks: dict[str, Stack] = {}
        self._running: set[str] = set()
        self._lock = threading.Lock()

    @property
    def local(self) -> bool:
        """Whether the state is in the folder; else another backend keeps it."""
        return self._local

    def open(self, namespace: str, checkpoint: bytes | None) -> Held:
        """Go on from a state that was kept elsewhere, or from none, and return what it holds.

        Raises
        ------
        StateUnreadableError
            It is no state, or that of another stack; nothing has changed.
        """
        deployment = read_checkpoint(checkpoint) if checkpoint is not None else {}
        check_stack(deployment, namespace)
        self._stacks.pop(namespace, None)
        self._state.forget(namespace)
        if deployment:
            self._state.write(namespace, whole_checkpoint(namespace, deployment), encryption_salt(deployment))
        return applied_gateways(deployment)

    def checkpoint(self, namespace: str) -> bytes | None:
        """Return the state of `namespace` as the engine wrote it; None where there is none, or it is kept elsewhere."""
        return self._state.read(namespace) if self._local else None

    def held(self, namespace: str, only: Collection[GatewayKey] | None = None) -> Held:
        """Return what the state of `namespace` holds of each gateway, or of some.

        Raises
        ------
        EngineError
            The state cannot be read.
        """
        return applied_gateways(self._deployment(namespace), only)

    def unlock(self, namespace: str) -> None:
        """Remove what a run that was killed left behind: its lock, and operations that it had begun.

        Raises
        ------
        EngineError
            Another backend keeps the state, and could not be asked.
        """
        if self._local:
            self._state.unlock(namespace)
            return
        self._asked(namespace, lambda stack: stack.cancel())
        deployment = dict(self._deployment(namespace))
        if deployment.pop("pending_operations", None):
            self._replace(namespace, deployment)

    def release(self, namespace: str, keys: Collection[GatewayKey]) -> None:
        """Let go of gateways whose objects stay, without a run.

        Raises
        ------
        EngineError
            The state cannot be read.
        """
        deployment = without_gateways(self._deployment(namespace), keys)
        if self._local:
            self._state.write(namespace, whole_checkpoint(namespace, deployment), encryption_salt(deployment))
        else:
            self._asked(
                namespace, lambda stack: stack.import_stack(Deployment(version=3, deployment=deployment))
            )

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
            if self._local and _WRONG_PASSPHRASE.search(str(error)) and self._encrypt_anew(namespace):
                return self.apply(namespace, wanted, release, refresh=refresh)
            failures = {key: failure for key, failure in diagnostics.failures().items() if key in wanted}
            return failures or _all_failed(
                wanted, self._told(diagnostics.general()) or self._told(str(error))
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
            raise EngineError(self._told(str(error))) from None
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
        return run_program(self._stack(namespace), command, targets, program, diagnostics.on_event)

    def forget(self, namespace: str) -> None:
        """Remove the stack of a namespace that has no gateway left.

        Raises
        ------
        EngineError
            Another backend keeps it, and could not be asked.
        """
        if not self._local:
            self._asked(namespace, lambda stack: stack.workspace.remove_stack(namespace, force=True))
        self._stacks.pop(namespace, None)
        self._state.forget(namespace)

    def running(self) -> frozenset[str]:
        """Return the namespaces that have a run."""
        with self._lock:
            return frozenset(self._running)

    def interrupt(self, namespace: str) -> None:
        """Cut a run of `namespace` short where there is one; returns at once."""
        with self._lock:
            if namespace in self._running:
                self._command.bar(self._folder(namespace))

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
                with contextlib.suppress(EngineError):
                    self.unlock(namespace)
            raise
        finally:
            self._state.clear_history(namespace)
            with self._lock:
                self._running.discard(namespace)
                self._command.unbar(self._folder(namespace))

    def _encrypt_anew(self, namespace: str) -> bool:
        """Take the passphrase of today for a state of another; False where it has none. Nothing in it is secret."""
        deployment = {**self._deployment(namespace)}
        if deployment.pop("secrets_providers", None) is None:
            return False
        self.open(namespace, whole_checkpoint(namespace, deployment))
        return True

    def _deployment(self, namespace: str) -> Mapping[str, Any]:
        if self._local:
            checkpoint = self._state.read(namespace)
            return read_checkpoint(checkpoint) if checkpoint is not None else {}
        return self._asked(namespace, lambda stack: stack.export_stack()).deployment or {}

    def _replace(self, namespace: str, deployment: Mapping[str, Any]) -> None:
        whole = Deployment(version=3, deployment=dict(deployment))
        self._asked(namespace, lambda stack: stack.import_stack(whole))

    def _asked(self, namespace: str, question: Callable[[Stack], T]) -> T:
        try:
            return question(self._stack(namespace))
        except (CommandError, EngineTimeoutError) as error:
            raise EngineError(self._told(str(error))) from None

    def _told(self, text: str) -> str:
        """Return the first lines of what the engine said, without the URL of the backend: it may hold a password."""
        lines = [line.strip() for line in text.replace(self._backend.url, "the backend").splitlines()]
        return _PASSWORD.sub("://", " ".join([line for line in lines if line][:6]))

    def _folder(self, namespace: str) -> str:
        return str(self._state.work_folder(namespace))

    def _stack(self, namespace: str) -> Stack:
        stack = self._stacks.get(namespace)
        if stack is None:
            options: dict[str, Any] = {
                "work_dir": self._folder(namespace),
                "pulumi_home": str(self._home),
                "env_vars": self._environment,
                "project_settings": ProjectSettings(name=PROJECT, runtime="python"),
                "pulumi_command": self._command,
            }
            try:
                workspace = (
                    FolderWorkspace(self._state, **options) if self._local else LocalWorkspace(**options)
                )
                stack = Stack.create_or_select(namespace, workspace)
            except CommandError as error:
                raise EngineError(self._told(str(error))) from None
            self._stacks[namespace] = stack
        return stack


def _all_failed(wanted: Mapping[GatewayKey, GatewayObjects], message: str) -> dict[GatewayKey, Failure]:
    return {key: Failure(Reason.WORKLOAD_FAILED, message) for key in wanted}
