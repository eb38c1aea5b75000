"""Routes that cannot be served: each says why, and the healthy ones are served all the same."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab import ControlPlane, wait_until
from lab.errors import ApiError
from tests.daemon.harness import SECONDS, Daemon, Namespace, tool_gateway, tool_route, tool_server

_SECOND = timedelta(seconds=1)


@pytest.fixture
def make_namespace(lab: ControlPlane, daemon: Daemon) -> Iterator[Callable[[str], Namespace]]:
    """Return what makes a namespace of a given name, deleted after the test."""
    made: list[str] = []

    def make(name: str) -> Namespace:
        lab.kubectl("create", "namespace", name)
        made.append(name)
        return Namespace(lab, name)

    yield make
    for name in made:
        lab.kubectl("delete", "namespace", name, "--wait=false")


def _referring(route: dict[str, Any], part: str, **reference: str) -> dict[str, Any]:
    """Return a route whose reference `part` has further fields."""
    spec = route["spec"]
    holder = spec["upstream"] if part == "toolServerRef" else spec
    return (
        {**route, "spec": {**spec, part: {**holder[part], **reference}}}
        if holder is spec
        else {
            **route,
            "spec": {**spec, "upstream": {part: {**holder[part], **reference}}},
        }
    )


BROKEN = [
    (
        "no-server",
        tool_route("no-server", "tools", server="nowhere"),
        "UpstreamUnresolved",
        ["ToolServer", "nowhere does not exist", "spec.upstream.toolServerRef", "create it"],
        "a ToolServer that does not exist is named",
    ),
    (
        "no-gateway",
        tool_route("no-gateway", "nowhere"),
        "GatewayNotFound",
        ["ToolGateway", "nowhere does not exist", "spec.toolGatewayRef", "create it"],
        "a gateway that does not exist is named",
    ),
    (
        "no-place",
        tool_route("no-place", "../../tools"),
        "GatewayNotFound",
        ["ToolGateway ../../tools does not exist"],
        "the API server takes any text for a namespace; a pass for it would work outside of the state folder",
    ),
    (
        "no-class",
        tool_route("no-class", "classless"),
        "GatewayNotFound",
        ["classless", "its class no-such-class does not exist"],
        "no controller at all runs the gateway, so nobody else will say so",
    ),
    (
        "no-host",
        tool_route("no-host", "tools", url="https:///mcp"),
        "UpstreamUnresolved",
        ["has no host", "spec.upstream.external.url"],
        "the CRD's pattern admits it",
    ),
    (
        "space",
        tool_route("space", "tools", url="https://tools.example.com/a b"),
        "UpstreamUnresolved",
        ["has a space", "%20"],
        "nobody can call it",
    ),
    (
        "itself",
        tool_route("itself", "tools", url="http://tools.NAMESPACE.svc.cluster.local/mcp/NAMESPACE__itself"),
        "UpstreamUnresolved",
        ["leads back to this route"],
        "a call would never come to an end",
    ),
    (
        "loop-a",
        tool_route("loop-a", "tools", url="http://tools.NAMESPACE/mcp/NAMESPACE__loop_b"),
        "UpstreamUnresolved",
        ["leads back", "loop-b"],
        "two routes lead to each other",
    ),
    (
        "loop-b",
        tool_route("loop-b", "tools", url="http://tools.NAMESPACE.svc:80/mcp/NAMESPACE__loop_a/"),
        "UpstreamUnresolved",
        ["leads back", "loop-a"],
        "the same host, written otherwise",
    ),
    (
        "wrong-kind",
        _referring(tool_route("wrong-kind", "tools", server="weather"), "toolServerRef", kind="AiGateway"),
        "UpstreamUnresolved",
        ["AiGateway, not to a ToolServer"],
        "a reference says which kind it means",
    ),
    (
        "wrong-gateway",
        _referring(
            tool_route("wrong-gateway", "tools", server="weather"), "toolGatewayRef", kind="AiGateway"
        ),
        "GatewayNotFound",
        ["AiGateway, but only a ToolGateway"],
        "models are not served by routes",
    ),
]


def test_each_broken_route_says_why_and_none_harms_the_others(namespace: Namespace, daemon: Daemon) -> None:
    namespace.apply(
        tool_gateway("tools"),
        tool_gateway("classless", toolGatewayClassName="no-such-class"),
        tool_server("weather"),
        tool_route("healthy", "tools", server="weather"),
    )
    healthy = f"{namespace.name}__healthy".replace("-", "_")
    namespace.wait_servers("tools", healthy)
    namespace.wait_ready("tools", "ToolGateway")
    version = namespace.existing("ConfigMap", "tools-config")["metadata"]["resourceVersion"]

    for _, route, _, _, _ in BROKEN:
        namespace.apply(_placed(route, namespace))

    for name, _, reason, said, why in BROKEN:
        message = namespace.wait_route(name, reason)
        assert [part for part in said if part not in message] == [], f"{name}: {why}: {message}"
        assert namespace.url("ToolRoute", name) == "", name
        event = namespace.wait_event(name, reason)
        assert (event["type"], event["regarding"]["kind"]) == ("Warning", "ToolRoute")
        line = daemon.wait_for("ToolRouteReady", route=f"ToolRoute {namespace.name}/{name}", reason=reason)
        assert line["level"] == "warning"
    namespace.wait_servers("tools", healthy)
    namespace.wait_route("healthy", "Reconciled")
    namespace.wait_ready("tools", "ToolGateway")
    config_map = namespace.existing("ConfigMap", "tools-config")["metadata"]
    assert config_map["resourceVersion"] == version, "no broken route touches what is served"
    assert "status" not in namespace.existing("ToolGateway", "classless")


ADMISSION = [
    (
        "scheme",
        {"external": {"url": "ftp://tools.example.com/mcp"}},
        "spec.upstream.external.url",
        "MCP is spoken over http and https",
    ),
    (
        "both",
        {"external": {"url": "https://tools.example.com/mcp"}, "toolServerRef": {"name": "weather"}},
        "exactly one of toolServerRef or external must be set",
        "which one counts would be a guess",
    ),
    ("neither", {}, "exactly one of toolServerRef or external must be set", "a route leads somewhere"),
]


@pytest.mark.parametrize(("name", "upstream", "said", "why"), ADMISSION, ids=[case[0] for case in ADMISSION])
def test_the_api_server_refuses_an_upstream_that_makes_no_sense(
    namespace: Namespace, name: str, upstream: dict[str, Any], said: str, why: str
) -> None:
    route = tool_route(name, "tools")
    route["spec"]["upstream"] = upstream

    with pytest.raises(ApiError, match=re.escape(said)):
        namespace.apply(route)


def test_of_two_routes_with_one_key_the_older_wins_also_across_namespaces(
    namespace: Namespace, make_namespace: Callable[[str], Namespace]
) -> None:
    other = make_namespace(f"{namespace.name}--b")
    key = f"{namespace.name}__b__c".replace("-", "_")
    namespace.apply(tool_gateway("tools"))
    other.apply(tool_route("c", f"{namespace.name}/tools", url="https://older.example.com/mcp"))
    other.wait_route("c", "Reconciled")
    # Creation times are whole seconds, and within one the names decide.
    created = datetime.fromisoformat(other.existing("ToolRoute", "c")["metadata"]["creationTimestamp"])
    wait_until(lambda: datetime.now(UTC) - created > _SECOND, timeout=SECONDS, what="the next second")
    namespace.apply(tool_route("b--c", "tools", url="https://younger.example.com/mcp"))

    message = namespace.wait_route("b--c", "DuplicateServerName")

    assert f"ToolRoute {other.name}/c" in message
    assert key in message
    assert namespace.url("ToolRoute", "b--c") == ""
    assert namespace.wait_servers("tools", key)[key]["url"] == "https://older.example.com/mcp"

    other.kubectl("delete", "toolroute", "c")
    namespace.wait_route("b--c", "Reconciled")
    assert namespace.wait_servers("tools", key)[key]["url"] == "https://younger.example.com/mcp"


def test_a_pattern_for_tools_is_a_warning_since_litellm_takes_it_for_a_name(
    namespace: Namespace, daemon: Daemon
) -> None:
    namespace.apply(tool_gateway("tools"), tool_route("some", "tools", toolFilter={"deny": ["delete_*"]}))

    namespace.wait_route("some", "Reconciled")

    event = namespace.wait_event("some", "ToolPatternIgnored", contains="delete_*")
    assert (event["type"], event["regarding"]["kind"]) == ("Warning", "ToolRoute")
    assert daemon.wait_for("ToolPatternIgnored", route=f"ToolRoute {namespace.name}/some")["cure"]


def test_a_route_is_mended_by_creating_what_was_missing(namespace: Namespace) -> None:
    namespace.apply(tool_route("early", "tools", server="weather"))
    namespace.wait_route("early", "GatewayNotFound")

    namespace.apply(tool_gateway("tools"))
    namespace.wait_route("early", "UpstreamUnresolved", contains="weather")
    namespace.apply(tool_server("weather", transportType="sse"))

    namespace.wait_route("early", "Reconciled")
    key = f"{namespace.name}__early".replace("-", "_")
    host = f"weather.{namespace.name}.svc.cluster.local"
    assert namespace.wait_servers("tools", key)[key] == {
        "url": f"http://{host}:8000/sse",
        "transport": "sse",
        "allow_all_keys": True,
    }
    assert namespace.url("ToolRoute", "early") == f"http://tools.{namespace.name}.svc.cluster.local/mcp/{key}"


def _placed(route: dict[str, Any], namespace: Namespace) -> dict[str, Any]:
    """Return `route` with the real names in its URL."""
    external = route["spec"]["upstream"].get("external")
    if not external:
        return route
    head, slash, path = external["url"].partition("/mcp/")
    url = (
        head.replace("NAMESPACE", namespace.name)
        + slash
        + path.replace("NAMESPACE", namespace.name.replace("-", "_"))
    )
    return {**route, "spec": {**route["spec"], "upstream": {"external": {"url": url}}}}
