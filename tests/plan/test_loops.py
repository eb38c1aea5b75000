"""Routes that lead back to themselves."""

import pytest

from gateway_components.plan.failure import Reason
from gateway_components.plan.plan import Plan, plan
from tests.plan.make import route, route_key, snapshot, tool_gateway, tool_server

TOOLS, SECOND = "http://tools.team.svc.cluster.local", "http://second.team.svc.cluster.local"


def _plan(**urls: str) -> Plan:
    """Plan routes by their names; those whose names begin with ``s`` are on the gateway ``second``."""
    routes = [
        route(name, url=url, gateway={"name": "second" if name.startswith("s") else "tools"})
        for name, url in urls.items()
    ]
    return plan(snapshot(tool_gateway(), tool_gateway("second"), *routes))


def _looping(planned: Plan) -> set[str]:
    for found in planned.routes.values():
        assert found.failure is None or found.failure.reason == Reason.UPSTREAM_UNRESOLVED
        assert (found.upstream is None) == (found.failure is not None)
    return {key.name for key, found in planned.routes.items() if found.failure}


ITSELF = (
    (f"{TOOLS}/mcp/team__a", "its own URL"),
    (f"{TOOLS}:80/mcp/team__a/", "with port and slash"),
    ("http://tools.team.svc/mcp/team__a", "a shorter host"),
    ("http://tools.team/mcp/team__a", "the shortest host with a namespace"),
    ("http://tools/mcp/team__a", "a host without one"),
    ("http://TOOLS.team.svc.cluster.local./mcp/TEAM__A?x=y", "a host with a dot, and capitals"),
    (f"{TOOLS}/team__a/mcp", "the other path that LiteLLM has for it"),
    (f"{TOOLS}/mcp", "the path of all servers"),
    (f"{TOOLS}/sse", "their path for sse"),
    (f"{TOOLS}/mcp/team__gone", "a key that LiteLLM does not know, which it takes for all servers"),
)

ELSEWHERE = (
    (f"{SECOND}/mcp/team__a", "another gateway"),
    (f"{TOOLS}:8080/mcp/team__a", "another port"),
    ("https://tools.team.svc.cluster.local/mcp/team__a", "another port by another scheme"),
    ("http://tools.team.example.com/mcp/team__a", "another domain"),
    ("http://tools.other.svc.cluster.local/mcp/team__a", "another namespace"),
    (f"{TOOLS}/docs", "a path that is none of MCP"),
)


@pytest.mark.parametrize(("url", "why"), ITSELF, ids=[case[1] for case in ITSELF])
def test_a_route_to_itself_fails(url: str, why: str) -> None:
    planned = _plan(a=url, b="https://a.example/mcp").routes
    failure = planned[route_key("a")].failure
    assert failure is not None, why
    assert failure.message == "the URL leads back to this route"
    assert failure.field == "spec.upstream.external.url"
    assert planned[route_key("b")].failure is None


@pytest.mark.parametrize(("url", "why"), ELSEWHERE, ids=[case[1] for case in ELSEWHERE])
def test_a_route_that_only_looks_like_a_loop_is_served(url: str, why: str) -> None:
    assert _looping(_plan(a=url)) == set(), why


def test_each_route_of_a_loop_fails_and_names_the_others() -> None:
    planned = _plan(a=f"{SECOND}/mcp/team__s1", s1=f"{TOOLS}/mcp/team__b", b=f"{TOOLS}/mcp/team__a")
    assert _looping(planned) == {"a", "b", "s1"}
    failure = planned.routes[route_key("a")].failure
    assert failure is not None
    assert failure.message.endswith("by way of ToolRoute team/s1, ToolRoute team/b")


def test_a_loop_through_all_servers_of_a_gateway_names_those_that_lead_back() -> None:
    planned = _plan(a=f"{SECOND}/mcp", s1="https://a.example/mcp", s2=f"{TOOLS}/mcp/team__a")
    assert _looping(planned) == {"a", "s2"}
    failure = planned.routes[route_key("a")].failure
    assert failure is not None
    assert failure.message.endswith("by way of ToolRoute team/s2")


def test_a_route_that_leads_into_a_loop_is_in_none() -> None:
    assert _looping(_plan(a=f"{TOOLS}/mcp/team__a", s1=f"{TOOLS}/mcp/team__a")) == {"a"}


def test_a_route_that_leads_to_another_is_served() -> None:
    assert _looping(_plan(a=f"{SECOND}/mcp/team__s1", s1="https://a.example/mcp")) == set()


def test_routes_that_are_not_served_make_no_loop() -> None:
    objects = (
        tool_gateway(),
        tool_gateway("second"),
        route("a", url=f"{SECOND}/mcp/team__s1"),
        route("s1", server={"name": "gone"}, gateway={"name": "second"}),
    )
    assert plan(snapshot(*objects)).routes[route_key("a")].failure is None


def test_a_tool_server_makes_no_loop() -> None:
    objects = (tool_gateway(), tool_server(), route("a", server={"name": "files"}))
    assert plan(snapshot(*objects)).routes[route_key("a")].failure is None


def test_a_gateway_serves_nothing_of_a_loop() -> None:
    planned = _plan(a=f"{TOOLS}/mcp/team__a")
    for gateway in planned.gateways.values():
        assert gateway.objects is not None
        assert "mcp_servers: {}" in gateway.objects.config_map["data"]["config.yaml"]


def test_a_long_chain_of_routes_takes_no_time_that_anybody_would_notice() -> None:
    length = 300
    chain = {f"r{step}": f"{TOOLS}/mcp/team__r{step + 1}" for step in range(length)}
    assert _looping(_plan(**chain, **{f"r{length}": "https://a.example/mcp"})) == set()
    assert len(_looping(_plan(**chain, **{f"r{length}": f"{TOOLS}/mcp/team__r0"}))) == length + 1
