"""Which nodes and edges there are."""

import random

from tests.graph.make import (
    ai_gateway,
    both,
    condition,
    edges,
    gateway_class,
    graph,
    guard,
    node,
    provider,
    route,
    server,
    tool_gateway,
)

WHOLE = (
    gateway_class("AiGatewayClass"),
    gateway_class("ToolGatewayClass"),
    ai_gateway("chat", *both("AiGateway"), guardrails=[{"name": "pii"}]),
    tool_gateway("tools", *both("ToolGateway")),
    guard("pii", "presidio"),
    provider("presidio"),
    route("docs", {"name": "tools"}, {"toolServerRef": {"name": "docs"}}, condition("Ready")),
    route("web", {"name": "tools"}, {"external": {"url": "https://example.com/mcp"}}, condition("Ready")),
    server("docs"),
)


def test_edges_lead_from_classes_to_upstreams_and_providers() -> None:
    assert edges(graph(*WHOLE)) == {
        ("AiGatewayClass litellm", "AiGateway team/chat"),
        ("ToolGatewayClass litellm", "ToolGateway team/tools"),
        ("AiGateway team/chat", "Guard team/pii"),
        ("Guard team/pii", "GuardrailProvider team/presidio"),
        ("ToolGateway team/tools", "ToolRoute team/docs"),
        ("ToolGateway team/tools", "ToolRoute team/web"),
        ("ToolRoute team/docs", "ToolServer team/docs"),
        ("ToolRoute team/web", "External https://example.com/mcp"),
    }


def test_all_is_well_where_every_object_is_there_and_ready() -> None:
    assert {found.state for found in graph(*WHOLE).nodes} == {"ok"}
    assert {found.message for found in graph(*WHOLE).nodes} == {""}


def test_order_of_input_is_irrelevant() -> None:
    shuffled = list(WHOLE)
    random.Random(1).shuffle(shuffled)
    assert graph(*shuffled) == graph(*WHOLE)
    assert shuffled != list(WHOLE)


def test_a_missing_object_that_is_referred_to_is_a_node() -> None:
    found = graph(
        ai_gateway("chat", guardrails=[{"name": "pii", "namespace": "other"}]),
        guard("lonely", "nobody"),
        route("docs", {"name": "tools", "namespace": "other"}, {"toolServerRef": {"name": "docs"}}),
    )
    missing = {
        (entry.key.kind, entry.key.namespaced_name) for entry in found.nodes if entry.state == "missing"
    }
    assert missing == {
        ("AiGatewayClass", "litellm"),
        ("Guard", "other/pii"),
        ("GuardrailProvider", "team/nobody"),
        ("ToolGateway", "other/tools"),
        ("ToolServer", "team/docs"),
    }


def test_a_gateway_without_a_class_hangs_on_the_default_class() -> None:
    default = {"aigatewayclass.kubernetes.io/is-default-class": "true"}
    found = graph(
        gateway_class("AiGatewayClass", "main", **default),
        gateway_class("AiGatewayClass", "other"),
        ai_gateway("chat", *both("AiGateway"), aiGatewayClassName=None),
    )
    assert edges(found) == {("AiGatewayClass main", "AiGateway team/chat")}


def test_a_class_that_no_gateway_names_is_left_out() -> None:
    assert graph(gateway_class("AiGatewayClass")).nodes == ()


def test_a_route_of_another_kind_has_no_gateway() -> None:
    found = graph(route("docs", {"name": "chat", "kind": "AiGateway"}, {"toolServerRef": {"name": "docs"}}))
    assert edges(found) == {("ToolRoute team/docs", "ToolServer team/docs")}


def test_references_without_a_name_give_no_edge() -> None:
    found = graph(
        ai_gateway("chat", guardrails=[{"namespace": "x"}]),
        guard("pii", ""),
        route("docs", {"namespace": "x"}, {"toolServerRef": {"namespace": "x"}}),
    )
    assert edges(found) == {("AiGatewayClass litellm", "AiGateway team/chat")}


def test_credentials_in_a_url_are_not_shown() -> None:
    url = "https://user:hunter2@example.com/mcp?key=hunter2#hunter2"
    found = graph(route("web", None, {"external": {"url": url}}))
    assert ("ToolRoute team/web", "External https://…@example.com/mcp?…") in edges(found)
    assert "hunter2" not in str(found)


def test_around_a_namespace_stands_all_that_is_connected_to_it() -> None:
    whole = graph(
        *WHOLE,
        route(
            "far",
            {"name": "tools", "namespace": "team"},
            {"toolServerRef": {"name": "far"}},
            namespace="other",
        ),
        server("far", namespace="other"),
        server("unrelated", namespace="other"),
        tool_gateway("unrelated", namespace="other"),
    )
    near = {str(found.key) for found in whole.around("other").nodes}
    assert near == {
        "ToolGatewayClass litellm",
        "ToolGateway team/tools",
        "ToolGateway other/unrelated",
        "ToolRoute other/far",
        "ToolServer other/far",
        "ToolServer other/unrelated",
    }
    assert {str(found.key) for found in whole.around("team").nodes} >= {
        "ToolRoute other/far",
        "ToolServer other/far",
    }
    assert node(whole, "ToolServer", "unrelated", "other") not in whole.around("team").nodes
    assert whole.around("nowhere").nodes == ()
