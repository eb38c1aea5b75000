"""What the parts of the daemon tell about their work; who listens, and with which library, is not their concern."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from enum import StrEnum

__all__ = ["NOBODY", "Attribute", "Listeners", "Note", "PassResult", "Step", "Telemetry", "UpResult"]

Attribute = str | int | bool
"""What may be noted about a step: names and numbers, never what a user wrote."""

Note = Callable[..., None]
"""Adds attributes, given by name, to the step it was handed out for."""


class PassResult(StrEnum):
    """How a pass over a namespace ended."""

    OK = "ok"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    INTERNAL_ERROR = "internal_error"


class UpResult(StrEnum):
    """How an engine run ended: `FAILED` with gateways that failed, `ERROR` with nothing known about any."""

    OK = "ok"
    FAILED = "failed"
    ERROR = "error"
    INTERRUPTED = "interrupted"


class Step(StrEnum):
    """A part of the work that is timed; the others happen within a pass."""

    PASS = "pass"  # noqa: S105  (no password)
    SNAPSHOT = "snapshot"
    PLAN = "plan"
    ENGINE_RUN = "engine run"
    STATUSES = "statuses"


class Telemetry:
    """Listens to nothing; those who listen override what they want to hear."""

    def reconciled(self, result: PassResult) -> None:
        """Hear that a pass ended."""

    def engine_ran(self, result: UpResult, seconds: float) -> None:
        """Hear that a run of the engine ended, `seconds` after its begin."""

    def taken(self, waited: float) -> None:
        """Hear that a worker took a namespace, `waited` seconds after its first change."""

    def drift_corrected(self, kind: str) -> None:
        """Hear that an object of `kind`, changed or deleted by somebody else, was put right."""

    def watch_restarted(self, resource: str, cause: str) -> None:
        """Hear that a watch of `resource` (its name in paths) broke; `cause` is one of few words."""

    def leads(self, *, leader: bool) -> None:
        """Hear whether this daemon is the one that acts."""

    def step(self, step: Step, namespace: str, **attributes: Attribute) -> AbstractContextManager[Note]:  # noqa: ARG002  (for those who listen)
        """Surround a step of the work on `namespace`; gives what takes further attributes."""
        return nullcontext(_ignore)


class Listeners(Telemetry):
    """Passes on to several listeners what is told, in their order."""

    def __init__(self, *listeners: Telemetry) -> None:
        self._listeners = listeners

    def reconciled(self, result: PassResult) -> None:
        """Tell that a pass ended."""
        for listener in self._listeners:
            listener.reconciled(result)

    def engine_ran(self, result: UpResult, seconds: float) -> None:
        """Tell that a run of the engine ended."""
        for listener in self._listeners:
            listener.engine_ran(result, seconds)

    def taken(self, waited: float) -> None:
        """Tell that a worker took a namespace."""
        for listener in self._listeners:
            listener.taken(waited)

    def drift_corrected(self, kind: str) -> None:
        """Tell that an object was put right."""
        for listener in self._listeners:
            listener.drift_corrected(kind)

    def watch_restarted(self, resource: str, cause: str) -> None:
        """Tell that a watch broke."""
        for listener in self._listeners:
            listener.watch_restarted(resource, cause)

    def leads(self, *, leader: bool) -> None:
        """Tell whether this daemon is the one that acts."""
        for listener in self._listeners:
            listener.leads(leader=leader)

    @contextmanager
    def step(self, step: Step, namespace: str, **attributes: Attribute) -> Iterator[Note]:
        """Surround a step for each of them."""
        with ExitStack() as stack:
            notes = [
                stack.enter_context(listener.step(step, namespace, **attributes))
                for listener in self._listeners
            ]

            def note(**further: Attribute) -> None:
                for each in notes:
                    each(**further)

            yield note


def _ignore(**_: Attribute) -> None:
    """Take attributes for nobody."""


NOBODY = Telemetry()
"""For a part that nobody listens to."""
