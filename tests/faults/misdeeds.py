"""What can go wrong with a request on its way, as things to do to it."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable

from aiohttp import web

Forward = Callable[[], Awaitable[web.StreamResponse]]
Fault = Callable[[web.Request, Forward], Awaitable[web.StreamResponse]]
"""What happens to a request; the second argument lets it pass."""
Hits = Callable[[web.Request], bool]
"""Which requests are hit."""


def everything(_: web.Request) -> bool:
    """Hit every request."""
    return True


def only_watches(request: web.Request) -> bool:
    """Hit the watches."""
    return "watch" in request.query


def only_writes(request: web.Request) -> bool:
    """Hit what changes something."""
    return request.method != "GET"


def is_write_of(name: str, method: str, path: str) -> bool:
    """Tell whether a request would change an object of this name."""
    return method != "GET" and name in path.split("/")


def writes_of(name: str) -> Hits:
    """Hit what would change an object of this name."""
    return lambda request: is_write_of(name, request.method, request.path)


async def no_answer(_: web.Request, __: Forward) -> web.StreamResponse:
    """Keep who asks waiting."""
    await asyncio.Event().wait()
    raise AssertionError


async def hang_up(request: web.Request) -> web.StreamResponse:
    """Break the connection off without an answer."""
    if request.transport is not None:
        request.transport.abort()
    # What is returned is written to nobody.
    return web.Response(status=502)


def refusal(code: int, reason: str, message: str, retry_after: int | None = None) -> web.Response:
    """Return what an API server says when it refuses."""
    body: dict[str, object] = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    body |= {"reason": reason, "message": message}
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return web.Response(status=code, text=json.dumps(body), content_type="application/json", headers=headers)


def slow(least: float, most: float) -> Fault:
    """Return a fault that lets each request wait first, for so many seconds."""

    async def fault(_: web.Request, forward: Forward) -> web.StreamResponse:
        await asyncio.sleep(random.uniform(least, most))
        return await forward()

    return fault


def at_random(share: float, *faults: Fault) -> Fault:
    """Return a fault that hits a share of the requests with one of several others."""
    chance = random.Random(5)

    async def fault(request: web.Request, forward: Forward) -> web.StreamResponse:
        if chance.random() >= share:
            return await forward()
        return await chance.choice(faults)(request, forward)

    return fault


async def too_many(_: web.Request, __: Forward) -> web.StreamResponse:
    """Refuse as an API server that has too much to do."""
    return refusal(429, "TooManyRequests", "the server has received too many requests", retry_after=1)


async def broken_inside(_: web.Request, __: Forward) -> web.StreamResponse:
    """Fail as an API server that cannot reach its store."""
    return refusal(500, "InternalError", "etcdserver: leader changed")


async def conflict(_: web.Request, __: Forward) -> web.StreamResponse:
    """Refuse as if another writer had come first."""
    return refusal(
        409, "Conflict", "the object has been modified; please apply your changes to the latest version"
    )


async def page_of_a_load_balancer(_: web.Request, __: Forward) -> web.StreamResponse:
    """Answer with a page for people, and say that all is well."""
    return web.Response(text="<html><body>Back soon</body></html>", content_type="text/html")


async def bad_gateway(_: web.Request, __: Forward) -> web.StreamResponse:
    """Answer as a load balancer without a server."""
    return web.Response(status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")


async def stale_connection(request: web.Request, _: Forward) -> web.StreamResponse:
    """Break the connection off, as one that was idle for too long."""
    return await hang_up(request)


async def lost_answer(request: web.Request, forward: Forward) -> web.StreamResponse:
    """Let the request have its effect, and break the connection off before the answer."""
    await forward()
    return await hang_up(request)
