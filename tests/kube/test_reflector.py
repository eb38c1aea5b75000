"""The reflector against a scripted API server: what it mirrors through every kind of trouble."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.kube.reflector import Cause, Change, Reflector
from gateway_components.kube.resources import DEPLOYMENTS

NOT_FOUND = ApiError(404, "", "404 page not found")
EXPIRED = ApiError(410, "Expired", "too old resource version")


def item(name: str, value: str, version: str = "1") -> dict[str, Any]:
    metadata = {"namespace": "ns", "name": name, "uid": f"uid-{name}", "resourceVersion": version}
    return {"metadata": metadata, "value": value}


def event(type_: str, *args: str) -> dict[str, Any]:
    return {"type": type_, "object": item(*args)}


Listing = tuple[list[dict[str, Any]], str] | Exception


class Script:
    """Stands in for a client: each list and each watch takes the next step of its script.

    API discovery answers `served` about the kind, one by one, and goes on with the last.
    """

    def __init__(
        self, lists: list[Listing], watches: list[list[Any]], served: Sequence[bool | None] = (True,)
    ) -> None:
        self._lists = iter(lists)
        self._watches = iter(watches)
        self._served = [*served]
        self.seconds = 0.0
        self.watched_from: list[str] = []
        self.causes: list[Cause] = []
        self.pauses: list[float] = []
        self.done = asyncio.Event()

    async def pages(
        self, path: str, *, metadata_only: bool, **_: Any
    ) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
        step = next(self._lists)
        if isinstance(step, Exception):
            raise step
        items, version = step
        for item_ in items:
            yield [item_], version
        yield [], version

    async def document(self, path: str) -> dict[str, Any]:
        served = self._served.pop(0) if len(self._served) > 1 else self._served[0]
        if served is None:
            raise NOT_FOUND
        resources = [{"name": "deployments"}] if served else [{"name": "statefulsets"}]
        return {"kind": "APIResourceList", "groupVersion": "apps/v1", "resources": resources}

    async def watch(self, path: str, version: str, **_: Any) -> AsyncIterator[dict[str, Any]]:
        self.watched_from.append(version)
        steps = next(self._watches, None)
        if steps is None:
            self.done.set()
            await asyncio.Event().wait()
        for step in steps or ():
            if isinstance(step, Exception):
                raise step
            yield step


async def mirror(
    lists: list[Listing], watches: list[list[Any]]
) -> tuple[dict[str, str], list[tuple[str, str | None, str | None]], list[str]]:
    """Run a reflector to the end of a script; return its cache, its changes and where it watched from."""
    script = Script(lists, watches)
    cache, changes = await follow(script)
    return cache, changes, script.watched_from


async def follow(script: Script) -> tuple[dict[str, str], list[tuple[str, str | None, str | None]]]:
    """Run a reflector to the end of a script; return its cache and its changes."""
    changes: list[tuple[str, str | None, str | None]] = []

    def note(change: Change[str]) -> None:
        changes.append((change.name[1], change.old, change.new))

    async def no_pause(seconds: float) -> None:
        script.pauses.append(seconds)
        script.seconds += seconds
        await real_sleep(0)

    real_sleep: Callable[[float], Any] = asyncio.sleep
    reflector: Reflector[str] = Reflector(
        cast("KubeClient", script),
        DEPLOYMENTS,
        lambda raw: str(raw["value"]),
        note,
        on_restart=lambda _, cause: script.causes.append(cause),
        now=lambda: script.seconds,
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("gateway_components.kube.reflector.asyncio.sleep", no_pause)
        running = asyncio.create_task(reflector.run())
        await asyncio.wait_for(script.done.wait(), 60)
        assert reflector.synced.is_set()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    return {name[1]: value for name, value in reflector.objects.items()}, changes


async def test_the_cache_follows_list_and_watch() -> None:
    cache, changes, _ = await mirror(
        [([item("a", "1"), item("b", "1")], "10")],
        [
            [
                event("ADDED", "c", "1", "11"),
                event("MODIFIED", "a", "2", "12"),
                event("DELETED", "b", "1", "13"),
            ]
        ],
    )

    assert cache == {"a": "2", "c": "1"}
    assert changes == [
        ("a", None, "1"),
        ("b", None, "1"),
        ("c", None, "1"),
        ("a", "1", "2"),
        ("b", "1", None),
    ]


async def test_a_watch_resumes_from_the_last_event_or_bookmark() -> None:
    _, changes, watched = await mirror(
        [([], "10")],
        [[event("ADDED", "a", "1", "11")], [event("BOOKMARK", "", "", "40")]],
    )

    assert watched == ["10", "11", "40"]
    assert changes == [("a", None, "1")]


async def test_a_broken_watch_continues_from_what_it_saw() -> None:
    _, changes, watched = await mirror(
        [([], "10")],
        [[event("ADDED", "a", "1", "11"), ApiUnreachableError("gone")]],
    )

    assert watched == ["10", "11"]
    assert changes == [("a", None, "1")], "nothing is seen twice"


TROUBLE = [
    ("expired", EXPIRED, "the API server has forgotten that version"),
    ("refused", ApiError(403, "Forbidden", "no right to watch"), "a role was taken away and given back"),
]


@pytest.mark.parametrize(("case", "error", "why"), TROUBLE, ids=[case[0] for case in TROUBLE])
async def test_a_new_list_makes_up_for_what_was_missed(case: str, error: ApiError, why: str) -> None:
    cache, changes, watched = await mirror(
        [([item("a", "1"), item("b", "1")], "10"), ([item("b", "2"), item("c", "1")], "20")],
        [[error]],
    )

    assert cache == {"b": "2", "c": "1"}, why
    assert changes[2:] == [("a", "1", None), ("b", "1", "2"), ("c", None, "1")]
    assert watched == ["10", "20"]


async def test_a_list_that_fails_is_tried_again() -> None:
    cache, _, _ = await mirror(
        [
            ApiUnreachableError("no answer"),
            ApiError(404, "NotFound", "no such CRD"),
            ([item("a", "1")], "10"),
        ],
        [],
    )

    assert cache == {"a": "1"}


CURES = [
    (404, "look for a proxy that answers so; API discovery does not say that this kind is missing"),
    (401, "renew the credentials, or set KUBECONFIG to others"),
]


@pytest.mark.parametrize(("status", "cure"), CURES)
async def test_a_refusal_that_a_user_can_cure_says_how(status: int, cure: str) -> None:
    with capture_logs() as lines:
        await mirror([ApiError(status, "Refused", "no"), ([], "10")], [])

    (broken,) = (line for line in lines if line["event"] == "watch broken")
    assert broken["error"] == "no"
    assert broken["cure"] == cure


async def test_a_missing_right_is_named_with_verb_and_resource() -> None:
    refusal = 'User "x" cannot watch resource "configmaps" in API group "" at the cluster scope'
    with capture_logs() as lines:
        await mirror([ApiError(403, "Forbidden", refusal), ([], "10")], [])

    (broken,) = (line for line in lines if line["event"] == "watch broken")
    assert broken["error"].startswith(refusal)
    assert 'the verb "watch" on "configmaps" in all namespaces' in broken["error"]


async def test_what_is_kept_decides_what_counts_as_a_change() -> None:
    _, changes, _ = await mirror(
        [([item("a", "same", "1")], "10")],
        [[event("MODIFIED", "a", "same", "11")]],
    )

    assert changes == [("a", None, "same")]


async def test_a_resource_that_does_not_exist_has_no_objects() -> None:
    script = Script(
        [([item("a", "1")], "10"), *[NOT_FOUND] * 12, ([item("b", "1")], "20")], [[EXPIRED]], [False]
    )

    with capture_logs() as lines:
        cache, changes = await follow(script)

    assert cache == {"b": "1"}
    assert changes == [("a", None, "1"), ("a", "1", None), ("b", None, "1")]
    logged = [line["event"] for line in lines if line["log_level"] != "debug"]
    assert logged.count("no such resource") == 1, "logged once, however long it lasts"
    assert logged.count("the resource has appeared") == 1
    assert Cause.ABSENT in script.causes


DISCOVERY = [
    ("it is served", [True], "a proxy answers for the kind alone"),
    ("discovery is not found", [None], "a proxy answers for all, and says nothing"),
    ("now and then", [False, False, False, False, True], "only what is said again and again is believed"),
]


@pytest.mark.parametrize(("case", "served", "why"), DISCOVERY, ids=[case[0] for case in DISCOVERY])
async def test_an_unconfirmed_404_takes_nothing_away(case: str, served: list[bool | None], why: str) -> None:
    lists: list[Listing] = [([item("a", "1")], "10"), *[NOT_FOUND] * 40, ([item("a", "1")], "20")]
    script = Script(lists, [[EXPIRED]], served)

    _, changes = await follow(script)

    assert changes == [("a", None, "1")], why
    assert script.seconds > 300


async def test_a_404_is_not_believed_before_its_time() -> None:
    lists: list[Listing] = [([item("a", "1")], "10"), *[NOT_FOUND] * 5, ([item("a", "1")], "20")]
    script = Script(lists, [[EXPIRED]], [False])

    _, changes = await follow(script)

    assert sum(script.pauses[:4]) < 10, "five answers came within less than that"
    assert changes == [("a", None, "1")]


async def test_a_missing_resource_holds_nobody_up_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = Script([NOT_FOUND] * 10_000, [], [False])

    async def no_pause(seconds: float) -> None:
        script.pauses.append(seconds)
        await real_sleep(0)

    real_sleep: Callable[[float], Any] = asyncio.sleep
    monkeypatch.setattr("gateway_components.kube.reflector.asyncio.sleep", no_pause)
    reflector: Reflector[str] = Reflector(cast("KubeClient", script), DEPLOYMENTS, str, lambda _: None)
    running = asyncio.create_task(reflector.run())
    await asyncio.wait_for(reflector.synced.wait(), 60)
    running.cancel()

    assert reflector.absent
    assert not reflector.objects
    assert script.pauses[0] < 1, "nothing is lost by believing it soon"


async def test_a_cache_that_was_found_wrong_is_listed_again() -> None:
    script = Script([([], "10"), ([item("a", "1")], "10")], [])
    reflector: Reflector[str] = Reflector(
        cast("KubeClient", script), DEPLOYMENTS, lambda raw: str(raw["value"]), lambda _: None
    )
    running = asyncio.create_task(reflector.run())
    await asyncio.wait_for(script.done.wait(), 60)
    script.done.clear()

    reflector.relist()
    await asyncio.wait_for(script.done.wait(), 60)
    running.cancel()

    assert reflector.objects == {("ns", "a"): "1"}


async def test_a_watch_that_keeps_expiring_backs_off() -> None:
    script = Script([([], "10")] * 7, [[EXPIRED]] * 6)

    await follow(script)

    assert script.causes == [Cause.EXPIRED] * 6
    assert len(script.pauses) == 5, "the first time it lists again at once"
    assert script.pauses[-1] > 10 * script.pauses[0] / 2


async def test_a_watch_that_ends_at_once_backs_off() -> None:
    script = Script([([], "10")], [[]] * 6)

    await follow(script)

    assert script.causes == [Cause.ENDED] * 6
    assert script.pauses[-1] > 10 * script.pauses[0] / 2


async def test_the_api_server_may_say_when_it_wants_to_be_asked_again() -> None:
    script = Script([ApiError(429, "TooManyRequests", "slow down", 7.0), ([], "10")], [])

    await follow(script)

    assert script.pauses[0] == 7.0
    assert script.causes == [Cause.REFUSED]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_busy_api_server_is_not_asked_for_a_list(status: int) -> None:
    script = Script([([], "10")], [[ApiError(status, "", "later")]])

    await follow(script)

    assert script.watched_from == ["10", "10"]


async def test_a_store_that_went_back_in_time_is_listed_again() -> None:
    script = Script(
        [([item("a", "1"), item("b", "1")], "30"), ([item("a", "1")], "20")],
        [[event("BOOKMARK", "", "", "19")]],
    )

    cache, _ = await follow(script)

    assert cache == {"a": "1"}
    assert script.causes == [Cause.DISORDERED]


class _Pages:
    """Two pages; when the second is asked for, the first is looked at."""

    def __init__(self) -> None:
        self.first = [item("a", "1"), item("b", "1")]
        self.left: int | None = None

    async def pages(self, _path: str, **_: Any) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
        yield self.first, "1"
        self.left = len(self.first)
        yield [item("c", "1")], "1"


async def test_a_page_is_in_memory_no_longer_than_it_is_read() -> None:
    pages = _Pages()
    reflector: Reflector[Any] = Reflector(
        cast("KubeClient", pages), DEPLOYMENTS, lambda raw: raw["value"], lambda _: None
    )

    await reflector._list()

    assert pages.left == 0
    assert len(reflector.objects) == 3
