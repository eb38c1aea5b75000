"""Tool routes on a real API server with the real engine: what users see, and when."""

from lab import wait_until
from tests.daemon.harness import SECONDS, Namespace, server_key
from tests.daemon.manifests import tool_gateway, tool_route, tool_server

_REMOVE_GATEWAY = '[{"op": "remove", "path": "/spec/toolGatewayRef"}]'


def test_a_broken_route_says_why_and_harms_no_other(namespace: Namespace) -> None:
    namespace.apply(
        tool_gateway("tools"), tool_route("good", "tools"), tool_route("waiting", "tools", server="later")
    )

    namespace.wait_route("waiting", "UpstreamUnresolved", f"ToolServer {namespace.name}/later")
    namespace.wait_route("good", "Reconciled")
    namespace.wait_servers("tools", server_key(namespace, "good"))
    assert namespace.url("ToolRoute", "waiting") == ""

    namespace.apply(tool_server("later", port=1234))
    namespace.wait_route("waiting", "Reconciled")
    assert ":1234/" in namespace.servers("tools")[server_key(namespace, "waiting")]["url"]
    namespace.apply(tool_server("later", port=4321))
    namespace.wait_config("tools", ":4321/")
    namespace.delete("ToolServer", "later")
    namespace.wait_route("waiting", "UpstreamUnresolved")
    namespace.wait_servers("tools", server_key(namespace, "good"))
    assert namespace.url("ToolRoute", "waiting") == ""


def test_of_two_equal_keys_the_older_route_holds_it(namespace: Namespace, other: Namespace) -> None:
    namespace.apply(tool_gateway("tools"), tool_route("other--x", "tools", url="https://first.example/mcp"))
    namespace.wait_route("other--x", "Reconciled")

    other.apply(tool_route("x", f"{namespace.name}/tools", url="https://second.example/mcp"))
    other.wait_route("x", "DuplicateServerName", f"{namespace.name}/other--x")
    assert "first.example" in namespace.servers("tools")[server_key(other, "x")]["url"]

    namespace.delete("ToolRoute", "other--x")
    other.wait_route("x", "Reconciled")
    assert "second.example" in namespace.servers("tools")[server_key(other, "x")]["url"]


def test_a_route_moves_between_gateways_and_namespaces(namespace: Namespace, other: Namespace) -> None:
    namespace.apply(tool_gateway("first"), tool_gateway("second"), tool_route("mover", "first"))
    other.apply(tool_gateway("third"))
    other.wait_ready("third", "ToolGateway")
    namespace.wait_ready("second", "ToolGateway")
    name = server_key(namespace, "mover")

    for place, gateway, left in (
        (namespace, "first", None),
        (namespace, "second", (namespace, "first")),
        (other, "third", (namespace, "second")),
        (namespace, "first", (other, "third")),
    ):
        namespace.apply(tool_route("mover", f"{place.name}/{gateway}"))
        url = f"http://{gateway}.{place.name}.svc.cluster.local/mcp/{name}"
        wait_until(lambda u=url: namespace.url("ToolRoute", "mover") == u, timeout=SECONDS, what=url)  # type: ignore[misc]
        namespace.wait_route("mover", "Reconciled", f"{place.name}/{gateway}")
        place.wait_servers(gateway, name)
        if left:
            left[0].wait_servers(left[1])

    namespace.kubectl("patch", "toolroute", "mover", "--type=json", "-p", _REMOVE_GATEWAY)
    namespace.wait_no_conditions("ToolRoute", "mover")
    namespace.wait_servers("first")


def test_a_route_outlives_its_gateway(namespace: Namespace, other: Namespace) -> None:
    reference = f"{namespace.name}/tools"
    other.apply(tool_route("faithful", reference))
    other.wait_route("faithful", "GatewayNotFound", f"{reference} does not exist")

    namespace.apply(tool_gateway("tools"))
    other.wait_route("faithful", "Reconciled")
    assert other.url("ToolRoute", "faithful")

    namespace.delete("ToolGateway", "tools")
    other.wait_route("faithful", "GatewayNotFound")
    assert other.url("ToolRoute", "faithful") == ""
    namespace.apply(tool_gateway("tools"))
    other.wait_route("faithful", "Reconciled")


def test_a_route_to_a_namespace_that_does_not_exist_says_so(namespace: Namespace) -> None:
    namespace.apply(tool_route("lost", f"{namespace.name}-nowhere/tools"))

    namespace.wait_route("lost", "GatewayNotFound", "nowhere/tools does not exist")
