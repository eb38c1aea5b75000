"""Wires the listeners of the daemon to the server of health and metrics."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from gateway_components.daemon.observe.health import HealthServer, Review, Vitals
from gateway_components.daemon.observe.metrics import ConditionCounts, Metrics
from gateway_components.daemon.observe.telemetry import Listeners, Telemetry, start_tracing
from gateway_components.daemon.side_loop import SideLoop

__all__ = ["Observation"]


class Observation:
    """Listens to a daemon, and serves its health and metrics in the side loop.

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

    Attributes
    ----------
    telemetry
        Receives what the parts of the daemon report about their work.
    vitals
        Knows whether they live.
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
        self.vitals = Vitals(clock, engine_seconds, side.silence)
        self._side = side
        self._metrics = Metrics(queue_depth, conditions)
        self._tracing = start_tracing(environment)
        self._missing = missing
        listeners: list[Telemetry] = [self.vitals, self._metrics]
        self.telemetry: Telemetry = Listeners(*listeners, *([self._tracing] if self._tracing else []))

    @asynccontextmanager
    async def serving(self, port: int | None, review: Review | None) -> AsyncIterator[None]:
        """Show health and metrics on `port`, if there is one, and deliver the last spans in the end.

        Metrics are for those alone whom a `review`, if there is one, allows.

        Raises
        ------
        PortError
            The port cannot be had.
        """
        async with AsyncExitStack() as stack:
            if self._tracing:
                stack.callback(self._tracing.close)
            if port is not None:
                metrics = partial(self._side.ask_main, self._metrics.text)
                server = HealthServer(port, self.vitals.faults, self._missing, metrics, review)
                await stack.enter_async_context(self._side.within(server))
            yield
