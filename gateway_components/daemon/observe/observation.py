"""The telemetry of a daemon, and the server that shows its health and metrics."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial

from gateway_components.daemon.observe.health import HealthServer, Review, Vitals
from gateway_components.daemon.observe.metrics import ConditionCounts, Metrics
from gateway_components.daemon.observe.telemetry import NOBODY, Attribute, Note, Step, start_tracing
from gateway_components.daemon.side_loop import SideLoop


class Observation(Metrics):
    """Counts what a daemon reports, and has each step timed by `vitals` and, where they are wanted, by traces.

    Parameters
    ----------
    clock, engine_seconds
        As for `Vitals`.
    queue_depth, conditions
        As for `Metrics`.
    missing
        As for `HealthServer`.
    side
        Where health and metrics are served.
    environment
        Says where traces go.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        engine_seconds: float,
        queue_depth: Callable[[], int],
        conditions: Callable[[], ConditionCounts],
        missing: Callable[[], Sequence[str]],
        side: SideLoop,
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(queue_depth, conditions)
        self.vitals = Vitals(clock, engine_seconds, side.silence)
        self._side = side
        self._missing = missing
        self._tracing = start_tracing(environment)

    @contextmanager
    def step(self, step: Step, namespace: str, **attributes: Attribute) -> Iterator[Note]:
        """Surround a step of the work on `namespace`."""
        traces = self._tracing or NOBODY
        with self.vitals.step(step, namespace), traces.step(step, namespace, **attributes) as note:
            yield note

    @asynccontextmanager
    async def serving(self, port: int | None, review: Review | None) -> AsyncIterator[None]:
        """Show health and metrics on `port`, if there is one, and deliver the last spans in the end.

        Only those whom `review` allows may read metrics; None allows everybody. Raises PortError if it cannot listen.
        """
        async with AsyncExitStack() as stack:
            if self._tracing:
                stack.callback(self._tracing.close)
            if port is not None:
                metrics = partial(self._side.ask_main, self.text)
                server = HealthServer(port, self.vitals.faults, self._missing, metrics, review)
                await stack.enter_async_context(self._side.within(server))
            yield
