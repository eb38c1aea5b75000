"""Across restarts of the daemon: what changed meanwhile is made up for, and nothing is told twice."""

from pathlib import Path

from gateway_components.daemon.run import Exit
from gateway_components.kube.state_format import STATE_SECRET
from lab import ControlPlane, wait_until
from tests.conftest import SharedDaemon
from tests.daemon.harness import SECONDS, Daemon, Namespace
from tests.daemon.manifests import gateway, guard, provider, tool_gateway, tool_route

DETACH = '[{"op": "remove", "path": "/spec/toolGatewayRef"}]'


def reported(place: Namespace) -> list[tuple[str, str]]:
    """Return object and reason of every event of ours."""
    events = (event for event in place.list("Event") if "agentic-layer" in event["reportingController"])
    return sorted((event["regarding"]["name"], event["reason"]) for event in events)


def test_a_daemon_without_its_state_takes_over_what_is_there(
    namespace: Namespace, shared_daemon: SharedDaemon
) -> None:
    namespace.apply(gateway("adopted", "old", env=[{"name": "GONE", "value": "1"}]))
    namespace.wait_ready("adopted")
    uid = namespace.existing("Deployment", "adopted")["metadata"]["uid"]
    shared_daemon.stop()
    namespace.delete("Secret", STATE_SECRET)
    namespace.apply(gateway("adopted", "new"))

    shared_daemon.running()
    namespace.wait_config("adopted", "openai/new")
    namespace.wait_ready("adopted")

    deployment = namespace.existing("Deployment", "adopted")
    assert deployment["metadata"]["uid"] == uid
    names = [variable["name"] for variable in deployment["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert "GONE" not in names, "a field that is no longer wanted goes, though the state that knew it is lost"


def test_what_happened_while_no_daemon_ran_is_made_up_for(
    namespace: Namespace, shared_daemon: SharedDaemon
) -> None:
    namespace.apply(gateway("kept", "old"), gateway("dropped"), gateway("left"))
    for name in ("kept", "dropped", "left"):
        namespace.wait_ready(name)
    shared_daemon.stop()

    namespace.apply(gateway("kept", "new"), gateway("added"))
    namespace.delete("AiGateway", "dropped")
    namespace.delete("Service", "kept")
    namespace.patch("AiGateway", "left", {"spec": {"aiGatewayClassName": "somebody-elses"}})
    # Deletion needs no living daemon.
    for kind, name in (("ConfigMap", "dropped-config"), ("Deployment", "dropped"), ("Service", "dropped")):
        wait_until(lambda k=kind, n=name: not namespace.get(k, n), timeout=SECONDS, what=f"no {kind}")  # type: ignore[misc]

    shared_daemon.running()
    namespace.wait_ready("added")
    namespace.wait_config("kept", "openai/new")
    namespace.wait_ready("kept")
    wait_until(lambda: namespace.get("Service", "kept"), timeout=SECONDS, what="the Service deleted by hand")
    wait_until(lambda: not namespace.conditions("left"), timeout=SECONDS, what="no conditions on what left")
    assert not namespace.get("Deployment", "dropped")
    assert namespace.get("Deployment", "left")


def test_a_second_daemon_on_the_same_state_is_refused(
    lab: ControlPlane, shared_daemon: SharedDaemon, tmp_path: Path
) -> None:
    same = "--scratch-folder", str(shared_daemon.running().state)
    with Daemon(lab, tmp_path, "--no-leader-election", *same) as second:
        assert second.process.wait(60) == Exit.STATE_IN_USE
    assert "in use by another daemon" in second.text()


def test_a_restart_changes_no_status_and_tells_nothing_twice(
    namespace: Namespace, shared_daemon: SharedDaemon
) -> None:
    place = namespace
    place.apply(
        provider("presidio"),
        guard("pii", "presidio", "pre_call", "post_call"),
        tool_gateway("tools", guardrails=[{"name": "pii"}]),
        tool_gateway("broken", guardrails=[{"name": "missing"}]),
        tool_route("served", "tools"),
        tool_route("lost", "nowhere"),
    )
    place.wait_ready("tools", "ToolGateway")
    place.wait_route("served", "Reconciled")
    place.wait_route("lost", "GatewayNotFound")
    place.wait_reason("broken", "GuardrailsResolutionFailed", "ToolGateway")
    place.wait_event("tools", "ToolGatewayReady")
    shared_daemon.stop()
    before, configured = reported(place), place.conditions("tools", "ToolGateway")["ToolGatewayConfigured"]
    assert len(before) == len(set(before)), "each is told once"

    second = shared_daemon.running()
    # One that cannot be served: it leaves the config as it is, and so begins no rollout with news of its own.
    place.apply(tool_route("marker", "tools", server="missing"))
    place.wait_route("marker", "UpstreamUnresolved")
    (warned,) = place.notes("tools", "GuardModeIgnored")
    assert not warned.get("series"), "the first daemon has told of it"
    assert [entry for entry in reported(place) if entry[0] != "marker"] == before
    assert place.conditions("tools", "ToolGateway")["ToolGatewayConfigured"] == configured
    for name, reason in (("served", "Reconciled"), ("lost", "GatewayNotFound")):
        assert place.reason(name, "Ready", "ToolRoute") == reason
    assert "Traceback" not in second.text()


def test_what_left_while_no_daemon_ran_is_released(namespace: Namespace, shared_daemon: SharedDaemon) -> None:
    place = namespace
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
    place.wait_ready("leaver", "ToolGateway")
    place.wait_route("follower", "Reconciled")
    place.wait_route("detached", "Reconciled")
    place.wait_reason("never-ran", "GuardrailsResolutionFailed", "ToolGateway")
    shared_daemon.stop()

    for name in ("leaver", "never-ran"):
        place.patch("ToolGateway", name, {"spec": {"toolGatewayClassName": "foreign"}})
    place.kubectl("patch", "toolroute", "detached", "--type=json", "-p", DETACH)

    shared_daemon.running()
    for kind, name in (
        ("ToolGateway", "leaver"),
        ("ToolGateway", "never-ran"),
        ("ToolRoute", "follower"),
        ("ToolRoute", "detached"),
    ):
        place.wait_no_conditions(kind, name)
    place.wait_ready("stays", "ToolGateway")
    assert place.get("Deployment", "leaver"), "its objects stay for the next owner"
