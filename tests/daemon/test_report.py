"""What is told of a gateway: its conditions, and an event for each reason why its pods do not come."""

from dataclasses import replace
from typing import Any, cast

from gateway_components.daemon.report import Reporter
from gateway_components.kube.fence import FencedClient
from gateway_components.plan.failure import PlanWarning, WarningReason
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.rollout import Rollout, StallReason
from tests.daemon.test_news import Noon
from tests.daemon.world import REFUSED, World, key

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
    warned = replace(PLAN, warnings=(PlanWarning(WarningReason.REFERENCE_NOT_FOUND, "a Secret is missing"),))
    reporter = Reporter(cast("FencedClient", server), Noon())

    for _ in range(2):
        await reporter.gateway(warned, server.raw(), None, None)

    assert server.messages()[0].endswith("; 1 warning: a Secret is missing")
