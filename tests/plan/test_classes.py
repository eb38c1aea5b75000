"""Which gateways are ours."""

from typing import Any

import pytest

from gateway_components.api.gateways import AiGatewayClass, ToolGatewayClass
from gateway_components.api.kinds import AI_GATEWAY, TOOL_GATEWAY
from gateway_components.api.parse import parse_as
from gateway_components.plan.claims import IMAGE_ANNOTATION, claims, meant_controller, nobody_claims
from gateway_components.plan.plan import GatewayPlan, plan
from gateway_components.plan.snapshot import IMAGE, GatewayClass, Policy
from tests.plan.make import (
    OUR_CONTROLLER,
    OUR_TOOL_CONTROLLER,
    gateway,
    gateway_class,
    key,
    snapshot,
    tool_gateway,
    tool_gateway_class,
    tool_key,
)

OURS = gateway_class()
OURS_BY_DEFAULT = gateway_class(default="true")
FOREIGN = gateway_class("other", "example.com/controller")
FOREIGN_BY_DEFAULT = gateway_class("other", "example.com/controller", default="true")
NAMESAKE = gateway_class("litellm", "example.com/controller")

CASES = (
    ("litellm", (OURS,), True, "a gateway naming a class of ours is ours"),
    ("litellm", (OURS_BY_DEFAULT,), True, "being the default takes nothing away from those who name it"),
    ("litellm", (FOREIGN, OURS), True, "the classes of others do not matter"),
    ("litellm", (), False, "a class that was deleted claims nothing"),
    ("litellm", (NAMESAKE,), False, "the controller decides, not the name of the class"),
    ("other", (OURS_BY_DEFAULT, FOREIGN), False, "a named class wins over the default"),
    ("gone", (OURS_BY_DEFAULT,), False, "a class that does not exist does not fall back to the default"),
    (None, (OURS,), False, "a class takes gateways without one only where it is marked"),
    (None, (OURS_BY_DEFAULT,), True, "the default class takes gateways without one"),
    ("", (OURS_BY_DEFAULT,), True, "an empty name is no name"),
    ("", (OURS,), False, "an empty name is no class"),
    (None, (FOREIGN_BY_DEFAULT, OURS), False, "the default of another controller is not ours"),
    (None, (FOREIGN_BY_DEFAULT, OURS_BY_DEFAULT), True, "some class of ours is the default"),
    (None, (gateway_class(default="True"),), False, "only the exact text true marks a default"),
    (None, (gateway_class(default="false"),), False, "the annotation can also say no"),
    (None, (), False, "without classes nothing is ours"),
)


@pytest.mark.parametrize(("name", "classes", "expected", "why"), CASES, ids=[case[3] for case in CASES])
def test_claim(name: str | None, classes: tuple[AiGatewayClass, ...], expected: bool, why: str) -> None:
    assert claims(AI_GATEWAY, name, classes) is expected, why
    planned = plan(snapshot(gateway(class_name=name), classes=classes))
    assert (key() in planned.gateways) is expected, why


def _tool(found: AiGatewayClass) -> ToolGatewayClass:
    """Return the class of tool gateways that corresponds to `found`."""
    default = next(iter(found.metadata.annotations.values()), None)
    ours = found.spec.controller == OUR_CONTROLLER
    controller = OUR_TOOL_CONTROLLER if ours else found.spec.controller
    return tool_gateway_class(found.metadata.name, controller, default)


@pytest.mark.parametrize(("name", "classes", "expected", "why"), CASES, ids=[case[3] for case in CASES])
def test_claim_of_a_tool_gateway(
    name: str | None, classes: tuple[AiGatewayClass, ...], expected: bool, why: str
) -> None:
    of_tools = tuple(_tool(found) for found in classes)
    assert claims(TOOL_GATEWAY, name, of_tools) is expected, why
    planned = plan(snapshot(tool_gateway(class_name=name), classes=of_tools))
    assert (tool_key() in planned.gateways) is expected, why


def test_a_class_of_the_other_kind_claims_nothing() -> None:
    ai, tool = gateway_class(default="true"), tool_gateway_class(default="true")
    for name in ("litellm", None):
        assert not claims(AI_GATEWAY, name, (tool,))
        assert not claims(TOOL_GATEWAY, name, (ai,))


def test_a_class_with_the_other_kinds_controller_claims_nothing() -> None:
    assert not claims(TOOL_GATEWAY, "litellm", (tool_gateway_class(controller=OUR_CONTROLLER),))
    assert not claims(AI_GATEWAY, "litellm", (gateway_class(controller=OUR_TOOL_CONTROLLER),))


BARE = parse_as(ToolGatewayClass, {"metadata": {"name": "bare"}})
NOBODY: tuple[tuple[str | None, tuple[GatewayClass, ...], bool, str], ...] = (
    ("litellm", (tool_gateway_class(),), False, "it is ours"),
    ("other", (tool_gateway_class("other", "example.com/c"),), False, "it is another controller's"),
    ("bare", (BARE,), False, "its class says nothing, which is for others to mend"),
    ("gone", (tool_gateway_class(default="true"),), True, "its class does not exist"),
    ("litellm", (gateway_class(),), True, "a class of the other kind has the name"),
    (None, (tool_gateway_class(),), True, "it names none and none is the default"),
    ("", (tool_gateway_class(),), True, "an empty name is none"),
    (None, (tool_gateway_class("x", "example.com/c", "true"),), False, "the default is another controller's"),
    (None, (gateway_class(default="true"),), True, "the default is one of the other kind"),
    (None, (), True, "there are no classes"),
)


@pytest.mark.parametrize(("name", "classes", "expected", "why"), NOBODY, ids=[case[3] for case in NOBODY])
def test_nobody_claims(name: str | None, classes: tuple[GatewayClass, ...], expected: bool, why: str) -> None:
    assert nobody_claims(TOOL_GATEWAY, name, classes) is expected, why


def _with_image(found: AiGatewayClass, image: str) -> AiGatewayClass:
    annotations = {**found.metadata.annotations, IMAGE_ANNOTATION: image}
    return found.model_copy(
        update={"metadata": found.metadata.model_copy(update={"annotations": annotations})}
    )


INSTALLED = Policy(image="registry/installed:1")
OTHER_OF_OURS = gateway_class("a-first", default="true")
IMAGES: tuple[tuple[str | None, tuple[AiGatewayClass, ...], Policy, str, str], ...] = (
    ("litellm", (OURS,), Policy(), IMAGE, "nobody says anything"),
    ("litellm", (OURS,), INSTALLED, "registry/installed:1", "the installation decides"),
    ("litellm", (_with_image(OURS, "registry/own:2"),), INSTALLED, "registry/own:2", "the class wins"),
    (
        "litellm",
        (OURS, _with_image(OTHER_OF_OURS, "registry/own:2")),
        INSTALLED,
        "registry/installed:1",
        "another class has no say",
    ),
    (
        "litellm",
        (OURS, _with_image(FOREIGN_BY_DEFAULT, "registry/own:2")),
        Policy(),
        IMAGE,
        "nor has the class of another controller",
    ),
    (
        None,
        (_with_image(OURS_BY_DEFAULT, "registry/own:2"),),
        Policy(),
        "registry/own:2",
        "a default class does",
    ),
    (
        None,
        (_with_image(OURS_BY_DEFAULT, "registry/own:2"), _with_image(OTHER_OF_OURS, "registry/own:1")),
        Policy(),
        "registry/own:1",
        "of several default classes the first by name",
    ),
    (
        None,
        (_with_image(OURS_BY_DEFAULT, "registry/own:2"), OTHER_OF_OURS),
        Policy(),
        "registry/own:2",
        "of several default classes one that names an image",
    ),
)


@pytest.mark.parametrize(
    ("name", "classes", "policy", "image", "why"), IMAGES, ids=[case[4] for case in IMAGES]
)
def test_image(
    name: str | None, classes: tuple[AiGatewayClass, ...], policy: Policy, image: str, why: str
) -> None:
    (container,) = _containers(_planned(name, classes, policy))
    assert container["image"] == image, why


def test_an_image_that_is_none_is_refused_with_class_and_cure() -> None:
    planned = _planned("litellm", (_with_image(OURS, "https://registry/a"),), INSTALLED)

    assert planned.objects is None
    assert str(planned.failure) == (
        "AiGatewayClass litellm: annotation ai-gateway-litellm.agentic-layer.ai/image is "
        '"https://registry/a", which is not an image reference (field spec.aiGatewayClassName; write '
        f"REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST, such as {IMAGE})"
    )


def _planned(name: str | None, classes: tuple[AiGatewayClass, ...], policy: Policy) -> GatewayPlan:
    return plan(snapshot(gateway(class_name=name), classes=classes, policy=policy)).gateways[key()]


def _containers(planned: GatewayPlan) -> list[dict[str, Any]]:
    assert planned.objects
    containers: list[dict[str, Any]] = planned.objects.deployment["spec"]["template"]["spec"]["containers"]
    return containers


CONTROLLERS = (
    (OUR_CONTROLLER, None, "ours"),
    ("aigateway.agentic-layer.ai/ai-gateway-litelm-controller", OUR_CONTROLLER, "a slip"),
    ("AIGateway.agentic-layer.ai/ai-gateway-litellm-controller", OUR_CONTROLLER, "capitals"),
    ("aigateway.agentic_layer.ai/ai-gateway-litellm-controller", OUR_CONTROLLER, "another dash"),
    (OUR_TOOL_CONTROLLER, OUR_CONTROLLER, "that of the other kind"),
    (
        "litellm.agentic-layer.ai/ai-gateway-litellm-controller",
        OUR_CONTROLLER,
        "the domain of the other kind",
    ),
    ("ai-gateway-litellm-controller", OUR_CONTROLLER, "without its domain"),
    ("aigateway.agentic-layer.ai/ai-gateway-envoy-controller", None, "another operator of that domain"),
    ("example.com/controller", None, "another operator"),
    ("", None, "nothing, which the API server admits"),
)


@pytest.mark.parametrize(("controller", "meant", "why"), CONTROLLERS, ids=[case[2] for case in CONTROLLERS])
def test_a_controller_that_was_meant_to_be_ours(controller: str, meant: str | None, why: str) -> None:
    assert meant_controller(AI_GATEWAY, controller) == meant, why
