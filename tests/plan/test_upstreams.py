"""What is behind a route: URL, transport and which tools."""

from typing import Any

import pytest

from gateway_components.crds.parse import parse_as
from gateway_components.crds.toolroute import ToolRoute
from gateway_components.crds.toolserver import ToolServer
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.keys import Reference
from gateway_components.plan.snapshot import Unreadable
from gateway_components.plan.upstreams import Upstream, filter_warnings, resolve_upstream
from tests.plan.make import resources, route, tool_server

HOST = "http://files.team.svc.cluster.local"
SERVER = {"name": "files"}

SERVERS: tuple[tuple[dict[str, Any], str, str, str], ...] = (
    ({"port": 8000}, f"{HOST}:8000/mcp", "http", "http is the default, and /mcp its path"),
    ({"port": 8000, "transportType": "sse"}, f"{HOST}:8000/sse", "sse", "sse has a path of its own"),
    ({"port": 80, "path": "/v1"}, f"{HOST}:80/v1", "http", "a path wins over the default"),
    ({"path": "/mcp", "transportType": "sse"}, f"{HOST}:8000/mcp", "sse", "a path decides no transport"),
    ({"path": "/v1/sse"}, f"{HOST}:8000/v1/sse", "http", "nor does one that ends in /sse"),
    ({"port": None}, f"{HOST}:8080/mcp", "http", "the port defaults to that of the operator of ToolServers"),
)


@pytest.mark.parametrize(("spec", "url", "transport", "why"), SERVERS, ids=[case[3] for case in SERVERS])
def test_tool_server(spec: dict[str, Any], url: str, transport: str, why: str) -> None:
    found = resolve_upstream(route(server=SERVER), resources(tool_server(**spec)))
    assert (found.url, found.transport) == (url, transport), why


def test_a_tool_server_without_a_spec_has_the_defaults() -> None:
    bare = parse_as(ToolServer, {"metadata": {"name": "files", "namespace": "team"}})
    assert resolve_upstream(route(server=SERVER), resources(bare)).url == f"{HOST}:8080/mcp"


def test_a_tool_server_of_another_namespace() -> None:
    found = route(server={"name": "files", "namespace": "servers", "kind": "ToolServer"})
    servers = resources(tool_server(namespace="servers"), tool_server(port=1))
    assert resolve_upstream(found, servers).url == "http://files.servers.svc.cluster.local:8000/mcp"


EXTERNAL = (
    ("https://a.example/mcp", "http", "any path is streamable HTTP"),
    ("https://a.example", "http", "so is none"),
    ("https://a.example/v1/sse", "sse", "a path that ends in /sse is not"),
    ("https://a.example/sse?team=a#b", "sse", "what follows the path does not count"),
    ("https://a.example/mcp?x=/sse", "http", "nor does its end"),
    ("https://a.example/sse/", "http", "a slash behind it makes another path"),
    ("https://a.example/SSE", "http", "so do capitals"),
    ("https://a.example/msse", "http", "a part of a name is none"),
    ("https://sse", "http", "a host is no path"),
)


@pytest.mark.parametrize(("url", "transport", "why"), EXTERNAL, ids=[case[2] for case in EXTERNAL])
def test_external_url_is_verbatim_and_its_path_decides_the_transport(
    url: str, transport: str, why: str
) -> None:
    found = resolve_upstream(route(url=url), {})
    assert (found.url, found.transport) == (url, transport), why


UNREADABLE = {Reference("ToolServer", "team", "files"): Unreadable("spec.port: is the text")}
BROKEN: tuple[tuple[ToolRoute, Any, str, str, str], ...] = (
    (route(server=SERVER), {}, "ToolServer team/files does not exist", "", "it is missing"),
    (
        route(server=SERVER),
        resources(tool_server(namespace="other")),
        "ToolServer team/files does not exist",
        "",
        "it is in another namespace",
    ),
    (route(server=SERVER), UNREADABLE, "cannot be read: spec.port: is the text", "", "it cannot be read"),
    (
        route(server=SERVER),
        resources(tool_server(path="/a b")),
        "the URL of ToolServer team/files has a space",
        "",
        "its path has a space",
    ),
    (
        route(server={"name": "files", "kind": "Service"}),
        resources(tool_server()),
        "leads to the kind Service",
        ".kind",
        "the reference is to another kind",
    ),
    (route(server={}), {}, "has no name", ".name", "the reference has no name"),
)


@pytest.mark.parametrize(("found", "known", "told", "field", "why"), BROKEN, ids=[case[4] for case in BROKEN])
def test_a_tool_server_that_cannot_be_resolved(
    found: ToolRoute, known: Any, told: str, field: str, why: str
) -> None:
    with pytest.raises(Failure) as caught:
        resolve_upstream(found, known)
    assert caught.value.reason == Reason.UPSTREAM_UNRESOLVED, why
    assert told in caught.value.message
    assert caught.value.field == f"spec.upstream.toolServerRef{field}"
    assert caught.value.cure


def test_a_url_that_nobody_can_call_names_its_field() -> None:
    with pytest.raises(Failure) as caught:
        resolve_upstream(route(url="http://me:hunter2@a.example/mcp"), {})
    assert caught.value.field == "spec.upstream.external.url"
    assert "hunter2" not in str(caught.value)


def test_a_route_without_an_upstream_says_so() -> None:
    bare = parse_as(ToolRoute, {"metadata": {"name": "files", "namespace": "team"}})
    with pytest.raises(Failure, match="the route has no upstream"):
        resolve_upstream(bare, {})


ENTRIES: tuple[tuple[dict[str, list[str]], dict[str, list[str]], str], ...] = (
    ({}, {}, "no list, no key"),
    ({"allow": [], "deny": []}, {}, "an empty list is none"),
    ({"allow": ["b", "a", "b"]}, {"allowed_tools": ["b", "a", "b"]}, "names stay verbatim and in order"),
    ({"deny": ["b"]}, {"disallowed_tools": ["b"]}, "so do those that are denied"),
    (
        {"allow": ["a", "b"], "deny": ["b"]},
        {"allowed_tools": ["a"], "disallowed_tools": ["b"]},
        "LiteLLM would let a tool of both lists be called",
    ),
    (
        {"allow": ["a", "b", "team__files-c"], "deny": ["team__files-b", "c"]},
        {"allowed_tools": ["a"], "disallowed_tools": ["team__files-b", "c"]},
        "clients see tools with the key in front, so people deny them like that",
    ),
    (
        {"allow": ["other-b"], "deny": ["b"]},
        {"allowed_tools": ["other-b"], "disallowed_tools": ["b"]},
        "another name in front makes another tool",
    ),
    (
        {"allow": ["a"], "deny": ["a"]},
        {"allowed_tools": [""], "disallowed_tools": ["a"]},
        "LiteLLM takes an empty list for all tools",
    ),
)


@pytest.mark.parametrize(("tools", "lists", "why"), ENTRIES, ids=[case[2] for case in ENTRIES])
def test_lists_of_tools(tools: dict[str, list[str]], lists: dict[str, list[str]], why: str) -> None:
    entry = resolve_upstream(route(toolFilter=tools), {}).entry
    assert {name: value for name, value in entry.items() if name.endswith("_tools")} == lists, why


def test_keys_of_an_entry_are_in_the_documented_order() -> None:
    entry = Upstream("http://a", "sse", ("a",), ("b",)).entry
    assert list(entry) == ["url", "transport", "allowed_tools", "disallowed_tools", "allow_all_keys"]
    assert (entry["url"], entry["transport"], entry["allow_all_keys"]) == ("http://a", "sse", True)


PATTERNS: tuple[tuple[dict[str, list[str]], list[str], str], ...] = (
    ({"allow": ["a", "get_*"]}, ["spec.toolFilter.allow"], "a star"),
    ({"deny": ["delete_?", "*"]}, ["spec.toolFilter.deny"], "one warning for each list"),
    ({"allow": ["*"], "deny": ["?"]}, ["spec.toolFilter.allow", "spec.toolFilter.deny"], "both lists"),
    ({"allow": ["a.b/c[0]"], "deny": ["-"]}, [], "other characters are no pattern"),
)


@pytest.mark.parametrize(("tools", "fields", "why"), PATTERNS, ids=[case[2] for case in PATTERNS])
def test_patterns_of_tools(tools: dict[str, list[str]], fields: list[str], why: str) -> None:
    assert [warning.field for warning in filter_warnings(route(toolFilter=tools))] == fields, why
