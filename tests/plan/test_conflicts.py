"""Objects that bear a wanted name and belong to somebody else."""

import pytest

from gateway_components.plan.conflicts import wanted_objects
from gateway_components.plan.failure import Reason
from gateway_components.plan.keys import ObjectKey
from gateway_components.plan.plan import plan
from gateway_components.plan.snapshot import ExistingObject
from tests.plan.make import API_VERSION, gateway, key, snapshot

WANTED = (
    ObjectKey("ConfigMap", "team", "example-config"),
    ObjectKey("Deployment", "team", "example"),
    ObjectKey("Service", "team", "example"),
)
OWN = ExistingObject((API_VERSION, "AiGateway", "example"))

TAKEN = (
    (("apps/v1", "ReplicaSet", "web"), "belongs to ReplicaSet web", "another controller owns it"),
    ((API_VERSION, "AiGateway", "other"), "belongs to AiGateway other", "another gateway owns it"),
    (
        (API_VERSION, "ToolGateway", "example"),
        "belongs to ToolGateway example",
        "a gateway of another kind has the same name",
    ),
    (
        ("example.com/v1", "AiGateway", "example"),
        "belongs to AiGateway example",
        "another group has a kind of the same name",
    ),
    (None, "does not belong to this gateway", "a person made it"),
)


def test_a_gateway_wants_three_objects() -> None:
    assert tuple(wanted_objects(key())) == WANTED


@pytest.mark.parametrize("wanted", WANTED, ids=str)
@pytest.mark.parametrize(("controller", "told", "why"), TAKEN, ids=[case[2] for case in TAKEN])
def test_an_object_of_somebody_else_is_never_taken_over(
    wanted: ObjectKey, controller: tuple[str, str, str] | None, told: str, why: str
) -> None:
    existing = {wanted: ExistingObject(controller)}
    planned = plan(snapshot(gateway(), existing=existing)).gateways[key()]
    assert planned.objects is None, why
    failure = planned.failure
    assert failure is not None
    assert failure.reason == Reason("NameConflict")
    assert f'{wanted.kind} "{wanted.name}" exists and {told}' in failure.message
    assert failure.field == "metadata.name"
    assert wanted.kind in failure.cure


def test_objects_of_an_earlier_gateway_of_the_same_name_are_handed_on() -> None:
    planned = plan(snapshot(gateway(uid="new"), existing=dict.fromkeys(WANTED, OWN))).gateways[key()]
    assert planned.failure is None
    assert planned.objects is not None


def test_objects_of_the_same_name_elsewhere_do_not_matter() -> None:
    existing = {
        ObjectKey("Service", "elsewhere", "example"): ExistingObject(None),
        ObjectKey("ConfigMap", "team", "example"): ExistingObject(None),
        ObjectKey("Service", "team", "example-config"): ExistingObject(None),
    }
    assert plan(snapshot(gateway(), existing=existing)).gateways[key()].failure is None
