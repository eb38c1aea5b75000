"""A workspace whose stacks are files of the state folder."""

from typing import Any

from pulumi.automation import LocalWorkspace

from gateway_components.engine.checkpoint import whole_checkpoint
from gateway_components.engine.state import StateFolder

__all__ = ["FolderWorkspace"]


class FolderWorkspace(LocalWorkspace):
    """A workspace that selects and makes stacks without the engine, for which each is a run of its own.

    Parameters
    ----------
    state
        The folder.
    options
        Those of `LocalWorkspace`.
    """

    def __init__(self, state: StateFolder, **options: Any) -> None:
        super().__init__(**options)
        self._state = state

    def select_stack(self, stack_name: str) -> None:
        """Make sure that there is a stack. Nothing is to be selected, for each run names its stack.

        Raises
        ------
        EngineError
            The folder cannot be read or written.
        """
        if not self._state.has(stack_name):
            self._state.write(stack_name, whole_checkpoint(stack_name, None), None)
