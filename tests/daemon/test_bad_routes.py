"""Routes that cannot be served: each says why, and the healthy ones are served all the same."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from gateway_components.kube.resources import CUSTOM_RESOURCES
from gateway_components.plan.references import PATCH_ANNOTATION, ROUTE_NAMESPACES_ANNOTATION
from lab import ControlPlane
from lab.errors import ApiError, KubectlError
from tests.daemon.harness import Daemon, Namespace
from tests.daemon.manifests import tool_gateway, tool_route, tool_server


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
        "the API server takes any text for a namespace; a reconcile for it would work outside of the scratch folder",
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
        ["loops back to this route"],
        "a call would never come to an end",
    ),
    (
        "loop-a",
        tool_route("loop-a", "tools", url="http://tools.NAMESPACE/mcp/NAMESPACE__loop_b"),
        "UpstreamUnresolved",
        ["loops back", "loop-b"],
        "two routes lead to each other",
    ),
    (
        "loop-b",
        tool_route("loop-b", "tools", url="http://tools.NAMESPACE.svc:80/mcp/NAMESPACE__loop_a/"),
        "UpstreamUnresolved",
        ["loops back", "loop-a"],
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


def test_of_two_equal_keys_the_gateways_namespace_wins(
    namespace: Namespace, make_namespace: Callable[[str], Namespace]
) -> None:
    other = make_namespace(f"{namespace.name}--b")
    key = f"{namespace.name}__b__c".replace("-", "_")
    namespace.apply(tool_gateway("tools"))
    other.apply(tool_route("c", f"{namespace.name}/tools", url="https://older.example.com/mcp"))
    other.wait_route("c", "Reconciled")
    assert namespace.wait_servers("tools", key)[key]["url"] == "https://older.example.com/mcp"

    namespace.apply(tool_route("b--c", "tools", url="https://own.example.com/mcp"))

    message = other.wait_route("c", "DuplicateServerName")
    assert f"ToolRoute {namespace.name}/b--c" in message
    assert key in message
    assert other.url("ToolRoute", "c") == ""
    namespace.wait_route("b--c", "Reconciled")
    assert namespace.wait_servers("tools", key)[key]["url"] == "https://own.example.com/mcp"

    namespace.delete("ToolRoute", "b--c")
    other.wait_route("c", "Reconciled")
    assert namespace.wait_servers("tools", key)[key]["url"] == "https://older.example.com/mcp"


def test_a_gateway_takes_routes_of_the_namespaces_it_lists(
    namespace: Namespace, make_namespace: Callable[[str], Namespace]
) -> None:
    guests = make_namespace(f"{namespace.name}-guests")
    home = f"{namespace.name}/tools"
    namespace.apply(tool_gateway("tools"), tool_route("own", "tools"))
    guests.apply(tool_route("guest", home), tool_route("loop", home, url="http://127.0.0.1/mcp"))
    guests.wait_route("guest", "Reconciled")
    guests.wait_route("loop", "UpstreamUnresolved")
    namespace.wait_event("tools", "ToolsShared", contains=guests.name)

    for said, reason in (
        ("Same", "ReferenceNotPermitted"),
        (guests.name, "Reconciled"),
        ("a, *", "ReferenceNotPermitted"),
    ):
        namespace.apply(tool_gateway("tools", {ROUTE_NAMESPACES_ANNOTATION: said}))
        guests.wait_route("guest", reason)
        namespace.wait_route("own", "Reconciled")
    namespace.wait_event("tools", "RouteNamespacesInvalid", contains="is not a namespace")


def test_a_guest_does_not_learn_what_is_wrong_with_a_gateway(
    namespace: Namespace, make_namespace: Callable[[str], Namespace]
) -> None:
    guests = make_namespace(f"{namespace.name}-guests")
    namespace.apply(tool_gateway("tools", {PATCH_ANNOTATION: "of-the-owner"}), tool_route("own", "tools"))
    guests.apply(tool_route("guest", f"{namespace.name}/tools"))

    namespace.wait_route("own", "GatewayDegraded", contains="of-the-owner")
    assert guests.wait_route("guest", "GatewayDegraded") == f"ToolGateway {namespace.name}/tools is degraded"
    events = guests.kubectl("get", "events", "-o", "yaml")
    assert "of-the-owner" not in events


def _filled(route: dict[str, Any], size: int) -> str:
    """Return a route whose tools take so many bytes."""
    return json.dumps({**route, "spec": {**route["spec"], "toolFilter": {"allow": ["x" * size]}}})


def _fill(place: Namespace, route: dict[str, Any]) -> None:
    """Create a route that is as large as etcd lets it be, within a hundred bytes: it has no room for a status."""
    path = CUSTOM_RESOURCES["ToolRoute"].collection(place.name)
    fits, too_large, size = 1_400_000, 1_600_000, 1_400_000
    while too_large - fits > 100 or size != fits:
        with suppress(KubectlError):
            place.lab.kubectl("delete", "--raw", f"{path}/{route['metadata']['name']}")
        size = (fits + too_large) // 2 if too_large - fits > 100 else fits
        try:
            place.lab.kubectl("create", "--raw", path, "-f", "-", input=_filled(route, size))
        except KubectlError:
            too_large = size
        else:
            fits = size


def test_a_route_without_room_for_a_status_holds_up_no_gateway(
    namespace: Namespace, make_namespace: Callable[[str], Namespace], daemon: Daemon
) -> None:
    guests = make_namespace(f"{namespace.name}-guests")
    _fill(guests, tool_route("full", f"{namespace.name}/tools"))
    namespace.apply(tool_gateway("tools"), tool_route("own", "tools"))

    namespace.wait_route("own", "Reconciled")
    daemon.wait_for("status not written")
    namespace.apply(tool_route("later", "tools"))
    namespace.wait_route("later", "Reconciled")


def test_a_tool_pattern_that_allows_warns_a_denying_one_fails(namespace: Namespace, daemon: Daemon) -> None:
    namespace.apply(
        tool_gateway("tools"),
        tool_route("some", "tools", toolFilter={"allow": ["get_*"]}),
        tool_route("open", "tools", toolFilter={"deny": ["delete_*"]}),
    )

    namespace.wait_route("some", "Reconciled")
    namespace.wait_route("open", "ToolFilterInvalid", contains="nothing is blocked")
    assert namespace.url("ToolRoute", "open") == ""

    event = namespace.wait_event("some", "ToolPatternIgnored", contains="get_*")
    assert (event["type"], event["regarding"]["kind"]) == ("Warning", "ToolRoute")
    assert daemon.wait_for("ToolPatternIgnored", route=f"ToolRoute {namespace.name}/some")["cure"]


def test_a_route_is_fixed_by_creating_what_was_missing(namespace: Namespace) -> None:
    namespace.apply(tool_route("early", "tools", server="weather"))
    namespace.wait_route("early", "GatewayNotFound")
    lost = namespace.wait_event("early", "GatewayNotFound")
    assert (lost["type"], lost["regarding"]["kind"]) == ("Warning", "ToolRoute")

    namespace.apply(tool_gateway("tools"))
    namespace.wait_route("early", "UpstreamUnresolved", contains="weather")
    namespace.apply(tool_server("weather", transportType="sse"))

    namespace.wait_route("early", "Reconciled")
    assert namespace.wait_event("early", "Reconciled")["type"] == "Normal"
    assert namespace.wait_event("tools", "ConfigurationApplied")["regarding"]["kind"] == "ToolGateway"
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
