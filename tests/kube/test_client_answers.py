"""The client and answers that no API server gives, but what stands between does: told as errors, never a traceback."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, ApiUnreachableError

PATH = "/api/v1/configmaps"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def client_of(answer: Answer, folder: Path) -> AsyncIterator[KubeClient]:
    """Return a client of a server that gives always the same answer."""
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
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


UNUSABLE = [
    (
        "a page for people",
        page(200, b"<html>Back soon</html>", "text/html"),
        "text/html came instead of JSON",
    ),
    ("half of an answer", page(200, b'{"items": [', "application/json"), "gave no answer"),
    ("no list", page(200, b'{"message": "hello"}', "application/json"), "no list of objects"),
]


@pytest.mark.parametrize(("case", "answer", "said"), UNUSABLE, ids=[case[0] for case in UNUSABLE])
async def test_an_answer_that_is_no_list_is_no_answer(
    case: str, answer: Answer, said: str, tmp_path: Path
) -> None:
    async with client_of(answer, tmp_path) as client:
        with pytest.raises(ApiUnreachableError, match=said):
            await client.list(PATH)


NO_EVENTS = [
    ("a page for people", page(200, b"<html>Back soon</html>", "text/html")),
    ("cut off in a line", page(200, b'{"type": "ADDED", "obj', "application/json")),
    ("no event", page(200, b'{"message": "hello"}\n', "application/json")),
    ("no object", page(200, b"[]\n", "application/json")),
    ("no text", page(200, b"\xff\xfe\n", "application/json")),
]


@pytest.mark.parametrize(("case", "answer"), NO_EVENTS, ids=[case[0] for case in NO_EVENTS])
async def test_a_watch_that_brings_no_events_is_broken(case: str, answer: Answer, tmp_path: Path) -> None:
    async with client_of(answer, tmp_path) as client:
        with pytest.raises(ApiUnreachableError):
            await anext(client.watch(PATH, "1", seconds=5, silence=5))


async def test_a_refusal_in_no_text_is_a_refusal(tmp_path: Path) -> None:
    async with client_of(page(503, b"\xff\xfe", "text/plain"), tmp_path) as client:
        with pytest.raises(ApiError) as raised:
            await client.list(PATH)

    assert raised.value.status == 503


RETRY_AFTER = [
    ("7", 7.0, "as the API server says it"),
    ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0, "as a proxy may"),
]


@pytest.mark.parametrize(("header", "seconds", "why"), RETRY_AFTER, ids=["seconds", "date"])
async def test_a_refusal_says_when_to_come_again(
    header: str, seconds: float, why: str, tmp_path: Path
) -> None:
    answer = page(429, b"slow down", "text/plain", **{"Retry-After": header})
    async with client_of(answer, tmp_path) as client:
        with pytest.raises(ApiError) as raised:
            await client.list(PATH)

    assert raised.value.retry_after == seconds, why


async def test_many_watches_leave_room_for_requests(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return web.json_response({"metadata": {"resourceVersion": "1"}, "items": []})
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(json.dumps({"type": "ADDED", "object": {}}).encode() + b"\n")
        await asyncio.Event().wait()
        return response

    async with client_of(answer, tmp_path) as client:
        watches = [client.watch(PATH, "1", seconds=60, silence=60) for _ in range(50)]
        await asyncio.gather(*(anext(watch) for watch in watches))

        assert await asyncio.wait_for(client.list(PATH), 5) == ([], "1")
