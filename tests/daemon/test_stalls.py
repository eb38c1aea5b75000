"""When pods of gateways that are not ready are looked at, and what comes of it."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
import structlog

from gateway_components.daemon.stalls import ReadReasons, Stalls
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.rollout import Rollout, StallReason

KEY = GatewayKey("AiGateway", "ns", "chat")
STALLED = Rollout(True, 1, 1, 1, 0, uid="u", generation=1)
READY = replace(STALLED, available=1)
CRASH = StallReason("CrashLoopBackOff", "litellm")


class Pods:
    """Answers why the pods of each gateway do not come."""

    def __init__(self) -> None:
        self.answer: tuple[StallReason, ...] | Exception = (CRASH,)
        self.hook: ReadReasons | None = None
        self.looks: list[GatewayKey] = []
        self.stalls = Stalls(self.read)

    async def read(self, gateway: GatewayKey, deployment: str) -> tuple[StallReason, ...]:
        self.looks.append(gateway)
        if self.hook:
            return await self.hook(gateway, deployment)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def told(self, rollout: Rollout, now: float) -> tuple[StallReason, ...]:
        return (await self.stalls.explain("ns", {KEY: rollout}, now))[KEY].reasons


async def test_whoever_gets_ready_soon_is_not_looked_at() -> None:
    pods = Pods()

    assert await pods.told(STALLED, 0) == ()
    assert await pods.told(READY, 1) == ()
    assert pods.looks == []
    assert pods.stalls.due("ns") is None


async def test_looks_come_ever_more_rarely_and_passes_between_know_the_last() -> None:
    pods, now, times = Pods(), 0.0, [0.0]
    await pods.told(STALLED, now)
    for _ in range(12):
        due = pods.stalls.due("ns")
        assert due
        times.append(due)
        assert await pods.told(STALLED, due) == (CRASH,)
        assert await pods.told(STALLED, due + 0.1) == (CRASH,), "no look"
    pauses = [after - before for before, after in pairwise(times)]

    assert len(pods.looks) == 12
    assert pauses[0] <= 2
    assert all(later >= earlier for earlier, later in pairwise(pauses[:5]))
    assert 48 <= pauses[-1] <= 60


async def test_a_change_of_the_deployment_is_looked_into_soon() -> None:
    pods, now = Pods(), 0.0
    for _ in range(8):
        await pods.told(STALLED, now)
        now = pods.stalls.due("ns") or now

    changed = replace(STALLED, total=2)
    assert await pods.told(changed, now - 30) == (CRASH,), "until then the last look holds"
    due = pods.stalls.due("ns")
    assert due is not None
    assert due <= now - 28


async def test_reasons_of_another_template_are_dropped() -> None:
    pods = Pods()
    await pods.told(STALLED, 0)
    assert await pods.told(STALLED, 10) == (CRASH,)

    assert await pods.told(replace(STALLED, generation=2), 11) == ()
    assert await pods.told(replace(STALLED, uid="other"), 20) == ()


async def test_a_deployment_that_is_nobodys_or_out_of_date_is_not_looked_into() -> None:
    pods = Pods()
    for now in (0, 10, 20):
        assert await pods.told(replace(STALLED, uid=""), now) == ()
        assert await pods.told(replace(STALLED, current=False), now) == ()

    assert pods.looks == []


async def test_what_the_deployment_says_itself_comes_first() -> None:
    pods, refused = Pods(), StallReason("FailedCreate", message="exceeded quota")
    rollout = replace(STALLED, reasons=(refused,))

    assert await pods.told(rollout, 0) == (refused,), "at once"
    assert await pods.told(rollout, 10) == (refused, CRASH)


async def test_a_right_that_is_missing_is_the_reason() -> None:
    pods = Pods()
    words = 'pods is forbidden: User "u" cannot list resource "pods" in API group "" in the namespace "ns"'
    pods.answer = ApiError(403, "Forbidden", words)
    await pods.told(STALLED, 0)

    (reason,) = await pods.told(STALLED, 10)

    assert reason.reason == "PodsNotReadable"
    assert 'the verb "list" on "pods" in namespace ns' in reason.message


@pytest.mark.parametrize(
    "error", [ApiError(500, "", "no"), ApiUnreachableError("no")], ids=["refused", "away"]
)
async def test_a_failed_look_leaves_what_was_known(error: Exception) -> None:
    pods = Pods()
    await pods.told(STALLED, 0)
    await pods.told(STALLED, 10)
    pods.answer = error

    with structlog.testing.capture_logs() as lines:
        assert await pods.told(STALLED, 100) == (CRASH,)
    assert [line["event"] for line in lines] == ["pods not read"]


async def test_a_look_that_was_broken_off_leaves_what_was_known_and_is_due() -> None:
    pods, looking = Pods(), asyncio.Event()
    await pods.told(STALLED, 0)
    await pods.told(STALLED, 10)

    async def hang(gateway: GatewayKey, deployment: str) -> tuple[StallReason, ...]:
        looking.set()
        await asyncio.Event().wait()
        return ()

    pods.hook = hang
    going = asyncio.create_task(pods.told(STALLED, 100))
    await asyncio.wait_for(looking.wait(), 5)
    going.cancel()
    await asyncio.wait((going,))

    assert (pods.stalls.due("ns") or 200) <= 100
    pods.hook, pods.answer = None, ApiUnreachableError("no")
    assert await pods.told(STALLED, 101) == (CRASH,)


async def test_of_a_crowd_some_are_looked_into_at_a_time() -> None:
    pods = Pods()
    crowd = {GatewayKey("AiGateway", "ns", f"g{n}"): STALLED for n in range(100)}
    await pods.stalls.explain("ns", crowd, 0)
    looked, now = [], 3.0
    for _ in range(5):
        await pods.stalls.explain("ns", crowd, now)
        looked.append(len(pods.looks))
        now = max(now + 0.1, pods.stalls.due("ns") or 0)

    assert looked[0] == 20
    assert max(after - before for before, after in pairwise(looked)) <= 20


async def test_nothing_is_kept_of_who_is_gone() -> None:
    pods = Pods()
    await pods.told(STALLED, 0)
    await pods.stalls.explain("ns", {}, 1)
    assert pods.stalls.due("ns") is None

    await pods.told(STALLED, 2)
    pods.stalls.forget("ns")
    assert pods.stalls.due("ns") is None
