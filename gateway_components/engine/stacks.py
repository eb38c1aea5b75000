"""One Pulumi stack per namespace; one run carries every gateway of it that changed."""

import contextlib
import threading
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from pulumi.automation import CommandError, LocalWorkspace, ProjectSettings, Stack

from gateway_components.components.planned import gateway_of, gateway_target
from gateway_components.engine.command import EngineCommand
from gateway_components.engine.environment import engine_environment
from gateway_components.engine.errors import (
    ClusterUnreachableError,
    EngineError,
    EngineInterruptedError,
    EngineTimeoutError,
)
from gateway_components.engine.locate import engine_home, find_engine
from gateway_components.engine.outcome import Diagnostics
from gateway_components.engine.program import gateways_program, load_lazy_modules
from gateway_components.engine.state import PROJECT, StateFolder
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.workload import GatewayObjects

__all__ = ["Stacks"]


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

    Raises
    ------
    EngineMissingError
        The engine or its Kubernetes provider is missing or unfit.
    """

    def __init__(self, state: StateFolder, kubeconfig: Path | None, time_limit: float) -> None:
        load_lazy_modules()
        self._state = state
        self._home = engine_home()
        self._command = EngineCommand(find_engine(), time_limit, state.lock_descriptor)
        self._environment = engine_environment(state, kubeconfig)
        self._stacks: dict[str, Stack] = {}
        self._running: set[str] = set()
        self._lock = threading.Lock()

    def known(self) -> frozenset[str]:
        """Return the namespaces that have a stack."""
        return self._state.stacks()

    def held(self, namespace: str) -> frozenset[GatewayKey]:
        """Return the gateways that the state of `namespace` holds.

        Raises
        ------
        EngineError
            The state cannot be read.
        """
        if namespace not in self._state.stacks():
            return frozenset()
        try:
            deployment = self._stack(namespace).export_stack().deployment or {}
        except (CommandError, EngineTimeoutError) as error:
            raise EngineError(_first_lines(str(error))) from None
        owners = (gateway_of(resource["urn"]) for resource in deployment.get("resources") or ())
        return frozenset(owner for owner in owners if owner)

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
                self._stack(namespace).up(
                    program=gateways_program(wanted),
                    target=[gateway_target(PROJECT, namespace, key) for key in (*wanted, *release)],
                    refresh=refresh or None,
                    continue_on_error=True,
                    on_event=diagnostics.on_event,
                    color="never",
                    suppress_outputs=True,
                    suppress_progress=True,
                )
        except EngineTimeoutError as error:
            return _all_failed(wanted, str(error))
        except CommandError as error:
            unreachable = diagnostics.unreachable()
            if unreachable:
                raise ClusterUnreachableError(unreachable) from None
            failures = {key: failure for key, failure in diagnostics.failures().items() if key in wanted}
            return failures or _all_failed(wanted, diagnostics.general() or _first_lines(str(error)))
        return {}

    def forget(self, namespace: str) -> None:
        """Remove the stack of a namespace that has no gateway left."""
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

    def stop(self) -> None:
        """Interrupt running engines and wait until they have ended."""
        self._command.stop()

    @contextlib.contextmanager
    def _run(self, namespace: str) -> Iterator[None]:
        with self._lock:
            self._running.add(namespace)
        try:
            yield
        except (EngineInterruptedError, EngineTimeoutError):
            # One that had to be killed leaves its lock behind.
            self._state.unlock(namespace)
            raise
        finally:
            with self._lock:
                self._running.discard(namespace)
                self._command.unbar(self._folder(namespace))

    def _folder(self, namespace: str) -> str:
        return str(self._state.work_folder(namespace))

    def _stack(self, namespace: str) -> Stack:
        stack = self._stacks.get(namespace)
        if stack is None:
            workspace = LocalWorkspace(
                work_dir=self._folder(namespace),
                pulumi_home=str(self._home),
                env_vars=self._environment,
                project_settings=ProjectSettings(name=PROJECT, runtime="python"),
                pulumi_command=self._command,
            )
            try:
                stack = Stack.create_or_select(namespace, workspace)
            except CommandError as error:
                raise EngineError(_first_lines(str(error))) from None
            self._stacks[namespace] = stack
        return stack


def _all_failed(wanted: Mapping[GatewayKey, GatewayObjects], message: str) -> dict[GatewayKey, Failure]:
    return {key: Failure(Reason.WORKLOAD_FAILED, message) for key in wanted}


def _first_lines(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[:6])
