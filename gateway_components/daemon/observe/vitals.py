"""Signs of life of the daemon: whether its tasks run, and whether each pass gets on."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway_components.daemon.observe.telemetry import Attribute, Note, Step, Telemetry

__all__ = ["Vitals"]

_MARGIN_SECONDS = 180.0
"""What a step may take beyond the limit of an engine run: a few requests to the API server that hang for a minute."""


class Vitals(Telemetry):
    """Hears every step of a pass, and knows by that which ones hang.

    Parameters
    ----------
    clock
        Seconds, monotonic.
    engine_seconds
        Gives the limit of an engine run, the longest step.
    """

    def __init__(self, clock: Callable[[], float], engine_seconds: Callable[[], float]) -> None:
        self._clock = clock
        self._engine_seconds = engine_seconds
        self._tasks: dict[str, asyncio.Task[object]] = {}
        self._steps: dict[str, tuple[Step, float]] = {}

    def depends_on(self, name: str, task: asyncio.Task[object]) -> None:
        """Say that the daemon is dead without `task`, which is to run as long as the process."""
        self._tasks[name] = task

    @contextmanager
    def step(self, step: Step, namespace: str, **_: Attribute) -> Iterator[Note]:
        """Take begin and end of a step for a sign of life of the pass over `namespace`."""
        self._steps[namespace] = step, self._clock()
        try:
            yield _nothing_to_note
        finally:
            if step is Step.PASS:
                self._steps.pop(namespace, None)
            else:
                self._steps[namespace] = Step.PASS, self._clock()

    def faults(self) -> list[str]:
        """Return why this process should be started again, one reason a line; empty where it is well."""
        limit = self._engine_seconds() + _MARGIN_SECONDS
        ended = [f"the task {name} has ended" for name, task in sorted(self._tasks.items()) if task.done()]
        now = self._clock()
        stuck = [
            f"the pass over namespace {namespace} hangs in the step {step!s} for {now - since:.0f} s,"
            f" the limit is {limit:.0f} s"
            for namespace, (step, since) in sorted(self._steps.items())
            if now - since > limit
        ]
        return ended + stuck


def _nothing_to_note(**_: Attribute) -> None:
    """Take attributes, of which none is a sign of life."""
