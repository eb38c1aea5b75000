"""Statuses of routes."""

from dataclasses import replace

import pytest

from gateway_components.plan.findings import Failure, Reason
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.status import Status, merge_status, released_route, route_status
from gateway_components.plan.upstreams import Upstream
from tests.plan.make import MCP_URL, route_key, tool_key

NOW, EARLIER = "2025-02-01T00:00:00Z", "2025-01-01T00:00:00Z"
FOREIGN = {
    "type": "Audited",
    "status": "True",
    "reason": "Seen",
    "message": "",
    "lastTransitionTime": EARLIER,
}
FULL = RoutePlan(route_key(), 5, tool_key(), "team__files", Upstream(MCP_URL, "http"))
ROUTE_URL = "http://tools.team.svc.cluster.local/mcp/team__files"
BROKEN = Failure(Reason.UPSTREAM_UNRESOLVED, "it is gone", path=("spec", "upstream"), cure="look for it")
DEGRADED = Failure(Reason.CONFIG_PATCH_INVALID, 'configmap "x" not found')


def test_a_route_that_is_served_is_ready_and_has_its_url() -> None:
    assert route_status(FULL, None, {}) == Status(
        [
            {
                "type": "Ready",
                "status": "True",
                "reason": "Reconciled",
                "message": "ToolGateway team/tools serves it",
                "observedGeneration": 5,
            }
        ],
        ROUTE_URL,
        standard=[],
        generation=5,
    )


@pytest.mark.parametrize("degraded", [None, DEGRADED])
def test_a_broken_route_has_its_own_reason_and_no_url(
    degraded: Failure | None,
) -> None:
    broken = RoutePlan(route_key(), 5, tool_key(), "team__files", failure=BROKEN)
    status = route_status(broken, degraded, {"url": ROUTE_URL})
    (ready,) = status.conditions
    assert (ready["status"], ready["reason"]) == ("False", "UpstreamUnresolved")
    assert ready["message"] == "it is gone (field spec.upstream; look for it)"
    assert status.url == ""


DEGRADED_URLS = (
    (ROUTE_URL, ROUTE_URL, "the gateway goes on with what it served before"),
    ("", "", "the gateway never served it"),
    (None, "", "it is new"),
    ("http://other/mcp/team__files", "", "it came from another gateway"),
)


@pytest.mark.parametrize(("before", "after", "why"), DEGRADED_URLS, ids=[case[2] for case in DEGRADED_URLS])
def test_a_route_of_a_degraded_gateway_says_so(before: str | None, after: str, why: str) -> None:
    status = route_status(FULL, DEGRADED, {} if before is None else {"url": before})
    (ready,) = status.conditions
    assert (ready["status"], ready["reason"]) == ("False", "GatewayDegraded")
    assert ready["message"] == 'ToolGateway team/tools is not configured: configmap "x" not found'
    assert status.url == after, why


def test_a_guest_does_not_learn_what_is_wrong_with_the_gateway() -> None:
    guest = replace(FULL, key=route_key(namespace="guests"))
    (ready,) = route_status(guest, DEGRADED, {}).conditions
    assert (ready["reason"], ready["message"]) == ("GatewayDegraded", "ToolGateway team/tools is degraded")


def test_a_route_that_comes_back_flips_and_gets_its_url() -> None:
    broken = RoutePlan(route_key(), 5, tool_key(), "team__files", failure=BROKEN)
    before = merge_status({}, route_status(broken, None, {}), EARLIER)
    assert before is not None
    after = merge_status(before, route_status(FULL, None, before), NOW)
    assert after is not None
    assert after["url"] == ROUTE_URL
    assert [entry["lastTransitionTime"] for entry in after["conditions"]] == [NOW]
    assert merge_status(after, route_status(FULL, None, after), NOW) is None


def test_a_released_route_has_no_condition_or_url_of_ours() -> None:
    ours = merge_status({"conditions": [FOREIGN]}, route_status(FULL, None, {}), EARLIER)
    assert released_route(ours or {}) == {"conditions": [FOREIGN], "url": "", "observedGeneration": None}


def test_a_route_of_another_controller_is_not_released() -> None:
    theirs = {"type": "Ready", "status": "True", "reason": "Served", "message": ""}
    for conditions in ([], [FOREIGN], [theirs]):
        assert released_route({"conditions": conditions, "url": "http://theirs"}) is None
    assert released_route({}) is None
