"""Routes that lead back to themselves."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_components.identity import Identity
from gateway_components.plan.findings import Reason
from gateway_components.plan.loops import _Graph, _loops
from gateway_components.plan.plan import Plan, plan
from gateway_components.plan.snapshot import Policy
from tests.plan.make import route, route_key, snapshot, tool_gateway, tool_key, tool_server

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
    ("http://tools.team.svc.clusters.example/mcp", "the domain of another cluster"),
    ("http://_http._tcp.tools.team.svc.cluster.local/mcp", "the name of its port in front"),
    ("http://\uff54\uff4f\uff4f\uff4c\uff53.team.svc/mcp", "wide letters"),
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
    assert failure.message == "the URL loops back to this route"
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


def test_a_loop_through_all_servers_names_the_way_back() -> None:
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


@pytest.mark.parametrize("host", ["localhost", "127.1", "[::1]", "0.0.0.0"])  # noqa: S104  (called, not bound)
def test_no_installation_can_allow_a_gateway_its_own_port(host: str) -> None:
    allowed = Policy(allowed_upstreams=("localhost", "127.0.0.0/8", "::1", "0.0.0.0/8"))
    urls = {"a": f"http://{host}/mcp", "b": f"http://{host}:8080/mcp", "c": f"https://{host}/mcp"}
    routes = (route(name, url=url) for name, url in urls.items())
    planned = plan(snapshot(tool_gateway(), *routes, policy=allowed))
    assert _looping(planned) == {"a"}


def test_a_guest_cannot_have_a_gateway_call_itself() -> None:
    home = {"name": "tools", "namespace": "team"}
    guests = (
        route("one", namespace="other", gateway=home, url=f"{TOOLS}/mcp/team__a"),
        route("two", namespace="other", gateway=home, url=f"{TOOLS}/health"),
        route("three", namespace="other", gateway=home, url=f"{SECOND}/mcp/team__s1"),
    )
    back = route("s1", gateway={"name": "second"}, url=f"{TOOLS}/mcp/other__three")
    planned = plan(snapshot(tool_gateway(), tool_gateway("second"), route("a"), *guests, back))
    assert _looping(planned) == {"one", "two", "three", "s1"}
    reported = {key.name: str(found.failure) for key, found in planned.routes.items() if found.failure}
    assert "ToolRoute" not in reported["three"]
    assert "by way of ToolRoute other/three" in reported["s1"]


def test_a_long_chain_of_routes_is_planned_quickly() -> None:
    length = 300
    chain = {f"r{step}": f"{TOOLS}/mcp/team__r{step + 1}" for step in range(length)}
    assert _looping(_plan(**chain, **{f"r{length}": "https://a.example/mcp"})) == set()
    assert len(_looping(_plan(**chain, **{f"r{length}": f"{TOOLS}/mcp/team__r0"}))) == length + 1


def test_a_loop_of_very_many_routes_names_some_of_them() -> None:
    length = 300
    planned = _plan(
        **{f"r{step:03}": f"{TOOLS}/mcp/team__r{(step + 1) % length:03}" for step in range(length)}
    )
    failure = planned.routes[route_key("r007")].failure
    assert failure is not None
    assert failure.message.startswith("the URL loops back to this route by way of ToolRoute team/r000, ")
    assert failure.message.endswith(" and 290 more")


def test_each_place_is_visited_once_however_many_lead_back() -> None:
    looked_at = 0

    class Counted(_Graph):
        def after(self, place: Any) -> Any:
            nonlocal looked_at
            for following in super().after(place):
                looked_at += 1
                yield following

    gateway, keys = tool_key(), [Identity("ToolRoute", "team", f"r{number}") for number in range(2_000)]
    graph = Counted(
        {gateway: {key.name: key for key in keys}}, dict.fromkeys(keys, gateway), dict.fromkeys(keys, gateway)
    )
    assert _loops(graph) == dict.fromkeys(keys, "")
    assert looked_at <= 2 * len(keys) + 1


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), max_size=8))
def test_loops_are_those_that_following_each_route_finds(edges: list[tuple[int, int]]) -> None:
    homes = {
        Identity("ToolRoute", "team", f"r{number}"): tool_key(f"g{home % 2}")
        for number, (home, _) in enumerate(edges)
    }
    keys = list(homes)
    served: dict[Identity, dict[str, Identity]] = {}
    for key, home in homes.items():
        served.setdefault(home, {})[key.name] = key
    places: list[Identity] = [*keys, *served]
    follows = {key: places[to] for key, (_, to) in zip(keys, edges, strict=True) if to < len(places)}
    graph = _Graph(served, homes, follows)

    def reachable(start: Identity) -> bool:
        seen: set[Any] = set()
        coming: list[Identity] = [start]
        while coming:
            for place in graph.after(coming.pop()):
                if place == start:
                    return True
                if place not in seen:
                    seen.add(place)
                    coming.append(place)
        return False

    assert _loops(graph).keys() == {key for key in keys if reachable(key)}
