"""Tool routes as the plan writes them, served by the real proxy in front of real MCP servers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.litellm_proxy.conftest import StartProxy
from tests.litellm_proxy.mcp_client import Call, converse
from tests.litellm_proxy.mcp_servers import McpServer
from tests.litellm_proxy.planned import manifest, planned_gateway

HTTP_KEY = "default__over_http"
SSE_KEY = "team_a__over_sse"


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway that runs, the addresses of its routes, and the servers behind them."""

    urls: Mapping[str, str]
    left_out: str
    http: McpServer
    sse: McpServer


def route(
    name: str, upstream: Mapping[str, Any], *, namespace: str = "default", **tool_filter: list[str]
) -> dict[str, Any]:
    reference = {"name": "tools", "namespace": "default"}
    spec = {"toolGatewayRef": reference, "upstream": upstream, "toolFilter": tool_filter}
    return manifest("ToolRoute", name, spec, namespace=namespace)


@pytest.fixture(scope="module")
def served(start_proxy: StartProxy) -> Iterator[Served]:
    with McpServer("alpha", "http") as http, McpServer("beta", "sse") as sse:
        planned = planned_gateway(
            manifest("ToolGateway", "tools", {}),
            route("over-http", {"external": {"url": http.url}}, deny=["Erase"]),
            route(
                "over-sse",
                {"external": {"url": sse.url}},
                namespace="team-a",
                allow=["echo", "erase"],
                deny=["erase"],
            ),
            route("broken", {"toolServerRef": {"name": "missing"}}),
        )
        proxy = start_proxy(planned.config, planned.env)
        urls = {name: proxy.url + path for name, path in planned.paths.items()}
        yield Served(urls, f"{proxy.url}/mcp/default__broken", http, sse)


@pytest.fixture(autouse=True)
def fresh(served: Served) -> None:
    served.http.forget()
    served.sse.forget()


def test_a_broken_route_has_no_address_and_the_others_are_served(served: Served) -> None:
    assert sorted(served.urls) == ["default/over-http", "team-a/over-sse"]


def test_a_route_over_http_lists_and_calls_its_tools(served: Served) -> None:
    calls = [Call(f"{HTTP_KEY}-whoami", {}), Call(f"{HTTP_KEY}-echo", {"text": "hello"})]

    conversation = converse(served.urls["default/over-http"], calls)

    assert conversation.tools == (f"{HTTP_KEY}-echo", f"{HTTP_KEY}-whoami")
    assert [(result.error, result.text) for result in conversation.results] == [
        (False, "alpha"),
        (False, "hello"),
    ]
    assert served.http.calls == [
        {"tool": "whoami", "arguments": {}},
        {"tool": "echo", "arguments": {"text": "hello"}},
    ]
    assert served.sse.calls == []


def test_a_route_over_sse_lists_and_calls_its_tools(served: Served) -> None:
    conversation = converse(served.urls["team-a/over-sse"], [Call(f"{SSE_KEY}-echo", {"text": "hello"})])

    assert conversation.tools == (f"{SSE_KEY}-echo",)
    assert [(result.error, result.text) for result in conversation.results] == [(False, "hello")]
    assert served.sse.calls == [{"tool": "echo", "arguments": {"text": "hello"}}]
    assert served.http.calls == []


def test_tools_answer_to_their_bare_names_too(served: Served) -> None:
    conversation = converse(served.urls["default/over-http"], [Call("whoami", {})])

    assert [(result.error, result.text) for result in conversation.results] == [(False, "alpha")]


@pytest.mark.parametrize(
    ("route_name", "tool"),
    [
        pytest.param("default/over-http", f"{HTTP_KEY}-erase", id="denied, by its listed name"),
        pytest.param("default/over-http", "erase", id="denied, by its bare name"),
        pytest.param("team-a/over-sse", f"{SSE_KEY}-erase", id="denied and allowed: deny wins"),
        pytest.param("team-a/over-sse", f"{SSE_KEY}-whoami", id="not among the allowed"),
        pytest.param("team-a/over-sse", f"{HTTP_KEY}-whoami", id="of another route of the gateway"),
    ],
)
def test_a_tool_that_a_route_does_not_offer_is_refused(served: Served, route_name: str, tool: str) -> None:
    (result,) = converse(served.urls[route_name], [Call(tool, {"text": "everything"})]).results

    assert result.error
    assert "not allowed" in result.text
    assert served.http.calls == served.sse.calls == []


def test_a_left_out_route_opens_no_denied_tool(served: Served) -> None:
    # LiteLLM answers a path it does not know with all servers; what the routes deny stays denied there.
    conversation = converse(
        served.left_out, [Call(f"{HTTP_KEY}-erase", {"text": "x"}), Call(f"{SSE_KEY}-erase", {"text": "x"})]
    )

    assert not [tool for tool in conversation.tools if tool.endswith("-erase")]
    assert all(result.error for result in conversation.results)
    assert served.http.calls == served.sse.calls == []
