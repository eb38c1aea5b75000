"""Who may see what belongs to no resource: the verdicts, how long they hold, and how little a crowd costs."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from gateway_components.kube import reviews
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiUnreachableError
from gateway_components.kube.resources import ApiPath
from gateway_components.kube.reviews import AccessReviewer, Verdict
from lab import ControlPlane
from tests.daemon.harness import Namespace

USER = {"username": "system:serviceaccount:a:prometheus", "groups": ["g"], "uid": "u", "extra": {"k": ["v"]}}


class Server(KubeClient):
    """Answers reviews, and counts them."""

    def __init__(self) -> None:
        self.known = {"scraper": True, "other": False}
        self.asked: list[str] = []
        self.questions: list[Mapping[str, Any]] = []
        self.silent = False
        self.waiting: asyncio.Event | None = None
        self.begun = asyncio.Event()

    async def ask(self, path: ApiPath, question: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(path.rpartition("/")[2])
        self.questions.append(question)
        self.begun.set()
        if self.waiting:
            await self.waiting.wait()
        if self.silent:
            raise ApiUnreachableError("the API server gave no answer")
        if question["kind"] == "TokenReview":
            token = question["spec"]["token"]
            user = {**USER, "username": token}
            return {"status": {"authenticated": True, "user": user} if token in self.known else {}}
        return {"status": {"allowed": self.known[question["spec"]["user"]]}}


class World:
    def __init__(self) -> None:
        self.now = 0.0
        self.server = Server()
        self.reviewer = AccessReviewer(self.server, "/metrics", lambda: self.now)

    async def verdict(self, token: str) -> Verdict:
        return await self.reviewer.verdict(f"Bearer {token}")


VERDICTS = [
    ("Bearer scraper", Verdict.ALLOWED, "its role has the path"),
    ("bearer scraper", Verdict.ALLOWED, "the name of a scheme has no case (RFC 9110)"),
    ("Bearer other", Verdict.FORBIDDEN, "a token of the cluster with no such role"),
    ("Bearer forged", Verdict.UNAUTHENTICATED, "nobody issued it"),
    ("", Verdict.UNAUTHENTICATED, "there is no header"),
    ("Bearer ", Verdict.UNAUTHENTICATED, "there is no token"),
    ("Basic c2NyYXBlcjo=", Verdict.UNAUTHENTICATED, "no bearer token"),
    (f"Bearer {'x' * 20_000}", Verdict.UNAUTHENTICATED, "longer than any token"),
]


@pytest.mark.parametrize(("header", "verdict", "why"), VERDICTS, ids=[case[2] for case in VERDICTS])
async def test_verdicts(header: str, verdict: Verdict, why: str) -> None:
    assert await World().reviewer.verdict(header) is verdict, why


async def test_the_review_names_the_owner_of_the_token() -> None:
    world = World()
    await world.verdict("scraper")
    spec = world.server.questions[1]["spec"]
    assert spec == {
        "user": "scraper",
        "groups": ["g"],
        "uid": "u",
        "extra": {"k": ["v"]},
        "nonResourceAttributes": {"path": "/metrics", "verb": "get"},
    }


async def test_no_token_costs_no_request() -> None:
    world = World()
    await world.reviewer.verdict("")
    assert world.server.asked == []


async def test_an_answer_holds_for_a_while_and_no_longer() -> None:
    world = World()
    for world.now in (0, 30, 59):
        assert await world.verdict("scraper") is Verdict.ALLOWED
    assert len(world.server.asked) == 2
    world.server.known["scraper"] = False
    world.now = 61
    assert await world.verdict("scraper") is Verdict.FORBIDDEN
    world.server.known["scraper"] = True
    world.now = 72
    assert await world.verdict("scraper") is Verdict.ALLOWED, "who gets the right need not wait for a minute"


async def test_an_api_server_that_is_silent_holds_up_no_scrape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviews, "_SECONDS", 0.01)
    world = World()
    world.server.waiting = asyncio.Event()
    assert await world.verdict("scraper") is Verdict.UNKNOWN
    world.server.waiting.set()


async def test_what_nobody_answered_is_asked_again() -> None:
    world = World()
    world.server.silent = True
    assert await world.verdict("scraper") is Verdict.UNKNOWN
    world.server.silent = False
    assert await world.verdict("scraper") is Verdict.ALLOWED


async def test_many_made_up_tokens_are_turned_away_and_forgotten() -> None:
    world = World()
    world.server.waiting = asyncio.Event()
    asking = [asyncio.create_task(world.verdict(f"forged {number}")) for number in range(100)]
    await world.server.begun.wait()
    assert await world.verdict("one more") is Verdict.BUSY
    world.server.waiting.set()
    verdicts = await asyncio.gather(*asking)
    assert verdicts.count(Verdict.BUSY) == 92
    assert world.server.asked == ["tokenreviews"] * 8
    world.server.waiting = None
    for number in range(1000):
        await world.verdict(f"forged {number}")
    assert len(world.reviewer._answers) <= 256


async def test_one_question_serves_all_who_send_one_token() -> None:
    world = World()
    verdicts = await asyncio.gather(*(world.verdict("scraper") for _ in range(50)))
    assert set(verdicts) == {Verdict.ALLOWED}
    assert len(world.server.asked) == 2


async def test_a_scraper_that_gives_up_takes_the_answer_from_nobody() -> None:
    world = World()
    world.server.waiting = asyncio.Event()
    first = asyncio.create_task(world.verdict("scraper"))
    second = asyncio.create_task(world.verdict("scraper"))
    await world.server.begun.wait()
    first.cancel()
    world.server.waiting.set()
    assert await second is Verdict.ALLOWED


async def test_a_real_api_server_tells_tokens_apart(lab: ControlPlane, lab_namespace: str) -> None:
    namespace = Namespace(lab, lab_namespace)
    for name in ("scraper", "other"):
        namespace.kubectl("create", "serviceaccount", name)
    lab.kubectl("create", "clusterrole", lab_namespace, "--verb=get", "--non-resource-url=/metrics")
    account = f"--serviceaccount={lab_namespace}:scraper"
    lab.kubectl("create", "clusterrolebinding", lab_namespace, f"--clusterrole={lab_namespace}", account)
    tokens = {name: namespace.kubectl("create", "token", name).strip() for name in ("scraper", "other")}
    async with await KubeClient.connect(lab.kubeconfig) as client:
        reviewer = AccessReviewer(client, "/metrics", lambda: 0.0)
        verdicts = {name: await reviewer.verdict(f"Bearer {token}") for name, token in tokens.items()}
        forged = await reviewer.verdict(f"Bearer {tokens['scraper'][:-4]}AAAA")
    lab.kubectl("delete", "clusterrolebinding,clusterrole", lab_namespace)
    assert verdicts == {"scraper": Verdict.ALLOWED, "other": Verdict.FORBIDDEN}
    assert forged is Verdict.UNAUTHENTICATED
