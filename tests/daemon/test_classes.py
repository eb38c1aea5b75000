"""A class that comes, changes or goes re-evaluates the gateways."""

from collections.abc import Iterator

import pytest

from lab import wait_until
from tests.daemon.conftest import DEPLOY
from tests.daemon.harness import SECONDS, Namespace
from tests.daemon.manifests import gateway, tool_gateway, tool_route

DEFAULT = "aigatewayclass.kubernetes.io/is-default-class"
DEFAULT_OF_TOOLS = "toolgatewayclass.kubernetes.io/is-default-class"
OURS = "aigateway.agentic-layer.ai/ai-gateway-litellm-controller"


@pytest.fixture
def place(namespace: Namespace) -> Iterator[Namespace]:
    yield namespace
    namespace.lab.kubectl("delete", "aigatewayclasses,toolgatewayclasses", "--all")
    namespace.lab.kubectl("apply", "-f", str(DEPLOY / "classes"))


def without_class(name: str) -> dict[str, object]:
    manifest = gateway(name)
    del manifest["spec"]["aiGatewayClassName"]
    return manifest


def gateway_class(name: str, controller: str) -> dict[str, object]:
    return {
        "apiVersion": "runtime.agentic-layer.ai/v1alpha1",
        "kind": "AiGatewayClass",
        "metadata": {"name": name},
        "spec": {"controller": controller},
    }


def annotate(place: Namespace, kind: str, name: str, value: str | None) -> None:
    place.patch(kind, "litellm", {"metadata": {"annotations": {name: value}}})


def wait_released(place: Namespace, name: str) -> None:
    wait_until(lambda: not place.conditions(name), timeout=SECONDS, what=f"{name} without conditions of ours")
    assert place.get("Deployment", name), "its objects stay for the next owner"


def test_a_default_class_takes_the_gateways_that_name_none(place: Namespace) -> None:
    place.apply(without_class("classless"), gateway("named"))
    place.wait_ready("named")
    assert "status" not in place.existing("AiGateway", "classless")
    assert place.get("Deployment", "classless") is None

    annotate(place, "AiGatewayClass", DEFAULT, "true")
    place.wait_ready("classless")

    annotate(place, "AiGatewayClass", DEFAULT, "false")
    wait_released(place, "classless")
    assert place.reason("named") == "ConfigurationApplied"


def test_a_default_class_claims_and_releases_tool_gateways(place: Namespace) -> None:
    classless = tool_gateway("tools")
    del classless["spec"]["toolGatewayClassName"]
    place.apply(classless, tool_route("docs", "tools"), gateway("beside"))
    place.wait_ready("beside")
    assert "status" not in place.existing("ToolGateway", "tools")

    annotate(place, "ToolGatewayClass", DEFAULT_OF_TOOLS, "true")
    place.wait_ready("tools", "ToolGateway")
    place.wait_route("docs", "Reconciled")
    assert place.url("ToolGateway", "tools") == f"http://tools.{place.name}.svc.cluster.local"

    annotate(place, "ToolGatewayClass", DEFAULT_OF_TOOLS, None)
    place.wait_no_conditions("ToolGateway", "tools")
    # No class claims the gateway: no controller runs what the route refers to, which is ours to tell.
    place.wait_route("docs", "GatewayNotFound")
    assert place.get("Deployment", "tools"), "its objects stay for the next owner"
    assert place.reason("beside") == "ConfigurationApplied"


def test_a_gateway_follows_its_class(place: Namespace) -> None:
    waiting = gateway("waiting")
    waiting["spec"]["aiGatewayClassName"] = "later"
    place.apply(waiting, gateway("present"))
    place.wait_ready("present")
    assert "status" not in place.existing("AiGateway", "waiting")
    assert place.get("Deployment", "waiting") is None

    place.apply(gateway_class("later", OURS))
    place.wait_ready("waiting")
    place.apply(gateway_class("later", "example.com/another-controller"))
    wait_released(place, "waiting")
    place.apply(gateway_class("later", OURS))
    place.wait_ready("waiting")
    place.delete("AiGatewayClass", "later")
    wait_released(place, "waiting")


def test_a_gateway_without_a_spec_says_what_it_lacks(place: Namespace) -> None:
    annotate(place, "AiGatewayClass", DEFAULT, "true")
    bare = without_class("bare")
    del bare["spec"]

    place.apply(bare)

    assert "spec.aiModels" in place.wait_reason("bare", "ConfigGenerationFailed")
