"""What is behind a route: URL, transport and which tools."""

from typing import Any

import pytest

from gateway_components.api.parse import parse_as
from gateway_components.api.syntax import shown
from gateway_components.api.tools import ToolRoute, ToolServer
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason, WarningReason
from gateway_components.plan.snapshot import Policy, Unreadable
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
    found = resolve_upstream(route(server=SERVER), resources(tool_server(**spec)), Policy())
    assert (found.url, found.transport) == (url, transport), why


def test_a_tool_server_without_a_spec_has_the_defaults() -> None:
    bare = parse_as(ToolServer, {"metadata": {"name": "files", "namespace": "team"}})
    assert resolve_upstream(route(server=SERVER), resources(bare), Policy()).url == f"{HOST}:8080/mcp"


def test_a_tool_server_of_another_namespace() -> None:
    found = route(server={"name": "files", "namespace": "servers", "kind": "ToolServer"})
    servers = resources(tool_server(namespace="servers"), tool_server(port=1))
    assert resolve_upstream(found, servers, Policy()).url == "http://files.servers.svc.cluster.local:8000/mcp"


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
def test_an_external_url_is_verbatim_and_decides_the_transport(url: str, transport: str, why: str) -> None:
    found = resolve_upstream(route(url=url), {}, Policy())
    assert (found.url, found.transport) == (url, transport), why


UNREADABLE = {Identity("ToolServer", "team", "files"): Unreadable("spec.port: is the text")}
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


@pytest.mark.parametrize(
    ("found", "known", "reported", "field", "why"), BROKEN, ids=[case[4] for case in BROKEN]
)
def test_a_tool_server_that_cannot_be_resolved(
    found: ToolRoute, known: Any, reported: str, field: str, why: str
) -> None:
    with pytest.raises(Failure) as caught:
        resolve_upstream(found, known, Policy())
    assert caught.value.reason == Reason.UPSTREAM_UNRESOLVED, why
    assert reported in caught.value.message
    assert caught.value.field == f"spec.upstream.toolServerRef{field}"
    assert caught.value.cure


def test_a_url_that_nobody_can_call_names_its_field() -> None:
    with pytest.raises(Failure) as caught:
        resolve_upstream(route(url="http://me:hunter2@a.example/mcp"), {}, Policy())
    assert caught.value.field == "spec.upstream.external.url"
    assert "hunter2" not in str(caught.value)


def test_a_route_without_an_upstream_says_so() -> None:
    bare = parse_as(ToolRoute, {"metadata": {"name": "files", "namespace": "team"}})
    with pytest.raises(Failure, match="the route has no upstream"):
        resolve_upstream(bare, {}, Policy())


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
        {"deny": ["Erase", "get"]},
        {"disallowed_tools": ["Erase", "erase", "get"]},
        "LiteLLM hides a tool in whatever case, and refuses a call of the very name alone",
    ),
    (
        {"allow": ["erase", "b"], "deny": ["Erase"]},
        {"allowed_tools": ["b"], "disallowed_tools": ["Erase", "erase"]},
        "capitals do not get around a denial",
    ),
    (
        {"allow": ["a"], "deny": ["a"]},
        {"allowed_tools": [""], "disallowed_tools": ["a"]},
        "LiteLLM takes an empty list for all tools",
    ),
)


@pytest.mark.parametrize(("tools", "lists", "why"), ENTRIES, ids=[case[2] for case in ENTRIES])
def test_lists_of_tools(tools: dict[str, list[str]], lists: dict[str, list[str]], why: str) -> None:
    entry = resolve_upstream(route(toolFilter=tools), {}, Policy()).entry
    assert {name: value for name, value in entry.items() if name.endswith("_tools")} == lists, why


def test_keys_of_an_entry_are_in_the_documented_order() -> None:
    entry = Upstream("http://a", "sse", ("a",), ("b",)).entry
    assert list(entry) == ["url", "transport", "allowed_tools", "disallowed_tools", "allow_all_keys"]
    assert (entry["url"], entry["transport"], entry["allow_all_keys"]) == ("http://a", "sse", True)


PATTERNS = (
    ("delete_*", "a star"),
    ("*", "nothing but a star"),
    ("delete_?", "a question mark"),
    ("delete_[ab]", "a set"),
    ("delete_{a,b}", "alternatives of a shell"),
    ("^delete", "a regular expression"),
    ("delete.+", "another one"),
    ("(delete|erase)", "alternatives of one"),
    ("delete$", "the end of a line"),
    ("!get", "everything else"),
    ("delete_%", "a pattern of SQL"),
    ("delete_", "the beginning of names"),
    ("delete-", "the beginning of names, with a dash"),
    ("github/", "a folder"),
    ("-delete", "the end of names"),
    (" erase", "a space in front"),
    ("erase\n", "a line break behind"),
    ("delete file", "a space, which no name has"),
    ("erase, delete", "a list in one entry"),
    ("", "nothing"),
)
NAMES = (
    "erase",
    "delete_file",
    "getPet",
    "a.b/c",
    "ns:tool",
    "team__files-erase",
    "löschen",
    "_private",
    "x2",
)


@pytest.mark.parametrize(("name", "why"), PATTERNS, ids=[case[1] for case in PATTERNS])
def test_a_denied_pattern_holds_nothing_back_and_is_refused(name: str, why: str) -> None:
    with pytest.raises(Failure) as caught:
        resolve_upstream(route(toolFilter={"allow": ["delete_file"], "deny": ["erase", name]}), {}, Policy())
    assert (caught.value.reason, caught.value.field) == (
        Reason.TOOL_FILTER_INVALID,
        "spec.toolFilter.deny",
    ), why
    assert caught.value.message.endswith("nothing is blocked by " + shown(name))
    assert "in full" in caught.value.cure


@pytest.mark.parametrize(("name", "why"), PATTERNS, ids=[case[1] for case in PATTERNS])
def test_an_allowed_pattern_shuts_out_and_is_a_warning(name: str, why: str) -> None:
    found = route(toolFilter={"allow": ["get", name]})
    (warning,) = filter_warnings(found)
    assert (warning.reason, warning.field) == (WarningReason.TOOL_PATTERN_IGNORED, "spec.toolFilter.allow"), (
        why
    )
    assert "nothing is allowed by" in warning.message
    assert resolve_upstream(found, {}, Policy()).allow == ("get", name)


def test_all_patterns_among_the_denied_are_named() -> None:
    with pytest.raises(Failure) as caught:
        resolve_upstream(route(toolFilter={"deny": ["delete_*", "erase", "^rm"]}), {}, Policy())
    assert caught.value.message.endswith('nothing is blocked by "delete_*", "^rm"')


@pytest.mark.parametrize("name", NAMES)
def test_names_that_tools_have_are_no_patterns(name: str) -> None:
    found = route(toolFilter={"allow": [name], "deny": [name]})
    assert name in resolve_upstream(found, {}, Policy()).deny
    assert not list(filter_warnings(found))


def test_a_tool_can_be_denied_by_the_documented_key_of_its_route() -> None:
    found = route("my-files", toolFilter={"deny": ["team__my-files-erase", "team__my_files-drop"]})
    assert resolve_upstream(found, {}, Policy()).deny == ("erase", "team__my_files-drop")


LOCAL = (
    ("localhost", "the name"),
    ("LOCALHOST.", "in capitals, with a dot behind"),
    ("localhost..", "two dots"),
    ("a.b.localhost", "a name below it"),
    ("ip6-localhost", "a name that the kubelet writes into the hosts of a pod"),
    ("127.0.0.1", "the address"),
    ("127.9.8.7", "another one of its network"),
    ("127.1", "with zeros left out"),
    ("2130706433", "as one number"),
    ("0x7f000001", "as a hexadecimal number"),
    ("0x7f.1", "in parts of several kinds"),
    ("0177.0.0.1", "with an octal part"),
    ("017700000001", "as an octal number"),
    ("0.0.0.0", "the unspecified address, which leads to the machine itself"),  # noqa: S104  (called, not bound)
    ("0", "and its shortest spelling"),
    ("[::1]", "the address of IPv6"),
    ("[0:0:0:0:0:0:0:1]", "in full"),
    ("[::]", "the unspecified one"),
    ("[::ffff:127.0.0.1]", "an IPv4 address in one of IPv6"),
    ("[::ffff:7f00:1]", "the same in hexadecimal"),
    ("[64:ff9b::7f00:1]", "by NAT64"),
    ("[2002:7f00:1::]", "by 6to4"),
    ("\uff11\uff12\uff17.0.0.1", "wide digits"),
    ("\u2460\u2461\u2466.0.0.1", "digits in circles"),
    ("\u0661\u0662\u0667.0.0.1", "Arabic digits"),
    ("169.254.169.254", "the metadata service of clouds"),
    ("2852039166", "as one number"),
    ("[fd00:ec2::254]", "that of AWS"),
    ("metadata.google.internal.", "that of Google, with a dot"),
    ("metadata", "its name where search domains complete it"),
    ("100.100.100.200", "that of Alibaba"),
    ("168.63.129.16", "that of Azure"),
    ("169.254.1.1", "a link-local address"),
    ("[fe80::1]", "one of IPv6"),
    ("224.0.0.1", "many at once"),
)


@pytest.mark.parametrize(("host", "why"), LOCAL, ids=[case[1] for case in LOCAL])
def test_addresses_of_the_pod_and_its_node_are_refused(host: str, why: str) -> None:
    for url in (f"http://{host}/mcp", f"https://{host}:8443/sse"):
        with pytest.raises(Failure) as caught:
            resolve_upstream(route(url=url), {}, Policy())
        assert (caught.value.reason, caught.value.field) == (
            Reason.UPSTREAM_UNRESOLVED,
            "spec.upstream.external.url",
        ), why
        assert "allowed_upstreams" in caught.value.cure


ELSEWHERE = (
    "10.0.0.1",
    "[2001:db8::1]",
    "localhost.example.com",
    "mylocalhost",
    "127.example.com",
    "128.0.0.1",
    "8.8",
)


@pytest.mark.parametrize("host", ELSEWHERE)
def test_addresses_of_others_may_be_called(host: str) -> None:
    assert resolve_upstream(route(url=f"http://{host}/mcp"), {}, Policy()).url == f"http://{host}/mcp"


ALLOWED = (
    ("localhost", "http://LOCALHOST.:8000/mcp", "a host in any spelling"),
    ("127.0.0.0/8", "http://127.1:8000/mcp", "an address of a network in any spelling"),
    ("127.0.0.1", "http://2130706433:8000/mcp", "one address"),
    ("::1", "http://[0::1]:8000/mcp", "one of IPv6"),
    ("169.254.0.0/16", "http://[::ffff:169.254.1.1]/mcp", "one of IPv4 in one of IPv6"),
)


@pytest.mark.parametrize(("entry", "url", "why"), ALLOWED, ids=[case[2] for case in ALLOWED])
def test_an_installation_can_allow_an_address(entry: str, url: str, why: str) -> None:
    assert resolve_upstream(route(url=url), {}, Policy(allowed_upstreams=(entry,))).url == url, why
    with pytest.raises(Failure):
        resolve_upstream(
            route(url=url), {}, Policy(allowed_upstreams=("localhost.example.com", "10.0.0.0/8"))
        )


def test_what_stands_in_a_tool_server_of_others_is_not_reported() -> None:
    found = {Identity("ToolServer", "other", "files"): Unreadable("spec.port: is the text hunter2")}
    with pytest.raises(Failure) as caught:
        resolve_upstream(route(server={"name": "files", "namespace": "other"}), found, Policy())
    assert caught.value.message == "ToolServer other/files cannot be read"


def test_an_installation_can_forbid_servers_of_other_namespaces() -> None:
    forbidding = Policy(cross_namespace=False)
    servers = resources(tool_server(), tool_server(namespace="other"))
    assert resolve_upstream(route(server=SERVER), servers, forbidding)
    with pytest.raises(Failure) as caught:
        resolve_upstream(route(server={**SERVER, "namespace": "other"}), servers, forbidding)
    assert caught.value.reason == Reason.REFERENCE_NOT_PERMITTED
    assert caught.value.field == "spec.upstream.toolServerRef.namespace"
    assert "cross_namespace" in caught.value.cure


@pytest.mark.parametrize("field", ["allow", "deny"])
def test_a_tool_that_names_a_variable_is_refused_with_its_field(field: str) -> None:
    with pytest.raises(Failure) as caught:
        resolve_upstream(route(toolFilter={field: ["read", "os.environ/SECRET"]}), {}, Policy())
    assert caught.value.reason == Reason.UPSTREAM_UNRESOLVED
    assert caught.value.field == f"spec.toolFilter.{field}"
    assert "SECRET" not in str(caught.value)
