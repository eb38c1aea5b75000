"""What is told of a gateway: its conditions, and an event for each reason why its pods do not come; not twice."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from gateway_components.daemon.reconcile.report import Reported, Reporter
from gateway_components.kube.fence import FencedClient
from gateway_components.plan.findings import Failure, Reason, WarningReason, plan_warning
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.status import Rollout, StallReason
from tests.daemon.reconcile.test_events import Noon
from tests.daemon.reconcile.world import REFUSED, World, key, reconciler

STALLED = Rollout(True, 1, 1, 1, 0, reasons=(StallReason("Unschedulable", message="no node"),))
PLAN = GatewayPlan(key("chat"), "uid-chat", 1, None, None)


class Server:
    """Takes events and statuses."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.status: dict[str, Any] = {}

    async def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if body["reason"] == "RolloutStalled":
            self.notes.append(body["note"])
        return body

    async def merge_patch(self, path: str, body: dict[str, Any], **_: Any) -> dict[str, Any]:
        self.status = body["status"]
        return body

    def raw(self) -> dict[str, Any]:
        found = World.raw_gateway("chat")
        metadata = {**found["metadata"], "resourceVersion": "1"}
        return {**found, "apiVersion": "v1", "kind": "AiGateway", "metadata": metadata, "status": self.status}

    def messages(self) -> list[str]:
        return [condition["message"] for condition in self.status["conditions"]]


async def test_each_reason_why_pods_do_not_come_is_one_event() -> None:
    server = Server()
    reporter = Reporter(cast("FencedClient", server), Noon())
    crash = replace(STALLED, reasons=(*STALLED.reasons, StallReason("CrashLoopBackOff", "litellm")))

    for rollout in (STALLED, STALLED, crash, crash):
        await reporter.gateway(PLAN, server.raw(), None, rollout)

    assert server.notes == ["Unschedulable: no node", "container litellm: CrashLoopBackOff"]
    assert server.messages()[1] == (
        "1 of 1 replicas updated, 0 available; Unschedulable: no node; container litellm: CrashLoopBackOff"
    )


async def test_who_is_ready_out_of_date_or_failed_is_not_stalled() -> None:
    server = Server()
    reporter = Reporter(cast("FencedClient", server), Noon())

    await reporter.gateway(PLAN, server.raw(), None, replace(STALLED, available=1))
    await reporter.gateway(PLAN, server.raw(), None, replace(STALLED, current=False))
    await reporter.gateway(PLAN, server.raw(), REFUSED, STALLED)

    assert server.notes == []


async def test_warnings_stay_in_the_condition() -> None:
    server = Server()
    warned = replace(PLAN, warnings=(plan_warning(WarningReason.REFERENCE_NOT_FOUND, "a Secret is missing"),))
    reporter = Reporter(cast("FencedClient", server), Noon())

    for _ in range(2):
        await reporter.gateway(warned, server.raw(), None, None)

    assert server.messages()[0].endswith("; 1 warning: a Secret is missing")


class Requests(Server):
    """Counts what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    async def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.written.append(body["reason"])
        return body

    async def merge_patch(self, path: str, body: dict[str, Any], **_: Any) -> dict[str, Any]:
        self.written.append("status")
        return await super().merge_patch(path, body)


def warned_of(*messages: str) -> GatewayPlan:
    found = (plan_warning(WarningReason.REFERENCE_NOT_FOUND, message) for message in messages)
    return replace(PLAN, warnings=tuple(found))


async def test_a_restart_writes_nothing_about_unchanged_gateways() -> None:
    server = Requests()
    await Reporter(cast("FencedClient", server), Noon()).gateway(
        warned_of("no Secret"), server.raw(), None, None
    )
    assert server.written[:2] == ["ReferenceNotFound", "status"], (
        "whoever finds the status knows of the event"
    )
    server.written.clear()

    again = Reporter(cast("FencedClient", server), Noon())
    for _ in range(2):
        assert await again.gateway(warned_of("no Secret"), server.raw(), None, None)
    assert server.written == []

    await again.gateway(warned_of("no Secret", "no ConfigMap"), server.raw(), None, None)
    assert server.written == ["ReferenceNotFound", "status"], "the new one"


async def test_what_came_up_while_no_daemon_ran_is_reported() -> None:
    server = Requests()
    await Reporter(cast("FencedClient", server), Noon()).gateway(
        warned_of("no Secret"), server.raw(), None, None
    )
    server.written.clear()

    await Reporter(cast("FencedClient", server), Noon()).gateway(
        warned_of("no Secret", "no ConfigMap"), server.raw(), None, None
    )

    assert server.written == ["ReferenceNotFound", "ReferenceNotFound", "status"]


def edit(world: World) -> None:
    world.gateways["a"] = world.raw_gateway("a", "another")


def fail(world: World) -> None:
    world.failures = {key("a"): Failure(Reason.SERVICE_FAILED, "no")}
    edit(world)


def touch(world: World) -> None:
    world.stamps["a"] = b"written by somebody"


CHANGES: Mapping[str, Callable[[World], Any]] = {
    "an edit": edit,
    "a failure": fail,
    "a write of the object, or of its status": touch,
    "nobody can tell": lambda world: world.stamps.clear(),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_of_many_gateways_those_that_changed_are_reported(change: str) -> None:
    world = World("a", "b")
    world.stamps = {"a": b"1", "b": b"1"}
    subject = reconciler(world)
    await subject.reconcile("ns")
    await subject.reconcile("ns")
    assert [step for step in world.steps if step.startswith("status")] == ["status a fine", "status b fine"]
    world.steps.clear()

    CHANGES[change](world)
    await subject.reconcile("ns")

    said = [step.split()[1] for step in world.steps if step.startswith("status")]
    assert set(said) == ({"a", "b"} if change == "nobody can tell" else {"a"})


async def test_what_was_not_written_is_reported_again() -> None:
    reported, answers = Reported(), iter((False, True))

    async def write() -> bool:
        return next(answers)

    for known in (False, False, True):
        reported.begin()
        assert reported.is_current(key("a"), "facts") is known
        if not known:
            await reported.report(key("a"), "facts", write)


async def test_what_a_round_leaves_out_is_forgotten() -> None:
    reported = Reported()

    async def write() -> bool:
        return True

    reported.begin()
    await reported.report(key("a"), "facts", write)
    reported.begin()
    reported.begin()
    assert not reported.is_current(key("a"), "facts")
