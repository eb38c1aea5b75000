"""Which gateways are ours."""

import pytest

from gateway_components.crds.aigatewayclass import AiGatewayClass
from gateway_components.plan.classes import claims
from gateway_components.plan.kinds import AI_GATEWAY
from gateway_components.plan.plan import plan
from tests.plan.make import gateway, gateway_class, key, snapshot

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
    planned = plan(snapshot(gateway(class_name=name), ai_gateway_classes=classes))
    assert (key() in planned.gateways) is expected, why
