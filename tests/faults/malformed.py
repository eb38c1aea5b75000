"""Answers of the API server made into what none sends, so that everybody can see it: at random, from a fixed seed."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from aiohttp import web

from gateway_components.api.meta import API_VERSION
from tests.faults.misdeeds import Fault, Forward

Raw = dict[str, Any]
_NOTHING: tuple[Any, ...] = (None, 7, "text", True)
_IDENTITY = ("name", "uid", "resourceVersion")


def of_the_daemon(request: web.Request) -> bool:
    """Hit what the daemon itself asks; its engine has a client of its own."""
    return request.headers.get("User-Agent", "").startswith("Python/")


def only_classes(request: web.Request) -> bool:
    """Hit the collections of classes, whoever asks for them."""
    return request.path.endswith(("/aigatewayclasses", "/toolgatewayclasses"))


async def page_404(_: web.Request, __: Forward) -> web.StreamResponse:
    """Answer as a proxy that knows no such path."""
    return web.Response(status=404, text="404 page not found\n", content_type="text/plain")


def malformed_answers(seed: int, share: float) -> Fault:
    """Return a fault that spoils a share of all answers but watches."""
    chance = random.Random(seed)

    async def fault(request: web.Request, forward: Forward) -> web.StreamResponse:
        if "watch" in request.query or chance.random() >= share:
            return await forward()
        if chance.random() < 0.2:
            return await page_404(request, forward)
        answer = await forward()
        body = answer.body if isinstance(answer, web.Response) else None
        if not isinstance(body, bytes) or answer.status >= 300:
            return answer
        return web.Response(body=_spoiled(body, chance), content_type="application/json")

    return fault


def malformed_lines(seed: int, share: float) -> Callable[[bytes], bytes | None]:
    """Return what spoils a share of the lines of all watches."""
    chance = random.Random(seed)

    def spoil(line: bytes) -> bytes | None:
        if chance.random() >= share:
            return line
        if chance.random() < 0.2:
            return line[: chance.randrange(1, len(line) - 1)]
        return _spoiled(line.rstrip(b"\n"), chance) + b"\n"

    return spoil


def forged_deletions(name: str) -> Callable[[bytes], bytes | None]:
    """Return what tells of each change of our objects with a name as if they were deleted."""

    def forge(line: bytes) -> bytes | None:
        event = json.loads(line)
        item = event["object"]
        ours = item.get("apiVersion") == API_VERSION and item["metadata"].get("name") == name
        if not ours or event["type"] != "MODIFIED":
            return line
        return json.dumps({**event, "type": "DELETED"}).encode() + b"\n"

    return forge


def _spoiled(body: bytes, chance: random.Random) -> bytes:
    ways: list[Callable[[], bytes]] = [
        lambda: body[: chance.randrange(len(body))].replace(b"\n", b"") or b"{",
        lambda: b"\xff\xfe" + body[2:],
        lambda: json.dumps(chance.choice(([], *_NOTHING))).encode(),
        lambda: b'{"a":' * 50_000 + b"}" * 50_000,
    ]
    document = json.loads(body)
    # Most of the time: what is JSON, and nearly right.
    return chance.choice(
        [*ways, *(lambda raw=raw: json.dumps(raw).encode() for raw in _bent(document, chance))]
    )()


def _bent(document: Raw, chance: random.Random) -> Iterator[Raw]:
    """Yield what is left of an answer once something in it is of another type, or missing."""
    for key in ("kind", "items", "metadata"):
        if "items" in document:
            yield {name: value for name, value in document.items() if name != key}
            yield {**document, key: chance.choice(_NOTHING[1:])}
    items = document.get("items")
    if isinstance(items, list) and items:
        place = chance.randrange(len(items))
        for bent in (chance.choice(_NOTHING), *_bent_objects(items[place], chance)):
            yield {**document, "items": [*items[:place], bent, *items[place + 1 :]]}
        yield {**document, "items": [*items, items[place]]}
    if "object" in document:
        yield {"type": document["type"]}
        yield {"object": document["object"]}
        yield {**document, "type": chance.choice(("RENAMED", 7, None))}
        yield {"type": "ERROR", "object": chance.choice(({}, {"kind": "Status"}, {"message": "no"}))}
        for bent in (chance.choice(_NOTHING), *_bent_objects(document["object"], chance)):
            yield {**document, "object": bent}
    elif "items" not in document:
        yield from _bent_objects(document, chance)


def _bent_objects(raw: Raw, chance: random.Random) -> Iterator[Raw]:
    yield {**raw, "metadata": chance.choice(_NOTHING)}
    metadata = raw.get("metadata")
    if not isinstance(metadata, dict):
        return
    for key in _IDENTITY:
        # Of a bookmark the version alone matters.
        if metadata.get(key) and (key == "resourceVersion" or "uid" in metadata):
            yield {**raw, "metadata": {name: value for name, value in metadata.items() if name != key}}
            yield {**raw, "metadata": {**metadata, key: chance.choice(([], 7, ""))}}
    if "uid" in metadata:
        yield {**raw, "metadata": {**metadata, "managedFields": "text"}}
        yield {**raw, "spec": chance.choice(([], 7, "text"))}
        yield {**raw, "status": {"conditions": chance.choice((["Ready"], 7, [{"type": 7}]))}}
