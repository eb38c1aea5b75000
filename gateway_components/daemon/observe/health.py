"""The HTTP server that says how the daemon is: `/healthz`, `/readyz` and `/metrics`."""

import errno
import os
import socket
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Self

import structlog
from aiohttp import web

from gateway_components.daemon.observe.metrics import CONTENT_TYPE
from gateway_components.errors import GatewayError

__all__ = ["HealthServer", "PortError"]

Reasons = Callable[[], Sequence[str]]
"""Gives the reasons why not, each fit for a user; none where all is well."""


class PortError(GatewayError):
    """The port of health checks and metrics cannot be had."""


class HealthServer:
    """Answers on one port, of all addresses, while it is entered.

    Parameters
    ----------
    port
        Where; 0 for any that is free, which the log then names.
    faults
        Why the process should be started again. That it is asked at all shows that the event loop answers.
    missing
        What the daemon waits for before it does its work.
    metrics
        Gives the metrics in Prometheus' text format.
    """

    def __init__(self, port: int, faults: Reasons, missing: Reasons, metrics: Callable[[], bytes]) -> None:
        self._wanted = port
        self._faults = faults
        self._missing = missing
        self._metrics = metrics
        self._log = structlog.get_logger()
        self.port = port

    async def __aenter__(self) -> Self:
        """Begin to answer.

        Raises
        ------
        PortError
            The port cannot be had.
        """
        listener = _listen(self._wanted)
        self.port = listener.getsockname()[1]
        application = web.Application()
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", self._show_metrics)
        # A probe every few seconds is no news for the log; nobody waits for the answer of a process that ends.
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        self._log.info("serving health and metrics", port=self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop answering."""
        await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        return _verdict(self._faults(), HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _readyz(self, _: web.Request) -> web.Response:
        return _verdict([*self._faults(), *self._missing()], HTTPStatus.SERVICE_UNAVAILABLE)

    async def _show_metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics(), headers={"Content-Type": CONTENT_TYPE})


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
