"""What is said of each object, by its status or by a plan."""

from typing import Any

import pytest

from gateway_components.api.kinds import KINDS
from gateway_components.graph.verdicts import Inventory, Verdict, planned_verdicts, reported_verdicts
from gateway_components.identity import Identity
from gateway_components.plan.plan import plan
from gateway_components.plan.snapshot import Snapshot
from tests.graph.make import (
    CLASSES,
    Raw,
    ai_gateway,
    both,
    condition,
    gateway_class,
    guard,
    inventory,
    provider,
    route,
    server,
    tool_gateway,
)


def verdict(about: Raw, *others: Raw, visible: dict[str, str | None] | None = None) -> Verdict:
    """Return what the cluster of some objects says of the first."""
    found = inventory(about, *others, visible=visible)
    metadata = about["metadata"]
    return reported_verdicts(found)[Identity(about["kind"], metadata.get("namespace", ""), metadata["name"])]


CONFIGURED, READY = "AiGatewayConfigured", "AiGatewayReady"
ROLLING = condition(READY, "False", "DeploymentRollingOut", "0 of 1")


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        # Both hold: the last one tells most.
        (both("AiGateway", reason="R", message="m"), ("ok", "R", "m", "True")),
        ((), ("unknown", "NotReported", "no controller has handled it yet", "Unknown")),
        # Refused: what stands in the way of the configuration is the cause of the rest.
        (
            (condition(CONFIGURED, "False", "ConfigPatchInvalid", "bad"), ROLLING),
            ("broken", "ConfigPatchInvalid", "bad", "False"),
        ),
        # Nothing is wrong with a gateway that rolls out; it is not ready all the same.
        ((condition(CONFIGURED), ROLLING), ("unknown", "DeploymentRollingOut", "0 of 1", "False")),
        # What was said of an older generation no longer counts.
        (
            (condition(CONFIGURED), condition(READY, generation=1)),
            ("unknown", "NotReported", "no controller has handled it yet", "Unknown"),
        ),
        ((condition(CONFIGURED), condition(READY, "False", "X", "y")), ("broken", "X", "y", "False")),
        ((condition(CONFIGURED), condition(READY, "Unknown", "X", "y")), ("unknown", "X", "y", "Unknown")),
    ],
)
def test_gateways_are_judged_by_their_conditions(
    conditions: tuple[Raw, ...], expected: tuple[str, ...]
) -> None:
    found = verdict(ai_gateway("chat", *conditions), *CLASSES)
    assert (found.state, found.reason, found.message, found.ready) == expected


@pytest.mark.parametrize(
    ("class_name", "classes", "expected"),
    [
        ("none", CLASSES, ("broken", "ClassNotFound", "its class none does not exist", "False")),
        ("", CLASSES, ("broken", "ClassNotFound", "it names no class and no class is the default", "False")),
        (
            "theirs",
            (gateway_class("AiGatewayClass", "theirs", "example.com/other"),),
            ("foreign", "OtherController", "example.com/other runs it", "Unknown"),
        ),
        # The class of a name is that of the gateway's own kind.
        (
            "litellm",
            (gateway_class("ToolGatewayClass"),),
            ("broken", "ClassNotFound", "its class litellm does not exist", "False"),
        ),
    ],
)
def test_gateways_that_are_not_ours_say_why(
    class_name: str, classes: tuple[Raw, ...], expected: tuple[str, ...]
) -> None:
    found = verdict(ai_gateway("chat", *both("AiGateway"), aiGatewayClassName=class_name), *classes)
    assert (found.state, found.reason, found.message, found.ready) == expected


def test_without_rights_on_classes_conditions_decide() -> None:
    visible: dict[str, str | None] = dict.fromkeys({*KINDS} - {"AiGatewayClass"})
    assert verdict(ai_gateway("chat", *both("AiGateway")), visible=visible).state == "ok"


def test_a_route_is_judged_by_its_condition_and_gateway() -> None:
    ours, theirs = tool_gateway("tools"), tool_gateway("theirs", toolGatewayClassName="theirs")
    foreign = gateway_class("ToolGatewayClass", "theirs", "example.com/other")
    upstream: Raw = {"toolServerRef": {"name": "docs"}}
    broken = condition("Ready", "False", "UpstreamUnresolved", "gone")

    def of(gateway: Raw | None, *conditions: Raw) -> tuple[str, str]:
        found = verdict(route("docs", gateway, upstream, *conditions), ours, theirs, foreign, *CLASSES)
        return found.state, found.reason

    assert of({"name": "tools"}, condition("Ready")) == ("ok", "Fine")
    assert of({"name": "tools"}, broken) == ("broken", "UpstreamUnresolved")
    assert of({"name": "tools"}) == ("unknown", "NotReported")
    assert of({"name": "theirs"}) == ("foreign", "OtherController")
    assert of(None, broken) == ("unknown", "NotAttached")


@pytest.mark.parametrize(
    ("others", "state", "part"),
    [
        ((provider("presidio"),), "ok", ""),
        ((), "broken", "GuardrailProvider team/presidio, which Guard team/pii refers to, does not exist"),
        # The provider has another type than its block.
        ((provider("presidio", type="bedrock-api"),), "broken", "bedrock"),
        ((provider("presidio", type="no-such-type"),), "broken", "GuardrailProvider team/presidio"),
    ],
)
def test_an_unused_guard_is_judged_by_its_provider(others: tuple[Raw, ...], state: str, part: str) -> None:
    found = verdict(guard("pii", "presidio"), *others)
    assert (found.state, part in found.message) == (state, True)


def test_what_is_wrong_with_a_guard_names_no_place_in_a_gateway() -> None:
    assert "spec.guardrails" not in verdict(guard("pii", "presidio")).message


def test_a_guard_is_judged_by_the_gateways_that_use_it() -> None:
    user = tool_gateway("tools", guardrails=[{"name": "pii"}])
    found = verdict(guard("pii", "presidio", "post_call"), provider("presidio"), user)
    assert (found.state, found.ready) == ("broken", "False")
    assert "ToolGateway" in found.message
    assert verdict(guard("pii", "presidio", "post_call"), provider("presidio")).state == "ok"
    theirs = tool_gateway("theirs", toolGatewayClassName="theirs", guardrails=[{"name": "pii"}])
    foreign = gateway_class("ToolGatewayClass", "theirs", "example.com/other")
    assert verdict(guard("pii", "presidio", "post_call"), provider("presidio"), theirs, foreign).state == "ok"


def test_a_provider_that_may_not_be_read_is_not_called_missing() -> None:
    visible: dict[str, str | None] = dict.fromkeys({*KINDS} - {"GuardrailProvider"})
    assert verdict(guard("pii", "presidio"), visible=visible).reason == "NotVisible"
    assert (
        verdict(guard("pii", "presidio"), visible={**visible, "GuardrailProvider": "other"}).reason
        == "NotVisible"
    )
    assert (
        verdict(guard("pii", "presidio"), visible={**visible, "GuardrailProvider": "team"}).state == "broken"
    )


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_object_of_a_newer_crd_is_broken_and_named(kind: str) -> None:
    newer: dict[str, Any] = {
        "kind": kind,
        "metadata": {"name": "new", "namespace": "team"},
        "spec": ["newer"],
    }
    if not KINDS[kind].namespaced:
        del newer["metadata"]["namespace"]
    found = verdict(newer)
    assert (found.state, found.reason) == ("broken", "NotReadable")
    assert "spec" in found.message


def test_objects_of_files_are_judged_by_the_plan() -> None:
    found = inventory(
        *CLASSES,
        ai_gateway("chat", *both("AiGateway"), guardrails=[{"name": "none"}]),
        ai_gateway("fine"),
        ai_gateway("others", aiGatewayClassName="not-given"),
        tool_gateway("tools"),
        route("docs", {"name": "tools"}, {"toolServerRef": {"name": "docs"}}),
        route("gone", {"name": "tools"}, {"toolServerRef": {"name": "gone"}}),
        route("elsewhere", {"name": "not-given"}, {"toolServerRef": {"name": "docs"}}),
        server("docs"),
    )
    snapshot = Snapshot(
        gateways=tuple(gateway for _, gateway in found.gateways),
        classes=found.classes,
        routes=tuple(model for key, model in found.objects.items() if key.kind == "ToolRoute"),  # type: ignore[misc]
        resources=found.resources,
        partial=True,
    )
    verdicts = planned_verdicts(Inventory(snapshot.objects, partial=True), plan(snapshot))
    reported = {
        key.name: (entry.state, entry.reason) for key, entry in verdicts.items() if key.kind != "ToolServer"
    }
    assert reported == {
        "litellm": ("ok", ""),
        "chat": ("broken", "GuardrailsResolutionFailed"),
        "fine": ("ok", ""),
        "others": ("foreign", "NotGiven"),
        "tools": ("ok", ""),
        "docs": ("ok", ""),
        "gone": ("broken", "UpstreamUnresolved"),
        "elsewhere": ("foreign", "NotGiven"),
    }
