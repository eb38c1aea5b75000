"""A server that answers as a test says, and a client of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway_components.kube.client import KubeClient

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def client_of(answer: Answer, folder: Path) -> AsyncIterator[KubeClient]:
    """Return a client of a server that gives always the same answer."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        content = {
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "there", "user": "me"}}],
            "clusters": [{"name": "there", "cluster": {"server": str(server.make_url("/"))}}],
            "users": [{"name": "me", "user": {"token": "t"}}],
        }
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(content))
        async with await KubeClient.connect(kubeconfig) as client:
            yield client


def page(status: int, body: bytes, content_type: str, **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, content_type=content_type, headers=headers)

    return answer


@contextmanager
def no_pauses() -> Iterator[None]:
    """Let pauses between tries take no time."""
    real_sleep: Callable[[float], Any] = asyncio.sleep

    async def no_pause(_: float) -> None:
        await real_sleep(0)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("gateway_components.kube.reflector.asyncio.sleep", no_pause)
        yield
