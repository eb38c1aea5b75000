"""The reflector, its client, and answers that no API server gives: its cache ends up right all the same."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from gateway_components.kube import client as client_module
from gateway_components.kube.reflector import Cause, Reflector
from gateway_components.kube.resources import DEPLOYMENTS
from tests.kube.answering import client_of, no_pauses

Raw = dict[str, Any]
EXPIRED: Raw = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}


def item(name: str, version: str = "15", **content: Any) -> Raw:
    metadata = {"name": name, "namespace": "ns", "uid": f"uid-{name}", "resourceVersion": version}
    return {"metadata": metadata, **content}


def listing(*items: Any, version: str = "10", **content: Any) -> Raw:
    return {"kind": "DeploymentList", "metadata": {"resourceVersion": version}, "items": [*items], **content}


def without(field_: str, of: Raw | None = None) -> Raw:
    raw = of or item("a")
    return {**raw, "metadata": {key: value for key, value in raw["metadata"].items() if key != field_}}


def with_metadata(**fields: Any) -> Raw:
    raw = item("a")
    return {**raw, "metadata": {**raw["metadata"], **fields}}


def text(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def nested(levels: int) -> bytes:
    return b'{"f:a":' * levels + b"{}" + b"}" * levels


@dataclass
class Server:
    """Answers each list and each watch with the next step of a script, and stays silent afterwards."""

    lists: list[Any]
    watches: list[list[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.done = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            body = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
            return web.Response(body=text(body), content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        if not self.watches:
            self.done.set()
            await asyncio.Event().wait()
        for line in self.watches.pop(0):
            await response.write(line if isinstance(line, bytes) else text(line) + b"\n")
        return response


@dataclass
class Seen:
    """What a reflector made of a script."""

    causes: list[Cause] = field(default_factory=list)
    logs: list[Any] = field(default_factory=list)
    cache: dict[str, str] = field(default_factory=dict)

    def lines(self, event: str) -> list[Any]:
        return [line for line in self.logs if line["event"] == event]


def value_of(raw: Raw) -> str:
    return str(raw.get("value", "plain"))


def outline_of(raw: Raw, why: str) -> str:
    return f"{raw['metadata']['uid']} {why}"


async def mirrored(
    server: Server,
    folder: Path,
    project: Callable[[Raw], str] = value_of,
    on_change: Callable[[Any], None] = lambda _: None,
) -> Seen:
    """Run a reflector to the end of a script."""
    seen = Seen()
    with no_pauses():
        async with client_of(server.answer, folder) as client:
            reflector: Reflector[str] = Reflector(
                client,
                DEPLOYMENTS,
                project,
                on_change,
                project_unreadable=outline_of,
                on_restart=lambda _, cause: seen.causes.append(cause),
            )
            with capture_logs() as seen.logs:
                running = asyncio.create_task(reflector.run())
                await asyncio.wait_for(server.done.wait(), 10)
                assert not running.done(), "the reflector lives"
                running.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await running
    seen.cache = {name: kept for (_, name), kept in reflector.objects.items()}
    return seen


NO_OBJECTS: list[tuple[str, Any]] = [
    ("object is a list", []),
    ("object is a text", "object"),
    ("object is nothing", None),
    ("object without metadata", {}),
    ("metadata is a list", {"metadata": []}),
    ("object without a name", without("name")),
    ("name is a number", with_metadata(name=7)),
    ("name is empty", with_metadata(name="")),
    ("object without a UID", without("uid")),
    ("object without a version", without("resourceVersion")),
    ("version is a number", with_metadata(resourceVersion=7)),
    ("version is no number", with_metadata(resourceVersion="seven")),
    ("version is endless", with_metadata(resourceVersion="9" * 5000)),
    ("namespace is a list", with_metadata(namespace=[])),
    ("object without its namespace", without("namespace")),
    ("annotations are a list", with_metadata(annotations=[])),
    ("owners are an object", with_metadata(ownerReferences={})),
    ("object of another kind", {**item("a"), "kind": "Secret"}),
    ("spec is a list", item("a", spec=[])),
    ("conditions are texts", item("a", status={"conditions": ["Ready"]})),
]

NO_LISTS: list[tuple[str, Any]] = [
    ("no JSON", b"<html>Back soon</html>"),
    ("no text", b"\xff\xfe"),
    ("nothing", b""),
    ("cut off", text(listing(item("a")))[:-9]),
    ("a list", []),
    ("a text", "list"),
    ("a number", 7),
    ("null", None),
    ("a Status", {"kind": "Status", "metadata": {"resourceVersion": "10"}, "items": []}),
    ("a list of another kind", {**listing(), "kind": "SecretList"}),
    ("no kind", {"metadata": {"resourceVersion": "10"}, "items": []}),
    ("no items", {"kind": "DeploymentList", "metadata": {"resourceVersion": "10"}}),
    ("items are an object", listing() | {"items": {"a": item("a")}}),
    ("no metadata", {"kind": "DeploymentList", "items": []}),
    ("no version", {"kind": "DeploymentList", "metadata": {}, "items": []}),
    ("version is empty", listing(version="")),
    ("an object twice", listing(item("a"), item("a"))),
    ("token is a number", listing() | {"metadata": {"resourceVersion": "10", "continue": 7}}),
    *((f"in a list, {case}", listing(bad)) for case, bad in NO_OBJECTS),
]


@pytest.mark.parametrize(("case", "bad"), NO_LISTS, ids=[case[0] for case in NO_LISTS])
async def test_a_malformed_list_is_asked_for_again(case: str, bad: Any, tmp_path: Path) -> None:
    server = Server([listing(item("old")), bad, listing(item("new"))], [[EXPIRED]])

    seen = await mirrored(server, tmp_path)

    assert seen.cache == {"new": "plain"}
    assert seen.causes == [Cause.EXPIRED, Cause.MALFORMED]
    assert len(seen.lines("watch broken")) == 1
    assert not seen.lines("reflector failed")


NO_EVENTS: list[tuple[str, Any]] = [
    ("no JSON", b"hello\n"),
    ("no text", b"\xff\xfe\n"),
    ("an empty line", b"\n"),
    ("a list", []),
    ("a text", "ADDED"),
    ("null", None),
    ("no type", {"object": item("a", "11")}),
    ("type is a list", {"type": [], "object": item("a", "11")}),
    ("an unknown type", {"type": "RENAMED", "object": item("a", "11")}),
    ("no object", {"type": "ADDED"}),
    ("a bookmark without a version", {"type": "BOOKMARK", "object": {"metadata": {}}}),
    ("an error without a Status", {"type": "ERROR", "object": {"message": "no"}}),
    ("an error without a code", {"type": "ERROR", "object": {"kind": "Status", "code": "gone"}}),
    *(
        (f"{type_}, {case}", {"type": type_, "object": bad})
        for type_ in ("ADDED", "DELETED")
        for case, bad in NO_OBJECTS
    ),
]


@pytest.mark.parametrize(("case", "bad"), NO_EVENTS, ids=[case[0] for case in NO_EVENTS])
async def test_a_malformed_event_leads_to_a_new_list(case: str, bad: Any, tmp_path: Path) -> None:
    good = {"type": "ADDED", "object": item("seen", "11")}
    server = Server([listing(item("old")), listing(item("new"))], [[good, bad]])

    seen = await mirrored(server, tmp_path)

    assert seen.cache == {"new": "plain"}
    assert seen.causes == [Cause.MALFORMED]
    assert len(seen.lines("watch broken")) == 1
    assert not seen.lines("reflector failed")


async def test_an_error_event_becomes_the_api_servers_error(tmp_path: Path) -> None:
    error = {"type": "ERROR", "object": {"kind": "Status", "code": 500, "message": "etcdserver: no leader"}}
    server = Server([listing(item("old")), listing(item("new"))], [[error]])

    seen = await mirrored(server, tmp_path)

    assert seen.cache == {"new": "plain"}
    assert seen.lines("watch broken")[0]["error"] == "etcdserver: no leader"


async def test_an_event_that_is_cut_off_is_waited_for_in_a_new_watch(tmp_path: Path) -> None:
    event = {"type": "ADDED", "object": item("a", "11")}
    server = Server([listing()], [[text(event)[:-5]], [event]])

    seen = await mirrored(server, tmp_path)

    assert seen.cache == {"a": "plain"}
    assert seen.causes == [Cause.BROKEN, Cause.ENDED]


async def test_an_event_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_LONGEST_LINE", 1000)
    server = Server([listing(), listing(item("new"))], [[b"{" * 100_000]])

    seen = await mirrored(server, tmp_path)

    assert seen.cache == {"new": "plain"}
    assert seen.causes == [Cause.MALFORMED]


async def test_a_list_that_never_ends_is_given_up(tmp_path: Path) -> None:
    endless = listing() | {"metadata": {"resourceVersion": "10", "continue": "again"}}
    server = Server([endless, endless, listing(item("new"))])

    seen = await mirrored(server, tmp_path)

    assert seen.cache == {"new": "plain"}
    assert seen.causes == [Cause.MALFORMED]


async def test_an_event_of_several_megabytes_is_seen(tmp_path: Path) -> None:
    event = {"type": "ADDED", "object": item("large", "11", value="<" * 800_000)}
    line = text(event).replace(b"<", rb"\u003c") + b"\n"
    server = Server([listing()], [[line]])

    seen = await mirrored(server, tmp_path)

    assert seen.cache == {"large": "<" * 800_000}


def deep(name: str, place: bytes, levels: int = 3000) -> bytes:
    """Return an object with something deep at a place of its metadata or beside it."""
    raw = text(item(name, "11", metadata_end=True))
    if place == b"managedFields":
        fields = b'"managedFields":[{"manager":"m","fieldsV1":' + nested(levels) + b'},{"manager":"n"}],'
        return raw.replace(b'"metadata": {', b'"metadata": {' + fields)
    return raw.replace(b'"metadata_end": true', b'"' + place + b'":{"x":' + nested(levels) + b"}")


async def test_of_deep_bookkeeping_the_rest_is_read(tmp_path: Path) -> None:
    page = text(listing(item("before"), "HERE", item("after"))).replace(
        b'"HERE"', deep("deep", b"managedFields")
    )
    event = b'{"type": "MODIFIED", "object": ' + deep("deep", b"managedFields", 9000) + b"}\n"
    server = Server([page], [[event]])

    def managers(raw: Raw) -> str:
        return ",".join(entry["manager"] for entry in raw["metadata"].get("managedFields", ()))

    seen = await mirrored(server, tmp_path, managers)

    assert seen.cache == {"before": "", "deep": "n", "after": ""}
    (reported,) = seen.lines("unreadable object")
    assert (reported["name"], reported["why"].partition(",")[0]) == (
        "deep",
        "some of its managedFields nest too deep to be read",
    )
    assert seen.causes == [Cause.ENDED]


async def test_of_a_deep_object_is_known_that_it_exists(tmp_path: Path) -> None:
    page = text(listing(item("before"), "HERE", item("after"))).replace(b'"HERE"', deep("deep", b"spec"))
    server = Server([page, page], [[EXPIRED]])

    seen = await mirrored(server, tmp_path)

    too_deep = "uid-deep it nests too deep to be read"
    assert seen.cache == {"before": "plain", "deep": too_deep, "after": "plain"}
    assert len(seen.lines("unreadable object")) == 1, "logged once per version, however often it is listed"
    (logged,) = seen.lines("unreadable object")
    assert (logged["name"], logged["uid"]) == ("deep", "uid-deep")


async def test_an_object_that_no_projection_can_take_is_reported_once(tmp_path: Path) -> None:
    def project(raw: Raw) -> str:
        return str({"fine": 1}[raw["value"]])

    odd, fine = item("odd", value="odd"), item("fine", value="fine")
    changed = [{"type": "MODIFIED", "object": item("odd", version, value="odd")} for version in ("11", "12")]
    server = Server([listing(odd, fine)], [changed])

    seen = await mirrored(server, tmp_path, project)

    assert seen.cache == {"odd": "uid-odd it cannot be read (KeyError)", "fine": "1"}
    assert len(seen.lines("unreadable object")) == 3, "once for each version"


async def test_who_hears_of_changes_cannot_end_a_reflector(tmp_path: Path) -> None:
    heard = []

    def hear(change: Any) -> None:
        heard.append(change.name[1])
        if change.name[1] == "odd":
            raise KeyError("odd")

    seen = await mirrored(Server([listing(item("odd"), item("fine"))]), tmp_path, on_change=hear)

    assert heard == ["odd", "fine"]
    assert sorted(seen.cache) == ["fine", "odd"]
    assert seen.lines("change not processed")


async def test_a_fault_of_the_reflector_itself_leads_to_a_new_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_once, calls = Reflector._replace, []

    def broken_once(self: Reflector[str], listed: Any) -> None:
        calls.append(listed)
        if len(calls) == 1:
            raise ZeroDivisionError
        replace_once(self, listed)

    monkeypatch.setattr(Reflector, "_replace", broken_once)

    seen = await mirrored(Server([listing(item("a"))]), tmp_path)

    assert seen.cache == {"a": "plain"}
    assert len(seen.lines("reflector failed")) == 1
