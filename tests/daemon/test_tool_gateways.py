"""Tool gateways on a real API server with the real engine: what users see, and when."""

import json
from collections.abc import Iterator

import pytest

from lab import ControlPlane, wait_until
from tests.daemon.harness import PATCH_ANNOTATION, SECONDS, Daemon, Namespace, fresh_namespace, server_key
from tests.daemon.manifests import config_map, guard, provider, tool_gateway, tool_route, tool_server


@pytest.fixture
def foreign_class(lab: ControlPlane, namespace: Namespace) -> Iterator[str]:
    """Return the name of a class of another controller."""
    name = f"foreign-{namespace.name}"
    namespace.apply(
        {
            "apiVersion": "runtime.agentic-layer.ai/v1alpha1",
            "kind": "ToolGatewayClass",
            "metadata": {"name": name},
            "spec": {"controller": "example.com/another-controller"},
        }
    )
    yield name
    lab.kubectl("delete", "toolgatewayclass", name)


def test_a_tool_gateway_serves_routes_of_both_namespaces(namespace: Namespace, other: Namespace) -> None:
    other.apply(
        tool_server("docs", port=9000),
        tool_route("far", f"{namespace.name}/tools", server="docs"),
    )
    far_off = tool_route(
        "near", "tools", url="https://example.com/sse", toolFilter={"allow": ["a"], "deny": ["b"]}
    )
    namespace.apply(tool_gateway("tools"), far_off)

    namespace.wait_ready("tools", "ToolGateway")
    assert "tools serves it" in other.wait_route("far", "Reconciled")
    namespace.wait_route("near", "Reconciled")

    assert namespace.servers("tools") == {
        server_key(other, "far"): {
            "url": f"http://docs.{other.name}.svc.cluster.local:9000/mcp",
            "transport": "http",
            "allow_all_keys": True,
        },
        server_key(namespace, "near"): {
            "url": "https://example.com/sse",
            "transport": "sse",
            "allowed_tools": ["a"],
            "disallowed_tools": ["b"],
            "allow_all_keys": True,
        },
    }
    host = f"http://tools.{namespace.name}.svc.cluster.local"
    assert namespace.url("ToolGateway", "tools") == host
    assert other.url("ToolRoute", "far") == f"{host}/mcp/{server_key(other, 'far')}"
    (port,) = namespace.existing("Service", "tools")["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (80, 80)
    ready = other.conditions("far", "ToolRoute")["Ready"]
    assert ready["observedGeneration"] == other.existing("ToolRoute", "far")["metadata"]["generation"]


def test_guards_of_another_namespace_reach_the_gateway(namespace: Namespace, other: Namespace) -> None:
    reference = [{"name": "pii", "namespace": other.name}]
    namespace.apply(
        tool_gateway("guarded", guardrails=reference),
        tool_gateway("neighbour"),
        tool_route("served", "guarded"),
    )
    namespace.wait_reason("guarded", "GuardrailsResolutionFailed", "ToolGateway", f"{other.name}/pii")
    namespace.wait_route("served", "GatewayDegraded", f"{other.name}/pii")
    namespace.wait_ready("neighbour", "ToolGateway")
    neighbour = _marks(namespace, "neighbour")

    other.apply(guard("pii", "presidio"))
    namespace.wait_reason("guarded", "GuardrailsResolutionFailed", "ToolGateway", f"{other.name}/presidio")
    other.apply(provider("presidio", "http://one.example:3000"))
    namespace.wait_config("guarded", "http://one.example:3000")
    namespace.wait_ready("guarded", "ToolGateway")
    namespace.wait_route("served", "Reconciled")

    other.apply(provider("presidio", "http://two.example:3000"))
    namespace.wait_config("guarded", "http://two.example:3000")
    other.apply(guard("pii", "presidio", "during_call"))
    namespace.wait_config("guarded", "during_mcp_call")
    other.delete("GuardrailProvider", "presidio")
    namespace.wait_reason("guarded", "GuardrailsResolutionFailed", "ToolGateway")
    assert "http://two.example:3000" in namespace.config("guarded"), "the last good objects stay"
    assert _marks(namespace, "neighbour") == neighbour


def test_a_degraded_gateway_keeps_the_urls_it_serves(namespace: Namespace) -> None:
    namespace.apply(
        config_map("tuning", patch_yaml="general_settings: {}"),
        tool_gateway("tools", annotations={PATCH_ANNOTATION: "tuning"}),
        tool_route("served", "tools"),
    )
    namespace.wait_route("served", "Reconciled")
    url = namespace.url("ToolRoute", "served")

    namespace.delete("ConfigMap", "tuning")
    namespace.wait_reason("tools", "ConfigPatchInvalid", "ToolGateway")
    namespace.wait_route("served", "GatewayDegraded", 'configmap "tuning" not found')
    assert namespace.url("ToolRoute", "served") == url
    namespace.apply(tool_route("younger", "tools"))
    namespace.wait_route("younger", "GatewayDegraded")
    assert namespace.url("ToolRoute", "younger") == "", "it was never served"

    namespace.apply(config_map("tuning", patch_yaml="general_settings: {}"))
    namespace.wait_route("served", "Reconciled")
    namespace.wait_route("younger", "Reconciled")


def test_each_warning_is_an_event_and_a_log_line(namespace: Namespace, daemon: Daemon) -> None:
    namespace.apply(
        provider("presidio"),
        guard("pii", "presidio", "pre_call", "post_call"),
        tool_gateway("warned", guardrails=[{"name": "pii"}]),
    )
    namespace.wait_ready("warned", "ToolGateway")

    event = namespace.wait_event("warned", "GuardModeIgnored", "post_call")
    assert (event["type"], event["regarding"]["kind"]) == ("Warning", "ToolGateway")
    line = daemon.wait_for("GuardModeIgnored", gateway=f"ToolGateway {namespace.name}/warned")
    assert line["level"] == "warning"
    assert line["field"]
    assert line["cure"]

    namespace.apply(guard("pii", "presidio", "pre_call"), tool_route("served", "warned"))
    namespace.wait_route("served", "Reconciled")
    namespace.apply(guard("pii", "presidio", "pre_call", "post_call"))
    wait_until(
        lambda: (
            [found.get("series", {}).get("count") for found in namespace.notes("warned", event["reason"])]
            == [2]
        ),
        timeout=SECONDS,
        what="the same event counted twice",
    )


def test_a_gateway_that_leaves_clears_the_status_of_its_routes(
    namespace: Namespace, other: Namespace, foreign_class: str, daemon: Daemon
) -> None:
    namespace.apply(tool_gateway("leaver"), tool_gateway("never-ran", guardrails=[{"name": "missing"}]))
    other.apply(tool_route("follower", f"{namespace.name}/leaver"))
    other.wait_route("follower", "Reconciled")
    namespace.wait_ready("leaver", "ToolGateway")
    namespace.wait_reason("never-ran", "GuardrailsResolutionFailed", "ToolGateway")
    uid = namespace.existing("Deployment", "leaver")["metadata"]["uid"]

    for name in ("leaver", "never-ran"):
        namespace.patch("ToolGateway", name, {"spec": {"toolGatewayClassName": foreign_class}})
        namespace.wait_no_conditions("ToolGateway", name)
    other.wait_no_conditions("ToolRoute", "follower")
    assert namespace.existing("Deployment", "leaver")["metadata"]["uid"] == uid

    assert len(daemon.events("released", gateway=f"ToolGateway {namespace.name}/leaver")) == 1
    namespace.patch("ToolGateway", "leaver", {"spec": {"toolGatewayClassName": "litellm"}})
    namespace.wait_ready("leaver", "ToolGateway")
    other.wait_route("follower", "Reconciled")
    assert namespace.existing("Deployment", "leaver")["metadata"]["uid"] == uid, "adopted, not made anew"


def test_routes_of_a_foreign_gateway_are_left_untouched(namespace: Namespace, foreign_class: str) -> None:
    theirs = tool_gateway("theirs")
    theirs["spec"]["toolGatewayClassName"] = foreign_class
    namespace.apply(theirs, tool_route("r", "theirs"))
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "Reconciled",
        "message": "by somebody else",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    status = {"status": {"conditions": [ready], "url": "http://elsewhere"}}
    namespace.kubectl(
        "patch", "toolroute", "r", "--subresource=status", "--type=merge", "-p", json.dumps(status)
    )

    namespace.apply(tool_gateway("ours"), tool_route("marker", "ours"))
    namespace.wait_route("marker", "Reconciled")

    assert namespace.conditions("r", "ToolRoute") == {"Ready": ready}
    assert namespace.url("ToolRoute", "r") == "http://elsewhere"
    assert namespace.get("Deployment", "theirs") is None


@pytest.fixture(scope="module")
def steady(lab: ControlPlane, daemon: Daemon) -> Iterator[Namespace]:
    """Return a namespace with two gateways at rest, and a route."""
    with fresh_namespace(lab) as place:
        place.apply(tool_gateway("tools"), tool_gateway("neighbour"), tool_route("steady", "tools"))
        place.wait_ready("tools", "ToolGateway")
        place.wait_ready("neighbour", "ToolGateway")
        place.wait_route("steady", "Reconciled")
        yield place


def test_a_status_that_was_edited_by_hand_is_restored(steady: Namespace) -> None:
    url = steady.url("ToolRoute", "steady")

    edits = {
        ("ToolRoute", "steady"): {"url": "http://elsewhere"},
        ("ToolGateway", "tools"): {"conditions": [], "url": ""},
    }
    for (kind, name), status in edits.items():
        steady.lab.api.merge(f"{steady.path(kind)}/{name}/status", {"status": status}, "kubectl-patch")

    wait_until(lambda: steady.url("ToolRoute", "steady") == url, timeout=SECONDS, what="the route's URL")
    steady.wait_ready("tools", "ToolGateway")
    wait_until(lambda: steady.url("ToolGateway", "tools"), timeout=SECONDS, what="the gateway's URL")


def test_a_status_that_says_the_same_is_not_written(steady: Namespace) -> None:
    watched = (("ToolRoute", "steady"), ("ToolGateway", "neighbour"), ("ConfigMap", "neighbour-config"))
    before = [steady.existing(*object_)["metadata"]["resourceVersion"] for object_ in watched]

    steady.apply(tool_route("added", "tools"))
    steady.wait_route("added", "Reconciled")
    steady.wait_servers("tools", server_key(steady, "steady"), server_key(steady, "added"))
    steady.wait_ready("tools", "ToolGateway")

    assert [steady.existing(*object_)["metadata"]["resourceVersion"] for object_ in watched] == before


def _marks(place: Namespace, name: str) -> tuple[str, int]:
    config = place.existing("ConfigMap", f"{name}-config")["metadata"]["resourceVersion"]
    return config, place.existing("Deployment", name)["metadata"]["generation"]
