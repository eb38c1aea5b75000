"""Which gateways are ours."""

import pytest

from gateway_components.crds.aigatewayclass import AiGatewayClass
from gateway_components.crds.parse import parse_as
from gateway_components.crds.toolgatewayclass import ToolGatewayClass
from gateway_components.plan.classes import claims, nobody_claims
from gateway_components.plan.kinds import AI_GATEWAY, TOOL_GATEWAY
from gateway_components.plan.plan import plan
from gateway_components.plan.snapshot import GatewayClass
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


def test_a_class_with_the_controller_of_the_other_kind_claims_nothing() -> None:
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
