"""The stacks of Pulumi's Automation API, opened once each."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pulumi.automation import (
    CommandError,
    Deployment,
    LocalWorkspace,
    ProjectSettings,
    Stack,
    StackNotFoundError,
)

from gateway_components.engine.backend import Backend
from gateway_components.engine.checkpoint import PROJECT
from gateway_components.engine.command import EngineCommand
from gateway_components.engine.environment import engine_environment
from gateway_components.engine.errors import EngineError
from gateway_components.engine.home import make_home
from gateway_components.engine.locate import find_provider, pulumi_home
from gateway_components.engine.state import StateFolder
from gateway_components.engine.workspace import FolderWorkspace

__all__ = ["OpenedStacks"]

T = TypeVar("T")


class OpenedStacks:
    """Opens stacks, and asks the engine about them.

    Parameters
    ----------
    folder
        Where the engine works.
    backend
        Where states are kept.
    command
        Runs the engine.
    kubeconfig
        Credentials of the cluster; None inside one.

    Raises
    ------
    EngineMissingError
        The Kubernetes provider is missing.
    EngineError
        The folder cannot be written.
    """

    def __init__(
        self, folder: StateFolder, backend: Backend, command: EngineCommand, kubeconfig: Path | None
    ) -> None:
        self._folder = folder
        self._backend = backend
        self._options: dict[str, Any] = {
            "pulumi_home": str(make_home(folder.path / "home", pulumi_home(), find_provider())),
            "env_vars": engine_environment(backend, kubeconfig),
            "project_settings": ProjectSettings(name=PROJECT, runtime="python"),
            "pulumi_command": command,
        }
        self._stacks: dict[str, Stack] = {}

    @property
    def local(self) -> bool:
        """Whether the states are in the folder; else another backend keeps them."""
        return self._backend.url == self._folder.backend_url

    def work_folder(self, namespace: str) -> str:
        """Return the folder that the engine runs in."""
        return str(self._folder.work_folder(namespace))

    def get(self, namespace: str) -> Stack:
        """Return the stack of a namespace; made where there is none.

        Raises
        ------
        EngineError
            It cannot be opened.
        """
        stack = self._stacks.get(namespace)
        if stack is None:
            options = {**self._options, "work_dir": self.work_folder(namespace)}
            try:
                workspace = (
                    FolderWorkspace(self._folder, **options) if self.local else LocalWorkspace(**options)
                )
                stack = Stack.create_or_select(namespace, workspace)
            except CommandError as error:
                raise _in_words(error) from None
            self._stacks[namespace] = stack
        return stack

    def exported(self, namespace: str) -> Deployment | None:
        """Return the state of a stack as the backend has it; None where there is no stack, and none is made.

        Raises
        ------
        EngineError
            The backend gave no answer.
        """
        options = {**self._options, "work_dir": self.work_folder(namespace)}
        try:
            return LocalWorkspace(**options).export_stack(namespace)
        except StackNotFoundError:
            return None
        except CommandError as error:
            raise _in_words(error) from None

    def drop(self, namespace: str) -> None:
        """Forget a stack that was opened."""
        self._stacks.pop(namespace, None)

    def ask(self, namespace: str, question: Callable[[Stack], T]) -> T:
        """Return the answer of the engine to a question about a stack.

        Raises
        ------
        EngineError
            There was none.
        """
        try:
            return question(self.get(namespace))
        except CommandError as error:
            raise _in_words(error) from None


def _in_words(error: CommandError) -> EngineError:
    """Return the error for a user: that of the Automation API holds all that the engine printed."""
    cause = error.__cause__
    return cause if isinstance(cause, EngineError) else EngineError("the Pulumi engine failed")
