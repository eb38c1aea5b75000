"""A client behind a fence: reads pass, and each write is asked about at the moment it goes out."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiUnreachableError, FencedError
from gateway_components.kube.fence import FencedClient, ReadOnly
from gateway_components.kube.resources import CONFIG_MAPS

PATH = CONFIG_MAPS.item("ns", "one")
READS = {"connect", "document", "get", "list", "pages", "watch", "close"}
OBJECT = {"metadata": {"name": "one", "uid": "u", "resourceVersion": "1"}}
WRITES: dict[str, Callable[[KubeClient], Any]] = {
    "ask": lambda client: client.ask(PATH, {}),
    "create": lambda client: client.create(PATH, {}),
    "merge_patch": lambda client: client.merge_patch(PATH, {}),
    "apply": lambda client: client.apply(PATH, {}, manager="us"),
    "delete": lambda client: client.delete(PATH, uid="u", version="1"),
}


class Gate:
    """A fence that is open until it is shut."""

    def __init__(self, seconds: float = 60.0) -> None:
        self.seconds = seconds
        self.shut = False

    def seconds_to_write(self) -> float:
        if self.shut:
            raise FencedError("shut")
        return self.seconds


class Server:
    """Answers every request, once `answering` is set, and notes what came."""

    def __init__(self) -> None:
        self.came: list[tuple[str, str]] = []
        self._coming = asyncio.Condition()
        self.answering = asyncio.Event()
        self.answering.set()
        self.status = 200

    async def handle(self, request: web.Request) -> web.Response:
        async with self._coming:
            self.came.append((request.method, request.query.get("timeout", "")))
            self._coming.notify_all()
        await self.answering.wait()
        return web.json_response(OBJECT, status=self.status)

    async def wait_for(self, count: int) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(10), self._coming:
            await self._coming.wait_for(lambda: len(self.came) >= count)


@asynccontextmanager
async def connected(server: Server, folder: Path) -> AsyncIterator[KubeClient]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    async with TestServer(app) as running:
        content = {
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "there", "user": "me"}}],
            "clusters": [{"name": "there", "cluster": {"server": str(running.make_url("/")).rstrip("/")}}],
            "users": [{"name": "me", "user": {"token": "t"}}],
        }
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(content))
        async with await KubeClient.connect(kubeconfig) as client:
            yield client
        server.answering.set()


def test_every_method_is_known_as_a_read_or_a_write() -> None:
    methods = {name for name, _ in inspect.getmembers(KubeClient, inspect.isroutine) if name[0] != "_"}

    assert methods == READS | WRITES.keys()


@pytest.mark.parametrize("write", WRITES)
async def test_no_write_leaves_a_shut_fence_and_reads_pass(write: str, tmp_path: Path) -> None:
    server = Server()
    async with connected(server, tmp_path) as client:
        fenced = FencedClient(client, ReadOnly())

        assert await fenced.get(PATH)
        with pytest.raises(FencedError, match="this client is read-only"):
            await WRITES[write](fenced)

        assert server.came == [("GET", "")]
        await WRITES[write](client)
        assert len(server.came) == 2, "the fence is what kept it"


async def test_a_write_is_asked_about_after_it_waited_for_its_turn(tmp_path: Path) -> None:
    server, gate = Server(), Gate()
    server.answering.clear()
    async with connected(server, tmp_path) as client, asyncio.TaskGroup() as group:
        fenced = FencedClient(client, gate)
        ahead = [group.create_task(fenced.create(PATH, {})) for _ in range(8)]
        await server.wait_for(len(ahead))
        late = asyncio.create_task(fenced.create(PATH, {}))
        await asyncio.sleep(0)

        gate.shut = True
        server.answering.set()

        with pytest.raises(FencedError):
            await late
        assert len(server.came) == len(ahead)


async def test_a_write_that_is_sent_again_is_asked_about_again(tmp_path: Path) -> None:
    server, gate = Server(), Gate()
    server.status = 401
    server.answering.clear()
    async with connected(server, tmp_path) as client:
        writing = asyncio.create_task(FencedClient(client, gate).create(PATH, {}))
        await server.wait_for(1)

        gate.shut = True
        server.answering.set()

        with pytest.raises(FencedError):
            await writing
        assert len(server.came) == 1


async def test_neither_side_continues_for_longer_than_the_fence_says(tmp_path: Path) -> None:
    server = Server()
    server.answering.clear()
    async with connected(server, tmp_path) as client:
        with pytest.raises(ApiUnreachableError):
            await FencedClient(client, Gate(0.25)).create(PATH, {})

        assert server.came == [("POST", "0.250s")]
