"""The states of all stacks: in the folder of the engine, or where another backend keeps them."""

from collections.abc import Collection, Mapping
from typing import Any

from pulumi.automation import Deployment

from gateway_components.engine.checkpoint import (
    Held,
    applied_gateways,
    check_stack,
    encryption_salt,
    read_checkpoint,
    whole_checkpoint,
    without_gateways,
)
from gateway_components.engine.opened import OpenedStacks
from gateway_components.engine.state import StateFolder
from gateway_components.plan.keys import GatewayKey

__all__ = ["States"]


class States:
    """Reads and changes states between runs.

    Parameters
    ----------
    folder
        Holds the states, unless another backend keeps them.
    opened
        Asks the engine about the others.
    """

    def __init__(self, folder: StateFolder, opened: OpenedStacks) -> None:
        self._folder = folder
        self._opened = opened
        self.local = opened.local

    def open(self, namespace: str, checkpoint: bytes | None) -> Held:
        """Go on from a state that was kept elsewhere, or from none, and return what it holds.

        Raises
        ------
        StateUnreadableError
            It is no state, or that of another stack; nothing has changed.
        """
        deployment = read_checkpoint(checkpoint) if checkpoint is not None else {}
        check_stack(deployment, namespace)
        self._opened.drop(namespace)
        self._folder.forget(namespace)
        if deployment:
            self._write(namespace, deployment)
        return applied_gateways(deployment)

    def checkpoint(self, namespace: str) -> bytes | None:
        """Return the state of `namespace` as the engine wrote it; None where there is none, or it is kept elsewhere."""
        return self._folder.read(namespace) if self.local else None

    def exported(self, namespace: str) -> bytes | None:
        """Return the state that another backend keeps of `namespace`, as `open` takes it; writes nothing there.

        Raises
        ------
        EngineError
            The backend gave no answer.
        """
        found = self._opened.exported(namespace)
        return whole_checkpoint(namespace, found.deployment) if found else None

    def held(self, namespace: str, only: Collection[GatewayKey] | None = None) -> Held:
        """Return what the state of `namespace` holds of each gateway, or of some.

        Raises
        ------
        EngineError
            The state cannot be read.
        """
        return applied_gateways(self._deployment(namespace), only)

    def release(self, namespace: str, keys: Collection[GatewayKey]) -> None:
        """Let go of gateways whose objects stay, without a run.

        Raises
        ------
        EngineError
            The state cannot be read.
        """
        self._write(namespace, without_gateways(self._deployment(namespace), keys))

    def unlock(self, namespace: str) -> None:
        """Remove what a run that was killed left behind: its lock, and operations that it had begun.

        Raises
        ------
        EngineError
            Another backend keeps the state, and could not be asked.
        """
        if self.local:
            self._folder.unlock(namespace)
            return
        self._opened.ask(namespace, lambda stack: stack.cancel())
        deployment = dict(self._deployment(namespace))
        if deployment.pop("pending_operations", None):
            self._write(namespace, deployment)

    def forget(self, namespace: str) -> None:
        """Remove the state of a namespace that has no gateway left.

        Raises
        ------
        EngineError
            Another backend keeps it, and could not be asked.
        """
        if not self.local:
            self._opened.ask(namespace, lambda stack: stack.workspace.remove_stack(namespace, force=True))
        self._opened.drop(namespace)
        self._folder.forget(namespace)

    def _deployment(self, namespace: str) -> Mapping[str, Any]:
        if self.local:
            checkpoint = self._folder.read(namespace)
            return read_checkpoint(checkpoint) if checkpoint is not None else {}
        return self._opened.ask(namespace, lambda stack: stack.export_stack()).deployment or {}

    def _write(self, namespace: str, deployment: Mapping[str, Any]) -> None:
        if self.local:
            checkpoint = whole_checkpoint(namespace, deployment)
            self._folder.write(namespace, checkpoint, encryption_salt(deployment))
        else:
            whole = Deployment(version=3, deployment=dict(deployment))
            self._opened.ask(namespace, lambda stack: stack.import_stack(whole))
