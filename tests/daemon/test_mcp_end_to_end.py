"""From a user's manifests to a tool call: daemon, API server, real proxy, real MCP servers and a real MCP client."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from lab import ControlPlane, wait_until
from tests.daemon.harness import SECONDS, Daemon, Namespace, fresh_namespace
from tests.daemon.manifests import tool_gateway, tool_route
from tests.daemon.pods import gateway_proxy
from tests.litellm_proxy.harness import LiteLLMProxy
from tests.litellm_proxy.mcp_client import Call, converse
from tests.litellm_proxy.mcp_servers import McpServer

ROUTES = ("over-http", "over-sse")


@dataclass(frozen=True, slots=True)
class Served:
    """A ToolGateway with two routes on the served, the real proxy in its place, and the servers behind it.

    Attributes
    ----------
    namespace
        Where gateway and routes are.
    proxy
        Runs what the daemon wrote.
    paths
        Path of ``status.url`` of each route.
    http, sse
        The upstreams of ``over-http`` and ``over-sse``.
    """

    namespace: Namespace
    proxy: LiteLLMProxy
    paths: Mapping[str, str]
    http: McpServer
    sse: McpServer

    def key(self, route: str) -> str:
        """Return the name of the route's server in LiteLLM, which precedes the names of its tools."""
        return key(self.namespace, route)


@pytest.fixture(scope="module")
def served(lab: ControlPlane, daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with (
        McpServer("alpha", "http") as http,
        McpServer("beta", "sse") as sse,
        fresh_namespace(lab) as namespace,
    ):
        namespace.apply(
            tool_gateway("tools"),
            tool_route("over-http", "tools", url=http.url, toolFilter={"deny": ["erase"]}),
            tool_route("over-sse", "tools", url=sse.url, toolFilter={"allow": ["echo", "whoami"]}),
        )
        for route in ROUTES:
            namespace.wait_route(route, "Reconciled")
        namespace.wait_servers("tools", *(key(namespace, route) for route in ROUTES))
        namespace.wait_ready("tools", "ToolGateway")
        urls = {route: urlsplit(namespace.url("ToolRoute", route)) for route in ROUTES}
        host = urlsplit(namespace.url("ToolGateway", "tools")).netloc
        assert [url.netloc for url in urls.values()] == [host, host], "the proxy stands for this host"
        paths = {route: url.path for route, url in urls.items()}
        with gateway_proxy(namespace, "tools", tmp_path_factory.mktemp("container")) as proxy:
            yield Served(namespace, proxy, paths, http, sse)


@pytest.fixture(autouse=True)
def fresh(served: Served) -> None:
    served.http.forget()
    served.sse.forget()


def key(namespace: Namespace, route: str) -> str:
    return f"{namespace.name}__{route}".replace("-", "_")


@pytest.mark.parametrize(
    ("route", "server", "other", "answer"),
    [
        pytest.param("over-http", "http", "sse", "alpha", id="streamable HTTP"),
        pytest.param("over-sse", "sse", "http", "beta", id="server-sent events"),
    ],
)
def test_a_client_lists_and_calls_tools_at_the_route_url(
    served: Served, route: str, server: str, other: str, answer: str
) -> None:
    prefix = served.key(route)
    calls = [Call(f"{prefix}-whoami", {}), Call(f"{prefix}-echo", {"text": "hello"})]

    conversation = converse(served.proxy.url + served.paths[route], calls)

    assert conversation.tools == (f"{prefix}-echo", f"{prefix}-whoami"), "only the tools of its own server"
    assert [(result.error, result.text) for result in conversation.results] == [
        (False, answer),
        (False, "hello"),
    ]
    assert getattr(served, server).calls == [
        {"tool": "whoami", "arguments": {}},
        {"tool": "echo", "arguments": {"text": "hello"}},
    ]
    assert getattr(served, other).calls == []


@pytest.mark.parametrize(
    ("route", "why"),
    [("over-http", "it is denied"), ("over-sse", "it is not among the allowed")],
)
def test_a_tool_that_the_filter_of_a_route_keeps_back_is_refused(
    served: Served, route: str, why: str
) -> None:
    listed, bare = f"{served.key(route)}-erase", "erase"

    conversation = converse(
        served.proxy.url + served.paths[route],
        [Call(name, {"text": "everything"}) for name in (listed, bare)],
    )

    assert listed not in conversation.tools
    assert [(result.error, "not allowed" in result.text) for result in conversation.results] == [
        (True, True),
        (True, True),
    ], why
    assert served.http.calls == served.sse.calls == []


def test_the_tools_of_a_deleted_route_are_gone_from_its_url(
    served: Served, tmp_path_factory: pytest.TempPathFactory
) -> None:
    namespace = served.namespace
    kept, gone = served.key("over-http"), served.key("over-sse")
    before = namespace.hashes("tools")

    namespace.delete("ToolRoute", "over-sse")
    namespace.wait_servers("tools", kept)
    wait_until(lambda: namespace.hashes("tools") != before, timeout=SECONDS, what="a restart of the pods")
    namespace.wait_ready("tools", "ToolGateway")

    with gateway_proxy(namespace, "tools", tmp_path_factory.mktemp("container")) as restarted:
        conversation = converse(
            restarted.url + served.paths["over-sse"], [Call(f"{gone}-echo", {"text": "hello"})]
        )
        assert not [tool for tool in conversation.tools if tool.startswith(gone)]
        assert [result.error for result in conversation.results] == [True]
        assert served.http.calls == served.sse.calls == []
        still_there = converse(restarted.url + served.paths["over-http"], [Call(f"{kept}-whoami", {})])
        assert [result.text for result in still_there.results] == ["alpha"]
