"""Tool gateways across restarts of the daemon: true statuses, and nothing told twice."""

from pathlib import Path

from tests.daemon.harness import Daemon, Namespace, alone
from tests.daemon.manifests import guard, provider, tool_gateway, tool_route

DETACH = '[{"op": "remove", "path": "/spec/toolGatewayRef"}]'


def reported(place: Namespace) -> list[tuple[str, str]]:
    """Return object and reason of every event of ours."""
    events = (event for event in place.list("Event") if "agentic-layer" in event["reportingController"])
    return sorted((event["regarding"]["name"], event["reason"]) for event in events)


def test_a_restart_changes_no_status_and_tells_nothing_twice(place: Namespace, tmp_path: Path) -> None:
    place.apply(
        provider("presidio"),
        guard("pii", "presidio", "pre_call", "post_call"),
        tool_gateway("tools", guardrails=[{"name": "pii"}]),
        tool_gateway("broken", guardrails=[{"name": "missing"}]),
        tool_route("served", "tools"),
        tool_route("lost", "nowhere"),
    )
    with Daemon(place.lab, tmp_path, *alone(place)):
        place.wait_ready("tools", "ToolGateway")
        place.wait_route("served", "Reconciled")
        place.wait_route("lost", "GatewayNotFound")
        place.wait_reason("broken", "GuardrailsResolutionFailed", "ToolGateway")
        place.wait_event("tools", "ToolGatewayReady")
    before, conditions = reported(place), place.conditions("tools", "ToolGateway")
    assert len(before) == len(set(before)), "each is told once"

    with Daemon(place.lab, tmp_path, *alone(place)) as second:
        second.wait_for("engine ran", namespace=place.name)
        # One that cannot be served: it leaves the config as it is, and so begins no rollout with news of its own.
        place.apply(tool_route("marker", "tools", server="missing"))
        place.wait_route("marker", "UpstreamUnresolved")
        (warned,) = place.notes("tools", "GuardModeIgnored")
        assert not warned.get("series"), "the first daemon has told of it"
        assert [entry for entry in reported(place) if entry[0] != "marker"] == before
        assert (
            place.conditions("tools", "ToolGateway")["ToolGatewayConfigured"]
            == (conditions["ToolGatewayConfigured"])
        )
        for name, reason in (("served", "Reconciled"), ("lost", "GatewayNotFound")):
            assert place.reason(name, "Ready", "ToolRoute") == reason
        assert "Traceback" not in second.text()


def test_what_left_while_no_daemon_ran_is_released(place: Namespace, tmp_path: Path) -> None:
    place.lab.kubectl("delete", "toolgatewayclass", "foreign", "--ignore-not-found")
    place.apply(
        {
            "apiVersion": "runtime.agentic-layer.ai/v1alpha1",
            "kind": "ToolGatewayClass",
            "metadata": {"name": "foreign"},
            "spec": {"controller": "example.com/another-controller"},
        },
        tool_gateway("leaver"),
        tool_gateway("stays"),
        tool_gateway("never-ran", guardrails=[{"name": "missing"}]),
        tool_route("follower", "leaver"),
        tool_route("detached", "stays"),
    )
    with Daemon(place.lab, tmp_path, *alone(place)):
        place.wait_ready("leaver", "ToolGateway")
        place.wait_route("follower", "Reconciled")
        place.wait_route("detached", "Reconciled")
        place.wait_reason("never-ran", "GuardrailsResolutionFailed", "ToolGateway")

    for name in ("leaver", "never-ran"):
        place.patch("ToolGateway", name, {"spec": {"toolGatewayClassName": "foreign"}})
    place.kubectl("patch", "toolroute", "detached", "--type=json", "-p", DETACH)

    with Daemon(place.lab, tmp_path, *alone(place)):
        for kind, name in (
            ("ToolGateway", "leaver"),
            ("ToolGateway", "never-ran"),
            ("ToolRoute", "follower"),
            ("ToolRoute", "detached"),
        ):
            place.wait_no_conditions(kind, name)
        place.wait_ready("stays", "ToolGateway")
        assert place.get("Deployment", "leaver"), "its objects stay for the next owner"
