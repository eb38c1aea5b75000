"""The states of all stacks, in the scratch folder or in another backend."""

from collections.abc import Collection, Mapping
from typing import Any

from pulumi.automation import Deployment

from gateway_components.engine.checkpoint import (
    Held,
    applied_gateways,
    encryption_salt,
    read_checkpoint,
    whole_checkpoint,
    without_gateways,
)
from gateway_components.engine.entries import Piece
from gateway_components.engine.folder import ScratchFolder
from gateway_components.engine.state_rules import check_deployment, check_secrets_provider
from gateway_components.engine.workspace import Workspaces
from gateway_components.identity import Identity


class States:
    """Reads and changes states between runs; each method raises an `EngineError` if it cannot."""

    def __init__(self, folder: ScratchFolder, workspaces: Workspaces) -> None:
        self._folder = folder
        self._workspaces = workspaces
        self.local = workspaces.local

    def open(self, namespace: str, checkpoint: bytes | None) -> Held:
        """Replace the state by one that was stored elsewhere, or by none, and return its gateways.

        Raises StateUnreadableError: it is not a state, or contains something that the daemon does not keep; nothing has
        changed.
        """
        deployment = read_checkpoint(checkpoint) if checkpoint is not None else {}
        check_deployment(deployment, namespace)
        check_secrets_provider(deployment)
        self._workspaces.drop(namespace)
        self._folder.forget(namespace)
        if checkpoint is not None and deployment:
            with self._folder.used("written"):
                self._folder.entries.open(namespace, checkpoint)
        return applied_gateways(deployment)

    def cut(self, namespace: str, keys: Collection[Identity]) -> None:
        """Give the engine a state that holds these gateways alone, before a run about them."""
        with self._folder.used("read"):
            deployment = self._folder.entries.read(namespace, keys)
        checkpoint = whole_checkpoint(namespace, deployment or None)
        self._folder.write(namespace, checkpoint, encryption_salt(deployment))

    def merge(self, namespace: str, keys: Collection[Identity]) -> None:
        """Take over what a run about these gateways wrote."""
        checkpoint = self._folder.read(namespace)
        deployment = read_checkpoint(checkpoint) if checkpoint is not None else {}
        with self._folder.used("written"):
            self._folder.entries.merge(namespace, keys, deployment)

    def checkpoint(self, namespace: str) -> list[Piece] | None:
        """Return the state of `namespace` as an engine would write it, in pieces to be read before it changes again.

        None where there is none, or it is kept elsewhere.
        """
        if not self.local:
            return None
        with self._folder.used("read"):
            return self._folder.entries.checkpoint(namespace) or None

    def size(self, namespace: str) -> int:
        """Return how many bytes the state of `namespace` has; 0 where there is none, or it is kept elsewhere."""
        with self._folder.used("read"):
            return self._folder.entries.size(namespace) if self.local else 0

    def exported(self, namespace: str) -> bytes | None:
        """Return the state of `namespace` in another backend, as `open` takes it, without creating a stack."""
        found = self._workspaces.exported(namespace)
        if found is None:
            return None
        # It belongs to that backend, and nothing in the state is secret.
        deployment = {**(found.deployment or {})}
        deployment.pop("secrets_providers", None)
        return whole_checkpoint(namespace, deployment)

    def held(self, namespace: str, only: Collection[Identity] | None = None) -> Held:
        """Return what the state of `namespace` holds of each gateway, or of some."""
        if not self.local:
            return applied_gateways(self._exported(namespace), only)
        with self._folder.used("read"):
            return applied_gateways(self._folder.entries.read(namespace, only))

    def release(self, namespace: str, keys: Collection[Identity]) -> None:
        """Release gateways whose objects stay, without a run."""
        if self.local:
            with self._folder.used("written"):
                self._folder.entries.release(namespace, keys)
        else:
            self._import(namespace, without_gateways(self._exported(namespace), keys))

    def unlock(self, namespace: str) -> None:
        """Remove the lock and the pending operations of a killed run."""
        if self.local:
            self._folder.unlock(namespace)
            return
        self._workspaces.ask(namespace, lambda stack: stack.cancel())
        deployment = dict(self._exported(namespace))
        if deployment.pop("pending_operations", None):
            self._import(namespace, deployment)

    def forget(self, namespace: str) -> None:
        """Remove the state of a namespace without gateways."""
        if not self.local:
            self._workspaces.ask(namespace, lambda stack: stack.workspace.remove_stack(namespace, force=True))
        self._workspaces.drop(namespace)
        self._folder.forget(namespace)

    def _exported(self, namespace: str) -> Mapping[str, Any]:
        found = self._workspaces.ask(namespace, lambda stack: stack.export_stack()).deployment or {}
        check_deployment({name: found[name] for name in found.keys() - {"pending_operations"}}, namespace)
        return found

    def _import(self, namespace: str, deployment: Mapping[str, Any]) -> None:
        whole = Deployment(version=3, deployment=dict(deployment))
        self._workspaces.ask(namespace, lambda stack: stack.import_stack(whole))
