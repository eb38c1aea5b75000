"""Answers that a proxy gives and no API server: errors of one type, never a traceback."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway_components.kube.errors import ApiError, ApiUnreachableError, MalformedAnswerError
from gateway_components.kube.resources import CONFIG_MAPS
from tests.kube.answering import Answer, client_of, page

PATH = CONFIG_MAPS.collection()
ONE = CONFIG_MAPS.item(None, "one")

UNUSABLE = [
    (
        "a page for people",
        page(200, b"<html>Back soon</html>", "text/html"),
        "the answer is text/html instead of JSON",
    ),
    ("half of an answer", page(200, b'{"items": [', "application/json"), "not JSON"),
    ("no list", page(200, b'{"message": "hello"}', "application/json"), "not a list of these objects"),
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


CAUSES: tuple[tuple[Any, bool], ...] = (
    ([{"reason": "NamespaceTerminating", "message": "namespace ns is being terminated"}], True),
    ([{"reason": "Other"}, 7, {"reason": 7}], False),
    ("words", False),
    (None, False),
)


@pytest.mark.parametrize(("causes", "goes"), CAUSES)
async def test_a_refusal_says_whether_the_namespace_goes(causes: Any, goes: bool, tmp_path: Path) -> None:
    status = {"kind": "Status", "reason": "Forbidden", "message": "no", "details": {"causes": causes}}
    async with client_of(page(403, json.dumps(status).encode(), "application/json"), tmp_path) as client:
        with pytest.raises(ApiError) as raised:
            await client.list(PATH)

    assert raised.value.namespace_goes is goes


MISSING = {"kind": "Status", "reason": "NotFound", "details": {"name": "one", "kind": "configmaps"}}
NOT_FOUND = [
    ("of the API server", json.dumps(MISSING).encode(), True, "it names the very object"),
    ("of a proxy", b"404 page not found", False, "whoever answers so knows nothing of the object"),
    (
        "of another object",
        json.dumps({**MISSING, "details": {"name": "two"}}).encode(),
        False,
        "it was mixed up",
    ),
]


@pytest.mark.parametrize(("case", "body", "believed", "why"), NOT_FOUND, ids=[case[0] for case in NOT_FOUND])
async def test_an_object_is_missing_only_if_the_api_server_says_so(
    case: str, body: bytes, believed: bool, why: str, tmp_path: Path
) -> None:
    async with client_of(page(404, body, "application/json"), tmp_path) as client:
        if believed:
            assert await client.get(ONE) is None, why
        else:
            with pytest.raises(ApiError) as raised:
                await client.get(ONE)
            assert raised.value.status == 404, why


@pytest.mark.parametrize(("case", "body", "believed", "why"), NOT_FOUND, ids=[case[0] for case in NOT_FOUND])
async def test_an_object_is_gone_only_if_the_api_server_says_so(
    case: str, body: bytes, believed: bool, why: str, tmp_path: Path
) -> None:
    refused = contextlib.nullcontext() if believed else pytest.raises(ApiError)
    async with client_of(page(404, body, "application/json"), tmp_path) as client:
        with refused:
            await client.delete(ONE, uid="u", version="1")


NO_OBJECTS = [
    ("a list", b"[]", "nothing but an object has a name"),
    ("a number", b"7", "as above"),
    ("nothing", b"null", "as above"),
    ("without metadata", b"{}", "it is like any other"),
    ("metadata of another type", b'{"metadata": []}', "as above"),
    ("without a version", b'{"metadata": {"name": "one", "uid": "u"}}', "nothing could be written on it"),
    (
        "a version that is no text",
        b'{"metadata": {"name": "one", "uid": "u", "resourceVersion": 7}}',
        "as above",
    ),
    (
        "data that are no object",
        b'{"metadata": {"name": "one", "uid": "u", "resourceVersion": "7"}, "data": []}',
        "whoever reads it looks for keys",
    ),
]


@pytest.mark.parametrize(("case", "body", "why"), NO_OBJECTS, ids=[case[0] for case in NO_OBJECTS])
async def test_an_answer_that_is_no_object_is_no_answer(
    case: str, body: bytes, why: str, tmp_path: Path
) -> None:
    async with client_of(page(200, body, "application/json"), tmp_path) as client:
        with pytest.raises(MalformedAnswerError, match="in place of the API server"):
            await client.get(ONE)


async def test_a_page_that_is_too_large_is_asked_for_in_smaller_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway_components.kube.transport._MOST_BYTES", 2000)
    limits = []

    async def answer(request: web.Request) -> web.StreamResponse:
        limit, start = int(request.query["limit"]), int(request.query.get("continue", "0"))
        limits.append(limit)
        items = [
            {
                "metadata": {"name": f"n-{number}", "uid": "u", "resourceVersion": "1"},
                "data": {"k": "v" * 300},
            }
            for number in range(start, min(start + limit, 9))
        ]
        rest = {"continue": str(start + limit)} if start + limit < 9 else {}
        return web.json_response(
            {"kind": "ConfigMapList", "metadata": {"resourceVersion": "1", **rest}, "items": items}
        )

    async with client_of(answer, tmp_path) as client:
        items, _ = await client.list(PATH)

    assert [item["metadata"]["name"] for item in items] == [f"n-{number}" for number in range(9)]
    assert limits[:3] == [500, 50, 5]


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
            empty = {"kind": "ConfigMapList", "metadata": {"resourceVersion": "1"}, "items": []}
            return web.json_response(empty)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "1"}}}
        await response.write(json.dumps(bookmark).encode() + b"\n")
        await asyncio.Event().wait()
        return response

    async with client_of(answer, tmp_path) as client:
        watches = [client.watch(PATH, "1", seconds=60, silence=60) for _ in range(50)]
        await asyncio.gather(*(anext(watch) for watch in watches))

        assert await asyncio.wait_for(client.list(PATH), 60) == ([], "1")


REDIRECTS = (301, 302, 303, 307, 308)


@pytest.mark.parametrize("status", REDIRECTS)
async def test_a_redirect_is_not_followed(status: int, tmp_path: Path) -> None:
    reached: list[str] = []

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        reached.append(f"{request.method} {await request.text()}")
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", elsewhere)
    async with TestServer(app) as other:
        place = str(other.make_url(PATH))
        async with client_of(page(status, b"{}", "application/json", Location=place), tmp_path) as client:
            for ask in (
                client.get(ONE),
                client.create(PATH, {"data": {"passphrase": "fresh"}}),
                client.merge_patch(ONE, {"data": {"passphrase": "fresh"}}),
                client.delete(ONE, uid="u", version="1"),
                client.list(PATH),
                anext(client.watch(PATH, "1", seconds=5, silence=5)),
            ):
                with pytest.raises(MalformedAnswerError, match=f"redirect.*{status}.*not followed"):
                    await ask

    assert reached == []
