"""A proxy before the lab's API server that treats requests as badly as it is told to."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Self

import aiohttp
from aiohttp import web

from lab import ControlPlane
from lab.kubeconfig import write_kubeconfig
from lab.ports import HOST
from tests.faults.misdeeds import Fault, Hits, everything, hang_up, is_write_of, only_watches, refusal

Lines = Callable[[bytes], bytes | None]
"""What becomes of a line of a watch; None swallows it. It may raise `Broken`."""

_HOP_BY_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


class FaultyApi:
    """Passes requests on to a lab's API server, and treats them as faults say that are switched on and off.

    Attributes
    ----------
    url, kubeconfig
        How to come this way.
    tokens
        The tokens it lets pass, as the administrator's; anything else is refused with 401.
    asked
        Method, path and whether it is a watch, of every request so far.
    answered
        Paths of the requests, other than watches, that the API server answered with what they asked for.
    """

    def __init__(self, lab: ControlPlane, port: int) -> None:
        self._lab = lab
        self.url = f"https://{HOST}:{port}"
        self.tokens = frozenset(("first-token",))
        self.asked: list[tuple[str, str, bool]] = []
        self.answered: list[str] = []
        self._port = port
        self._faults: tuple[tuple[Hits, Fault], ...] = ()
        self._lines: Lines = bytes
        self._watches: set[asyncio.Task[object]] = set()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: self._loop.run_until_complete(self._serve()), daemon=True
        )
        self.kubeconfig = self.write_kubeconfig(lab.folder / f"faulty-{port}.kubeconfig", "first-token")

    def write_kubeconfig(self, path: Path, token: str) -> Path:
        """Write a kubeconfig that leads here."""
        certificate = self._lab.certificate
        return write_kubeconfig(path, url=self.url, certificate=certificate, user="daemon", token=token)

    @contextlib.contextmanager
    def fault(self, fault: Fault, hits: Hits = everything) -> Iterator[None]:
        """Treat the requests that `hits` names in this way, until the end of the block."""
        entry = hits, fault
        self._faults = (*self._faults, entry)
        try:
            yield
        finally:
            self._faults = tuple(other for other in self._faults if other is not entry)

    @contextlib.contextmanager
    def lines(self, lines: Lines) -> Iterator[None]:
        """Treat the lines of all watches in this way, also of those that are open, until the end of the block."""
        self._lines = lines
        try:
            yield
        finally:
            self._lines = bytes

    def writes(self, name: str) -> int:
        """Return how many requests so far would change an object of this name."""
        return sum(is_write_of(name, method, path) for method, path, _ in self.asked)

    def cut_watches(self) -> int:
        """Break the connections of all watches off; return how many there were."""
        watches = list(self._watches)
        for watch in watches:
            self._loop.call_soon_threadsafe(watch.cancel)
        return len(watches)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the proxy did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        certificates = self._lab.folder / "certificates"
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificates / "apiserver.crt", certificates / "apiserver.key")
        limits = aiohttp.ClientTimeout(total=None, sock_connect=10)
        connector = aiohttp.TCPConnector(
            limit=0, ssl=ssl.create_default_context(cafile=str(self._lab.certificate))
        )
        async with aiohttp.ClientSession(
            connector=connector, timeout=limits, auto_decompress=False
        ) as self._session:
            app = web.Application(client_max_size=2**24)
            app.router.add_route("*", "/{path:.*}", self._handle)
            runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.2)
            await runner.setup()
            await web.TCPSite(runner, HOST, self._port, ssl_context=tls, reuse_address=True).start()
            self._ready.set()
            await self._stop.wait()
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path, only_watches(request)))
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return refusal(401, "Unauthorized", "Unauthorized")

        async def forward() -> web.StreamResponse:
            return await self._forward(request)

        for hits, fault in self._faults:
            if hits(request):
                return await fault(request, forward)
        return await forward()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        headers["Authorization"] = f"Bearer {self._lab.admin_token}"
        url = f"{self._lab.url}{request.raw_path}"
        body = await request.read()
        try:
            async with self._session.request(
                request.method, url, headers=headers, data=body or None
            ) as answer:
                if only_watches(request) and answer.status == 200:
                    return await self._watch(request, answer)
                content = await answer.read()
        except aiohttp.ClientError:
            # No gateway's page: the way a server that is away looks to whoever is connected to it.
            return await hang_up(request)
        if answer.status == 200:
            self.answered.append(request.path)
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
        return web.Response(status=answer.status, body=content, headers=kept)

    async def _watch(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": answer.headers["Content-Type"]})
        await response.prepare(request)
        copying = asyncio.create_task(self._copy(answer, response))
        self._watches.add(copying)
        try:
            await copying
        except (asyncio.CancelledError, aiohttp.ClientError, ConnectionError):
            await hang_up(request)
        finally:
            copying.cancel()
            self._watches.discard(copying)
        return response

    async def _copy(self, answer: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
        async for line in _lines_of(answer):
            passed = self._lines(line)
            if passed is not None:
                await response.write(passed)
            if passed is not None and not passed.endswith(b"\n"):
                raise ConnectionError


async def _lines_of(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in answer.content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"
