"""Puts together who listens to the daemon, and the server that shows it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from gateway_components.daemon.observe.health import HealthServer
from gateway_components.daemon.observe.metrics import ConditionCounts, Metrics
from gateway_components.daemon.observe.telemetry import Listeners, Telemetry
from gateway_components.daemon.observe.tracing import start_tracing
from gateway_components.daemon.observe.vitals import Vitals

__all__ = ["Observation"]


class Observation:
    """Listens to a daemon.

    Parameters
    ----------
    clock
        Seconds, monotonic.
    engine_seconds
        Gives the limit of an engine run.
    queue_depth, conditions
        What the metrics show, as for `Metrics`.
    missing
        What the daemon waits for, as for `HealthServer`.
    environment
        Says where traces go.

    Attributes
    ----------
    telemetry
        What the parts of the daemon tell about their work.
    vitals
        Knows whether they live.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        engine_seconds: Callable[[], float],
        queue_depth: Callable[[], int],
        conditions: Callable[[], ConditionCounts],
        missing: Callable[[], Sequence[str]],
        environment: Mapping[str, str],
    ) -> None:
        self.vitals = Vitals(clock, engine_seconds)
        self._metrics = Metrics(queue_depth, conditions)
        self._tracing = start_tracing(environment)
        self._missing = missing
        listeners: list[Telemetry] = [self.vitals, self._metrics]
        self.telemetry: Telemetry = Listeners(*listeners, *([self._tracing] if self._tracing else []))

    @asynccontextmanager
    async def serving(self, port: int | None) -> AsyncIterator[None]:
        """Show health and metrics on `port`, if there is one, and deliver the last spans in the end.

        Raises
        ------
        PortError
            The port cannot be had.
        """
        async with AsyncExitStack() as stack:
            if self._tracing:
                stack.callback(self._tracing.close)
            if port is not None:
                server = HealthServer(port, self.vitals.faults, self._missing, self._metrics.text)
                await stack.enter_async_context(server)
            yield
