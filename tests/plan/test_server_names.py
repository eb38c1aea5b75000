"""What MCP servers are called in patches and configurations."""

from typing import Any

import pytest
import yaml

from gateway_components.plan.findings import WarningReason
from gateway_components.plan.plan import plan
from gateway_components.plan.review import (
    credential_warnings,
    server_name_warnings,
    unreachable_warnings,
    with_server_keys,
)
from tests.plan.make import particular, patch_contents, route, route_key, snapshot, tool_gateway, tool_key

KNOWN = {"team__my-files": "team__my_files", "team__gone-one": "team__gone_one", "te-am__a": None}
SERVED = ("team__my_files",)
NAMED: tuple[tuple[dict[str, Any], dict[str, Any], str], ...] = (
    ({"team__my-files": {"a": 1}}, {"team__my_files": {"a": 1}}, "as the operator reference writes it"),
    ({"team__my_files": {"a": 1}}, {"team__my_files": {"a": 1}}, "as LiteLLM has it"),
    (
        {"team__my-files": {"a": 1, "b": 1}, "team__my_files": {"b": 2}},
        {"team__my_files": {"a": 1, "b": 2}},
        "both: one route, the later wins",
    ),
    ({"team__my-files": None}, {"team__my_files": None}, "a route can be taken away by either"),
    ({"team__gone-one": {"a": 1}}, {}, "what is added to a route that is left out waits for it"),
    ({"team__gone_one": {"a": 1}}, {}, "in either spelling"),
    ({"team__gone-one": {"url": "x"}}, {"team__gone_one": {"url": "x"}}, "a whole server needs no route"),
    ({"te-am__a": {"a": 1}}, {}, "a route whose key another one has gets nothing to that one's"),
    (
        {"other": {"a": 1}, "is-sue": 1},
        {"other": {"a": 1}, "is-sue": 1},
        "other servers are left as they are",
    ),
)


@pytest.mark.parametrize(("servers", "named", "why"), NAMED, ids=[case[2] for case in NAMED])
def test_a_patch_names_routes_as_the_operator_reference_does(
    servers: dict[str, Any], named: dict[str, Any], why: str
) -> None:
    patch = {"mcp_servers": servers, "router_settings": {"a": 1}}
    found = with_server_keys(patch, KNOWN, SERVED)
    assert found == {"mcp_servers": named, "router_settings": {"a": 1}}, why


def test_a_patch_without_servers_is_left_as_it_is() -> None:
    for patch in ({}, {"mcp_servers": None}, {"mcp_servers": ["a-b"]}):
        assert with_server_keys(patch, KNOWN, SERVED) == patch


REFUSED = (
    ("issue-tracker", "-", "write issue_tracker", "a name that LiteLLM does not start with"),
    ("a-b-c", "-", "write a_b_c", "each of them"),
    ("team__my-fils", "-", "write team__my_files, the key of a route", "a route with a slip"),
    ("my.tools", ".", "write my_tools", "another separator"),
    ("team__my_files", "_", "leave that variable out", "a route, where the separator is another"),
)


@pytest.mark.parametrize(("name", "separator", "cure", "why"), REFUSED, ids=[case[3] for case in REFUSED])
def test_a_refused_name_is_reported_with_the_right_one(
    name: str, separator: str, cure: str, why: str
) -> None:
    config = {"mcp_servers": {name: {"url": "https://a.example"}, "fine": {}}}
    (warning,) = server_name_warnings("extra", config, SERVED, separator)
    assert warning.reason == WarningReason.SERVER_NAME_REFUSED, why
    assert name in warning.text
    assert warning.cure == cure


@pytest.mark.parametrize("config", [{}, {"mcp_servers": []}, {"mcp_servers": {"a_b": {}, "a.b": 1, "": {}}}])
def test_names_that_litellm_starts_with_are_no_warning(config: dict[str, Any]) -> None:
    assert not list(server_name_warnings("extra", config, ()))


def test_a_separator_in_route_keys_is_reported_without_a_patch() -> None:
    env = [{"name": "MCP_TOOL_PREFIX_SEPARATOR", "value": "__"}]
    (warning,) = particular(plan(snapshot(tool_gateway(env=env), route())).gateways[tool_key()])
    assert (warning.reason, warning.field) == (WarningReason.SERVER_NAME_REFUSED, "spec.env")


def test_a_patch_adds_to_a_route_by_its_documented_key() -> None:
    text = "mcp_servers: {team__my-files: {auth_type: bearer_token}}"
    asked = (tool_gateway(patch="patch"), route("my-files"))
    planned = plan(snapshot(*asked, contents=patch_contents(text))).gateways[tool_key()]
    assert particular(planned) == ()
    assert planned.objects
    (config,) = planned.objects.config_map["data"].values()
    ((key, server),) = yaml.safe_load(config)["mcp_servers"].items()
    assert (key, server["auth_type"]) == ("team__my_files", "bearer_token")


HOST = {"name": "tools", "namespace": "team"}
OWN = (
    ("{spec_path: api.yaml, static_headers: {X-Key: os.environ/KEY}}", "by a description of an API"),
    ("{command: tracker, env: {KEY: os.environ/KEY}}", "by a command"),
    ("{url: 'https://tracker.example/mcp'}", "by a URL, for few keys of the proxy"),
)


@pytest.mark.parametrize(("server", "why"), OWN, ids=[case[1] for case in OWN])
def test_a_guest_adds_nothing_to_a_server_of_the_patch(server: str, why: str) -> None:
    guest = route("issues", namespace="far", gateway=HOST, url="https://evil.example/mcp")
    patch = patch_contents(f"mcp_servers: {{far__issues: {server}}}")
    planned = plan(snapshot(tool_gateway(patch="patch"), guest, contents=patch))
    objects = planned.gateways[tool_key()].objects
    assert objects
    (config,) = objects.config_map["data"].values()
    assert yaml.safe_load(config)["mcp_servers"] == {"far__issues": yaml.safe_load(server)}, why
    refused = planned.routes[route_key("issues", "far")].failure
    assert refused
    assert refused.message == "ToolGateway team/tools does not serve it"


def test_a_patch_adds_to_the_route_of_a_guest() -> None:
    guest = route("issues", namespace="far", gateway=HOST, url="https://far.example/mcp")
    patch = patch_contents("mcp_servers: {far__issues: {auth_type: none}}")
    planned = plan(snapshot(tool_gateway(patch="patch"), guest, contents=patch))
    assert planned.routes[route_key("issues", "far")].url


LEAD_NOWHERE = (
    (
        "team__my_fils",
        {"auth_type": "none"},
        "write team__my_files, the key of a route",
        "a route with a slip",
    ),
    ("tracker", {"auth_type": "none"}, "give it a url, or remove it", "a server without an address"),
    ("tracker", {"url": "", "transport": "http"}, "give it a url, or remove it", "an empty address"),
    ("team__my_files", {"url": None}, "give it a url, or remove it", "a route without its address"),
)


@pytest.mark.parametrize(
    ("name", "entry", "cure", "why"), LEAD_NOWHERE, ids=[case[3] for case in LEAD_NOWHERE]
)
def test_an_entry_that_leads_to_no_server_is_reported(
    name: str, entry: dict[str, Any], cure: str, why: str
) -> None:
    (warning,) = unreachable_warnings("extra", {"mcp_servers": {name: entry}}, SERVED)
    assert warning.inside is not None, why
    assert warning.inside.path == ("mcp_servers", name), why
    assert warning.reason == WarningReason.SERVER_UNREACHABLE, why
    assert warning.cure == cure


def test_servers_with_an_address_or_refused_name_are_reachable() -> None:
    servers = {"a": {"url": "https://a"}, "b": {"command": "b"}, "c": {"spec_path": "c"}, "d-e": {}, "f": 1}
    assert not list(unreachable_warnings("extra", {"mcp_servers": servers}, SERVED))
    assert not list(unreachable_warnings("extra", {"mcp_servers": ["a"]}, SERVED))


SHOWN: tuple[tuple[dict[str, Any], bool, str], ...] = (
    ({"authentication_token": "os.environ/TOKEN"}, True, "a token"),
    ({"static_headers": {"X-Key": "os.environ/KEY"}}, True, "headers"),
    ({"client_secret": "os.environ/SECRET"}, True, "a secret of a client"),
    ({"authentication_token": None, "static_headers": {}}, False, "nothing"),
    ({"auth_type": "bearer_token", "extra_headers": ["Authorization"]}, False, "what clients send"),
)


@pytest.mark.parametrize(("entry", "shown", "why"), SHOWN, ids=[case[2] for case in SHOWN])
def test_credentials_that_the_proxy_shows_are_reported(entry: dict[str, Any], shown: bool, why: str) -> None:
    found = list(credential_warnings({"mcp_servers": {"tracker": entry, "other": "x"}}))
    assert [warning.reason for warning in found] == [WarningReason.SERVER_CREDENTIAL_SHOWN] * shown, why
