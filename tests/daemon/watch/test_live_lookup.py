"""What is missing from a list is gone only once the API server says so of that very object."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from gateway_components.api.kinds import AI_GATEWAY
from gateway_components.daemon.watch.live_lookup import LiveLookups
from gateway_components.identity import Identity
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.kube.fence import FencedClient
from tests.kube.lease_server import in_virtual_time

KIND = "AiGatewayClass"
LITELLM = Identity(KIND, "", "litellm")
DEFAULT = Identity(KIND, "", "")
CHAT = Identity("AiGateway", "ns", "chat")
GROUP = "/apis/runtime.agentic-layer.ai/v1alpha1"
CLASS: dict[str, Any] = {"metadata": {"name": "litellm"}, "spec": {"controller": AI_GATEWAY.controller}}
PLAIN_404 = ApiError(404, "", "404 page not found")


class Server:
    """Stands in for a client: what it says of objects and kinds, which a test changes."""

    def __init__(self) -> None:
        self.found: Any = None
        self.listed: list[dict[str, Any]] = []
        self.served: Any = True
        self.asked = 0
        self.seconds = 0.0

    async def get(self, path: str) -> Any:
        self.asked += 1
        if self.seconds:
            await asyncio.sleep(self.seconds)
        if isinstance(self.found, Exception):
            raise self.found.with_traceback(None)
        return self.found

    async def list(self, path: str) -> tuple[list[dict[str, Any]], str]:
        return self.listed, "1"

    async def document(self, path: str) -> dict[str, Any]:
        if path == "/apis":
            return {"kind": "APIGroupList", "groups": [{"name": "apps", "versions": []}]}
        if isinstance(self.served, Exception):
            raise self.served.with_traceback(None)
        plurals = ("aigatewayclasses", "aigateways") if self.served else ("guards",)
        return {
            "kind": "APIResourceList",
            "groupVersion": GROUP.removeprefix("/apis/"),
            "resources": [{"name": plural} for plural in plurals],
        }


class Searching:
    """A search in virtual time, and what was heard of it."""

    def __init__(self) -> None:
        self.server = Server()
        self.settled: list[Identity] = []
        self.mistaken: list[Identity] = []
        self.lookups = LiveLookups(
            cast("FencedClient", self.server),
            self.settled.append,
            self.mistaken.append,
            asyncio.get_running_loop().time,
        )
        self._running = asyncio.create_task(self.lookups.run())

    async def pass_time(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        assert not self._running.done()

    async def is_gone(self, *missing: Identity, namespace: str = "ns") -> bool:
        """Have a namespace miss these, and tell whether the first of them is gone."""
        return missing[0] in await self.lookups.gone(namespace, missing)

    async def end(self) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)


def searching(work: Callable[[Searching], Coroutine[Any, Any, None]]) -> None:
    """Run a test in virtual time."""

    async def run() -> None:
        with capture_logs():
            search = Searching()
            await work(search)
            await search.end()

    in_virtual_time(run)


def test_a_class_is_gone_once_the_api_server_says_so_for_a_while() -> None:
    async def work(search: Searching) -> None:
        assert not await search.is_gone(LITELLM)
        await search.pass_time(8)
        assert not await search.is_gone(LITELLM), "its CRD may be on its way out"

        await search.pass_time(5)
        assert await search.is_gone(LITELLM)
        assert search.settled == [LITELLM]

        asked = search.server.asked
        await search.pass_time(100)
        assert search.server.asked == asked, "what is known is not asked again"

    searching(work)


UNKNOWN: list[tuple[str, dict[str, Any], str]] = [
    ("no such kind", {"served": False}, "its CRD was removed, and the class with it"),
    ("no such group", {"served": PLAIN_404}, "all CRDs were removed"),
    (
        "discovery is away",
        {"served": ApiUnreachableError("no answer")},
        "nobody knows whether the kind is served",
    ),
    ("a proxy answers 404", {"found": PLAIN_404}, "it does not speak of the class"),
    ("a proxy answers 404 to all", {"found": PLAIN_404, "served": PLAIN_404}, "as above"),
    (
        "no right to look",
        {"found": ApiError(403, "Forbidden", "no")},
        "the rights are those of an older version",
    ),
    ("no answer", {"found": ApiUnreachableError("no answer")}, "it may be there"),
    ("an answer nobody expects", {"found": ZeroDivisionError()}, "a fault of ours releases nothing"),
    ("it exists", {"found": CLASS}, "the list was wrong"),
]


@pytest.mark.parametrize(("case", "said", "why"), UNKNOWN, ids=[case[0] for case in UNKNOWN])
def test_a_class_missing_for_another_reason_is_never_gone(case: str, said: dict[str, Any], why: str) -> None:
    async def work(search: Searching) -> None:
        for name, value in said.items():
            setattr(search.server, name, value)
        await search.is_gone(LITELLM)
        await search.pass_time(3600)

        assert not await search.is_gone(LITELLM), why
        assert not search.settled
        assert search.server.asked < 200, "it is asked for ever more rarely"
        assert bool(search.mistaken) is (said.get("found") is CLASS)

    searching(work)


def test_a_class_that_goes_with_its_crd_is_not_gone() -> None:
    async def work(search: Searching) -> None:
        await search.is_gone(LITELLM)
        await search.pass_time(6)
        search.server.served = False
        search.server.found = PLAIN_404
        await search.pass_time(600)
        assert not await search.is_gone(LITELLM)

        search.server.served, search.server.found = True, None
        await search.pass_time(60)
        assert await search.is_gone(LITELLM), "the CRD came again, and the class did not"

    searching(work)


def test_a_class_that_comes_again_is_looked_up_again() -> None:
    async def work(search: Searching) -> None:
        await search.is_gone(LITELLM)
        await search.pass_time(20)
        search.lookups.class_changed(KIND, "litellm")

        assert not await search.is_gone(LITELLM)

    searching(work)


def test_a_name_that_no_class_can_have_is_not_asked_for() -> None:
    async def work(search: Searching) -> None:
        assert await search.is_gone(Identity(KIND, "", "../../secrets/x"))
        await search.pass_time(60)
        assert not search.server.asked

    searching(work)


@pytest.mark.parametrize("exists", [True, False])
def test_a_default_class_is_looked_up_among_all_classes(exists: bool) -> None:
    async def work(search: Searching) -> None:
        marked = {**CLASS["metadata"], "annotations": {AI_GATEWAY.default_class_annotation: "true"}}
        search.server.listed = [{**CLASS, "metadata": marked if exists else CLASS["metadata"]}]
        await search.is_gone(DEFAULT)
        await search.pass_time(20)

        assert await search.is_gone(DEFAULT) is not exists
        assert search.mistaken[:1] == ([DEFAULT] if exists else [])

    searching(work)


GATEWAYS: list[tuple[str, dict[str, Any], bool, str]] = [
    ("gone", {"found": None}, True, "the API server says so"),
    ("going", {"found": {"metadata": {"deletionTimestamp": "now"}}}, True, "it will not come back"),
    ("gone with its kind", {"found": PLAIN_404, "served": PLAIN_404}, True, "nothing of it is left"),
    ("there", {"found": {"metadata": {}}}, False, "the list was wrong"),
    ("a proxy says 404", {"found": PLAIN_404}, False, "it does not speak of the gateway"),
    ("no answer", {"found": ApiUnreachableError("no answer")}, False, "it may be there"),
]


@pytest.mark.parametrize(("case", "said", "gone", "why"), GATEWAYS, ids=[case[0] for case in GATEWAYS])
def test_a_gateway_is_gone_as_soon_as_the_api_server_says_so(
    case: str, said: dict[str, Any], gone: bool, why: str
) -> None:
    async def work(search: Searching) -> None:
        for name, value in said.items():
            setattr(search.server, name, value)

        assert await search.lookups.gone("ns", [CHAT]) == ({CHAT} if gone else set()), why

    searching(work)


def test_an_undecided_gateway_is_looked_up_until_it_is_known() -> None:
    async def work(search: Searching) -> None:
        search.server.found = ApiUnreachableError("no answer")
        await search.lookups.gone("ns", [CHAT])
        await search.pass_time(60)
        assert not search.settled

        search.server.found = None
        await search.pass_time(60)
        assert search.settled == [CHAT]

    searching(work)


def test_a_gateway_that_is_missing_no_more_is_not_looked_up() -> None:
    async def work(search: Searching) -> None:
        search.server.found = {"metadata": {}}
        await search.lookups.gone("ns", [CHAT])
        await search.lookups.gone("ns", [])
        asked = search.server.asked
        await search.pass_time(60)

        assert search.server.asked == asked

    searching(work)


def test_a_class_that_nobody_names_any_more_is_not_looked_up() -> None:
    async def work(search: Searching) -> None:
        search.server.found = ApiUnreachableError("no answer")
        for number in range(100):
            await search.is_gone(Identity(KIND, "", f"made-up-{number}"))
        await search.is_gone(LITELLM, namespace="other")
        asked = search.server.asked
        await search.pass_time(10)

        assert search.server.asked <= asked + 2 * 10, "the last one, and that of the neighbour"

    searching(work)


def test_what_another_namespace_misses_as_well_is_looked_up() -> None:
    async def work(search: Searching) -> None:
        await search.is_gone(LITELLM)
        await search.is_gone(LITELLM, namespace="other")
        await search.lookups.gone("other", ())
        await search.pass_time(20)

        assert search.settled == [LITELLM]

    searching(work)


def test_a_class_is_forgotten_with_the_last_who_names_it() -> None:
    async def work(search: Searching) -> None:
        await search.is_gone(LITELLM)
        await search.pass_time(20)
        assert await search.is_gone(LITELLM)

        await search.lookups.gone("ns", ())
        assert not await search.is_gone(LITELLM)

    searching(work)


def test_many_searches_of_a_namespace_hold_up_no_other() -> None:
    async def work(search: Searching) -> None:
        search.server.found = None
        search.server.seconds = 1
        await search.lookups.gone("crowd", [Identity(KIND, "", f"made-up-{number}") for number in range(500)])
        await search.is_gone(LITELLM)
        await search.pass_time(200)

        assert search.settled[0] == LITELLM

    searching(work)


def test_of_many_searches_each_has_its_turn() -> None:
    async def work(search: Searching) -> None:
        crowd = [Identity(KIND, "", f"made-up-{number}") for number in range(500)]
        await search.lookups.gone("crowd", crowd)
        await search.pass_time(100)

        assert sorted(search.settled) == sorted(crowd)

    searching(work)
