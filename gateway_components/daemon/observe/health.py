"""What is observed of a daemon, and the HTTP server that shows it: `/healthz`, `/readyz` and `/metrics`."""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from http import HTTPStatus
from typing import Self

import structlog
from aiohttp import web

from gateway_components.daemon.leader import LONGEST_SILENCE_SECONDS
from gateway_components.daemon.observe.metrics import CONTENT_TYPE, ConditionCounts, Metrics
from gateway_components.daemon.observe.telemetry import NOBODY, Attribute, Note, Step, start_tracing
from gateway_components.daemon.side_loop import SideLoop
from gateway_components.errors import GatewayError
from gateway_components.kube.reviews import Verdict

Review = Callable[[str], Awaitable[Verdict]]
Reasons = Callable[[], Sequence[str]]
"""Gives the reasons why not, each fit for a user; none where all is well."""

_MOST_CONNECTIONS = 64
"""Open at once; one more replaces the oldest, so that idle connections cannot keep probes out."""
_CONNECTION_SECONDS = 10.0
"""Limit of a connection, which slow clients cannot extend."""
_METRICS_SECONDS = 1.0
"""Metrics are cached for this long, so that frequent scrapes cost no more."""
_ANSWER_SECONDS = 5.0
"""For so long metrics are waited for; then those of the last time are given out."""

_STATUSES = {
    Verdict.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Verdict.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Verdict.UNKNOWN: HTTPStatus.SERVICE_UNAVAILABLE,
    Verdict.BUSY: HTTPStatus.TOO_MANY_REQUESTS,
}


class PortError(GatewayError):
    """The port of health checks and metrics cannot be had."""


class HealthServer:
    """Answers on one port of all addresses while it is entered; for port 0 on a free one, which the log names.

    `faults` returns why the process should be started again, and `missing` what the daemon waits for before it does its
    work. `metrics` are in Prometheus' text format. `review` decides by a header ``Authorization`` who may read them;
    without it, everybody may.
    """

    def __init__(
        self,
        port: int,
        faults: Reasons,
        missing: Reasons,
        metrics: Callable[[], Awaitable[bytes]],
        review: Review | None = None,
    ) -> None:
        self._wanted = port
        self._faults = faults
        self._missing = missing
        self._metrics = _Metrics(metrics)
        self._review = review
        self._log = structlog.get_logger()
        self.port = port

    async def __aenter__(self) -> Self:
        """Begin to answer, or raise a PortError."""
        listener = _listen(self._wanted)
        self.port = listener.getsockname()[1]
        application = web.Application()
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", self._show_metrics)
        # Probes are too frequent to log, and nobody waits for the answer of an ending process.
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(self._connection, sock=listener)
        self._log.info("serving health and metrics", port=self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop answering."""
        self._listening.close()
        await self._runner.cleanup()

    @property
    def connections(self) -> list[web.RequestHandler]:
        """The open connections, the oldest first."""
        return self._server.connections

    @property
    def _server(self) -> web.Server:
        assert self._runner.server is not None  # noqa: S101  (it was set up before)
        return self._runner.server

    def _connection(self) -> web.RequestHandler:
        connections = self.connections
        for oldest in connections[: max(len(connections) + 1 - _MOST_CONNECTIONS, 0)]:
            _drop(oldest)
        connection = self._server()
        asyncio.get_running_loop().call_later(_CONNECTION_SECONDS, _drop, connection)
        return connection

    async def _healthz(self, _: web.Request) -> web.Response:
        return _verdict(self._faults(), HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _readyz(self, _: web.Request) -> web.Response:
        return _verdict([*self._faults(), *self._missing()], HTTPStatus.SERVICE_UNAVAILABLE)

    async def _show_metrics(self, request: web.Request) -> web.Response:
        if self._review is not None:
            verdict = await self._review(request.headers.get("Authorization", ""))
            if verdict is not Verdict.ALLOWED:
                status = _STATUSES[verdict]
                headers = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else {}
                return web.Response(text=f"{verdict.value}\n", status=status, headers=headers)
        return web.Response(body=await self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})


class _Metrics:
    """Collects the metrics at most once a second; all waiting requests share one collection."""

    def __init__(self, ask: Callable[[], Awaitable[bytes]]) -> None:
        self._ask = ask
        self._asking = asyncio.Lock()
        self._asked_at = -_METRICS_SECONDS
        self._text = b""

    async def text(self) -> bytes:
        now = asyncio.get_running_loop().time
        async with self._asking:
            if now() - self._asked_at >= _METRICS_SECONDS:
                try:
                    async with asyncio.timeout(_ANSWER_SECONDS):
                        self._text = await self._ask()
                except TimeoutError:
                    # Who answers is busy; how long that lasts, `/healthz` says.
                    pass
                self._asked_at = now()
        return self._text


def _drop(connection: web.RequestHandler) -> None:
    transport = connection.transport
    connection.force_close()
    if transport is not None:
        # Closing it would wait for slow readers.
        transport.abort()


def _verdict(reasons: Sequence[str], otherwise: HTTPStatus) -> web.Response:
    if reasons:
        return web.Response(text="".join(f"{reason}\n" for reason in reasons), status=otherwise)
    return web.Response(text="ok\n")


def _listen(port: int) -> socket.socket:
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    try:
        return socket.create_server(("", port), family=family, dualstack_ipv6=both)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        cure = "choose a port above 1023" if error.errno == errno.EACCES else "choose another http-port"
        raise PortError(f"cannot listen on port {port}: {why} ({cure})") from None


_MARGIN_SECONDS = 180.0
"""What a step may take beyond the limit of an engine run: a few requests that hang for a minute."""


class Vitals:
    """Records every step of a reconcile, and so finds those that hang.

    `clock` is monotonic, in seconds, and `engine_seconds` the limit of an engine run, the longest step. `silence`
    returns the seconds for which the event loop of the reconciles has not run anything.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        engine_seconds: float,
        silence: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._clock = clock
        self._engine_seconds = engine_seconds
        self._silence = silence
        self._tasks: dict[str, asyncio.Task[object]] = {}
        self._steps: dict[str, tuple[Step, float]] = {}

    def depends_on(self, name: str, task: asyncio.Task[object]) -> None:
        """Count the daemon as dead once `task` ends, which should run as long as the process."""
        self._tasks[name] = task

    @contextmanager
    def step(self, step: Step, namespace: str) -> Iterator[None]:
        """Record the start and end of a step as progress of the reconcile of `namespace`."""
        begun = self._steps[namespace] = step, self._clock()
        try:
            yield
        finally:
            if step is Step.RECONCILE:
                self._steps.pop(namespace, None)
            # Statuses are written beside an engine run, and hide none that hangs.
            elif self._steps.get(namespace) is begun:
                self._steps[namespace] = Step.RECONCILE, self._clock()

    def faults(self) -> list[str]:
        """Return the reasons to restart this process, none while it is healthy; safe in any thread."""
        silent = self._silence()
        held_up = (
            [f"the event loop has been blocked for {silent:.0f} s"]
            if silent > LONGEST_SILENCE_SECONDS
            else []
        )
        limit = self._engine_seconds + _MARGIN_SECONDS
        ended = [f"the task {name} has ended" for name, task in sorted(self._tasks.items()) if task.done()]
        now = self._clock()
        stuck = [
            f"the reconcile of namespace {namespace} has been stuck in step {step!s} for {now - since:.0f} s,"
            f" the limit is {limit:.0f} s"
            for namespace, (step, since) in sorted(self._steps.items())
            if now - since > limit
        ]
        return held_up + ended + stuck


class Observation(Metrics):
    """Counts what a daemon reports, and has each step timed by `vitals` and, where they are wanted, by traces.

    Health and metrics are served on `side`; `environment` says where traces go. The others are as for `Vitals`,
    `Metrics` and `HealthServer`.
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
