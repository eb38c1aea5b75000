"""Health: what counts as alive and as ready, and how the server says it."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack

import aiohttp
import pytest

from gateway_components.daemon.observe import health
from gateway_components.daemon.observe.health import HealthServer, PortError, Vitals
from gateway_components.daemon.observe.telemetry import Step
from gateway_components.kube.reviews import Verdict


async def get(server: HealthServer, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{server.port}{path}") as response,
    ):
        return response.status, await response.text()


def server(faults: Sequence[str] = (), missing: Sequence[str] = (), metrics: bytes = b"") -> HealthServer:
    return HealthServer(0, lambda: faults, lambda: missing, answering(metrics))


def answering(metrics: bytes = b"") -> Callable[[], Awaitable[bytes]]:
    async def answer() -> bytes:
        return metrics

    return answer


CASES: list[tuple[str, Sequence[str], Sequence[str], tuple[int, int], str]] = [
    ("all is well", (), (), (200, 200), "ok"),
    ("waiting is no reason to start again", (), ("no aigateways",), (200, 503), "no aigateways"),
    ("what hangs is not ready either", ("a reconcile hangs",), (), (500, 503), "a reconcile hangs"),
]


@pytest.mark.parametrize(
    ("case", "faults", "missing", "codes", "said"), CASES, ids=[case[0] for case in CASES]
)
async def test_verdicts(
    case: str, faults: Sequence[str], missing: Sequence[str], codes: tuple[int, int], said: str
) -> None:
    async with server(faults, missing) as running:
        alive, ready = await get(running, "/healthz"), await get(running, "/readyz")

    assert (alive[0], ready[0]) == codes
    assert said in ready[1]


async def test_metrics_come_in_the_format_that_prometheus_asks_for() -> None:
    async with server(metrics=b"up 1\n") as running, aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{running.port}/metrics") as response:
            assert response.headers["Content-Type"].startswith("text/plain; version=")
            assert await response.text() == "up 1\n"
        async with session.get(f"http://127.0.0.1:{running.port}/elsewhere") as response:
            assert response.status == 404


async def test_many_scrapes_ask_for_the_metrics_once() -> None:
    asked = 0

    async def metrics() -> bytes:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return b"up 1\n"

    async with HealthServer(0, list, list, metrics) as running:
        answers = await asyncio.gather(*(get(running, "/metrics") for _ in range(40)))

    assert set(answers) == {(200, "up 1\n")}
    assert asked == 1


async def test_a_blocked_loop_serves_its_last_metrics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "_METRICS_SECONDS", 0.0)
    monkeypatch.setattr(health, "_ANSWER_SECONDS", 0.01)
    texts = [b"up 1\n"]

    async def metrics() -> bytes:
        if not texts:
            await asyncio.Event().wait()
        return texts.pop()

    async with HealthServer(0, list, list, metrics) as running:
        assert await get(running, "/metrics") == (200, "up 1\n")
        assert await get(running, "/metrics") == (200, "up 1\n")


async def test_a_probe_gets_through_beside_idle_connections() -> None:
    async with server() as running:
        held = [await asyncio.open_connection("127.0.0.1", running.port) for _ in range(100)]
        for _, writer in held:
            writer.write(b"GET /metr")
        assert await get(running, "/healthz") == (200, "ok\n")

        assert await held[0][0].read() == b"", "the oldest made room"
        for _, writer in held:
            writer.close()


async def test_a_connection_ends_whoever_sends_or_reads_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_CONNECTION_SECONDS", 0.05)
    async with server(metrics=b"x" * 2**24) as running:
        silent, _ = await asyncio.open_connection("127.0.0.1", running.port)
        assert await silent.read() == b""
        with socket.create_connection(("127.0.0.1", running.port)) as deaf:
            deaf.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            async with asyncio.timeout(30):
                while not running.connections:  # noqa: ASYNC110  (the server tells nobody)
                    await asyncio.sleep(0)
                while running.connections:  # noqa: ASYNC110
                    await asyncio.sleep(0)


REFUSALS = [
    ("", Verdict.UNAUTHENTICATED, 401, "no token"),
    ("Bearer other", Verdict.FORBIDDEN, 403, "no right"),
    ("Bearer any", Verdict.UNKNOWN, 503, "gave no answer"),
    ("Bearer any", Verdict.BUSY, 429, "too many"),
    ("Bearer scraper", Verdict.ALLOWED, 200, "up 1"),
]


@pytest.mark.parametrize(
    ("header", "verdict", "status", "said"), REFUSALS, ids=[str(case[2]) for case in REFUSALS]
)
async def test_metrics_need_a_review_and_health_does_not(
    header: str, verdict: Verdict, status: int, said: str
) -> None:
    async def review(sent: str) -> Verdict:
        assert sent == header
        return verdict

    async with HealthServer(0, list, list, answering(b"up 1\n"), review) as running:
        headers = {"Authorization": header} if header else {}
        url = f"http://127.0.0.1:{running.port}"
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{url}/metrics", headers=headers) as response:
                text = await response.text()
                assert (response.status, "WWW-Authenticate" in response.headers) == (status, status == 401)
            for path in ("/healthz", "/readyz"):
                async with session.get(f"{url}{path}") as response:
                    assert response.status == 200
    assert said in text
    assert ("up 1" in text) == (status == 200)


async def test_a_port_in_use_is_an_error_with_a_cure() -> None:
    async with server() as running:
        with pytest.raises(PortError, match=rf"port {running.port}: Address already in use .*http-port"):
            await HealthServer(running.port, list, list, answering()).__aenter__()


async def test_the_port_is_free_again_afterwards() -> None:
    async with server() as running:
        port = running.port

    with socket.create_server(("127.0.0.1", port)):
        pass


class World:
    def __init__(self) -> None:
        self.now = 0.0
        self.vitals = Vitals(lambda: self.now, 300.0)


def test_a_reconcile_that_gets_on_may_take_long() -> None:
    world = World()
    with world.vitals.step(Step.RECONCILE, "team-a"):
        for _ in range(5):
            with world.vitals.step(Step.ENGINE_RUN, "team-a"):
                world.now += 299.0
                assert world.vitals.faults() == []


def test_a_step_that_hangs_is_named_with_its_namespace() -> None:
    world = World()
    with world.vitals.step(Step.RECONCILE, "team-a"), world.vitals.step(Step.ENGINE_RUN, "team-a"):
        world.now = 479.0
        assert world.vitals.faults() == []
        world.now = 481.0
        assert world.vitals.faults() == [
            "the reconcile of namespace team-a has been stuck in step engine run for 481 s, the limit is 480 s"
        ]
    assert world.vitals.faults() == [], "it came to an end after all"


def test_a_step_that_hangs_is_not_hidden_by_one_beside_it() -> None:
    world = World()
    with world.vitals.step(Step.RECONCILE, "team-a"), ExitStack() as beside:
        beside.enter_context(world.vitals.step(Step.STATUSES, "team-a"))
        with world.vitals.step(Step.ENGINE_RUN, "team-a"):
            world.now = 300.0
            beside.close()
            world.now = 481.0
            (fault,) = world.vitals.faults()
            assert "stuck in step engine run for 481 s" in fault


def test_a_reconcile_that_hangs_between_steps_is_found_too() -> None:
    world = World()
    with world.vitals.step(Step.RECONCILE, "team-a"):
        with world.vitals.step(Step.PLAN, "team-a"):
            world.now = 10.0
        world.now = 491.0
        (fault,) = world.vitals.faults()
        assert "in step reconcile for 481 s" in fault


def test_a_reconcile_that_fails_does_not_hang() -> None:
    world = World()
    with pytest.raises(ValueError, match="broken"), world.vitals.step(Step.RECONCILE, "team-a"):
        raise ValueError("broken")
    world.now = 1000.0
    assert world.vitals.faults() == []


async def test_a_task_that_ended_is_a_fault() -> None:
    world = World()
    ending, lasting = asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(asyncio.Event().wait())
    world.vitals.depends_on("the cache", ending)
    world.vitals.depends_on("the workers", lasting)
    assert world.vitals.faults() == []
    await ending

    assert world.vitals.faults() == ["the task the cache has ended"]
    lasting.cancel()


async def test_a_worker_that_hangs_turns_the_probe_red() -> None:
    world = World()
    hanging = asyncio.Event()

    async def worker() -> None:
        with world.vitals.step(Step.RECONCILE, "team-a"), world.vitals.step(Step.SNAPSHOT, "team-a"):
            await hanging.wait()

    working = asyncio.create_task(worker())
    world.vitals.depends_on("the workers", working)
    async with HealthServer(0, world.vitals.faults, list, answering()) as running:
        await asyncio.sleep(0)
        assert await get(running, "/healthz") == (200, "ok\n")
        world.now = 1000.0
        status, text = await get(running, "/healthz")
        assert (status, "team-a has been stuck in step snapshot" in text) == (500, True)
        hanging.set()
        await working
    assert world.vitals.faults() == ["the task the workers has ended"]


def test_an_event_loop_that_hangs_is_a_fault() -> None:
    silent = [59.0]
    vitals = Vitals(lambda: 0.0, 300.0, lambda: silent[0])
    assert vitals.faults() == []
    silent[0] = 61.0
    assert vitals.faults() == ["the event loop has been blocked for 61 s"]
