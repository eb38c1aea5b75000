"""Objects that bear a wanted name and belong to somebody else."""

import pytest

from gateway_components.identity import Identity
from gateway_components.plan.claims import seniority, wanted_objects
from gateway_components.plan.findings import Reason
from gateway_components.plan.plan import plan
from gateway_components.plan.snapshot import ExistingObject, Unreadable
from tests.plan.make import API_VERSION, gateway, key, snapshot, tool_gateway, tool_key

WANTED = (
    Identity("ConfigMap", "team", "example-config"),
    Identity("Deployment", "team", "example"),
    Identity("Service", "team", "example"),
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
@pytest.mark.parametrize(("controller", "reported", "why"), TAKEN, ids=[case[2] for case in TAKEN])
def test_an_object_of_somebody_else_is_never_taken_over(
    wanted: Identity, controller: tuple[str, str, str] | None, reported: str, why: str
) -> None:
    existing = {wanted: ExistingObject(controller)}
    planned = plan(snapshot(gateway(), existing=existing)).gateways[key()]
    assert planned.objects is None, why
    failure = planned.failure
    assert failure is not None
    assert failure.reason == Reason("NameConflict")
    assert f'{wanted.kind} "{wanted.name}" exists and {reported}' in failure.message
    assert failure.field == "metadata.name"
    assert wanted.kind in failure.cure


def test_objects_of_an_earlier_namesake_are_handed_on() -> None:
    planned = plan(snapshot(gateway(uid="new"), existing=dict.fromkeys(WANTED, OWN))).gateways[key()]
    assert planned.failure is None
    assert planned.objects is not None


def test_our_object_gets_its_lost_owner_reference_back() -> None:
    orphans = dict.fromkeys(WANTED, ExistingObject(None, applied=True))
    planned = plan(snapshot(gateway(), existing=orphans)).gateways[key()]
    assert planned.failure is None
    assert planned.objects is not None


def test_objects_of_the_same_name_elsewhere_do_not_matter() -> None:
    existing = {
        Identity("Service", "elsewhere", "example"): ExistingObject(None),
        Identity("ConfigMap", "team", "example"): ExistingObject(None),
        Identity("Service", "team", "example-config"): ExistingObject(None),
    }
    assert plan(snapshot(gateway(), existing=existing)).gateways[key()].failure is None


OLD, NEW = "2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z"
TOOLS_OWN = ExistingObject((API_VERSION, "ToolGateway", "example"))
RIVALS: tuple[tuple[str | None, str | None, ExistingObject | None, str, str], ...] = (
    (OLD, NEW, None, "AiGateway", "the older one has the name"),
    (NEW, OLD, None, "ToolGateway", "whatever its kind"),
    (OLD, OLD, None, "AiGateway", "of one age, the kind decides"),
    (None, None, None, "AiGateway", "in files there is no age"),
    (None, NEW, None, "ToolGateway", "what is not on the cluster yet is younger"),
    (NEW, OLD, OWN, "AiGateway", "who has the objects keeps them, though the other is older"),
    (OLD, NEW, TOOLS_OWN, "ToolGateway", "that holds for both kinds"),
)


@pytest.mark.parametrize(("ai", "tool", "owner", "winner", "why"), RIVALS, ids=[case[4] for case in RIVALS])
def test_of_two_kinds_with_one_name_one_gets_the_objects(
    ai: str | None, tool: str | None, owner: ExistingObject | None, winner: str, why: str
) -> None:
    rivals = gateway(created=ai), tool_gateway("example", created=tool)
    existing = {} if owner is None else {WANTED[1]: owner}
    planned = plan(snapshot(*rivals, existing=existing)).gateways
    assert {found.kind for found, outcome in planned.items() if outcome.objects} == {winner}, why
    (failure,) = (outcome.failure for outcome in planned.values() if outcome.failure)
    assert failure.reason == Reason.NAME_CONFLICT
    assert failure.message.startswith(f"{winner} team/example has the same name")
    assert (failure.field, failure.cure) == ("metadata.name", "rename one of them")


def test_the_same_name_in_two_namespaces_is_no_conflict() -> None:
    planned = plan(snapshot(gateway(), tool_gateway("example", namespace="other"))).gateways
    assert {outcome.failure for outcome in planned.values()} == {None}


def test_a_foreign_gateway_without_objects_is_no_rival() -> None:
    foreign = tool_gateway("example", class_name="other", created=OLD)
    assert plan(snapshot(gateway(created=NEW), foreign)).gateways[key()].failure is None
    existing = {WANTED[2]: TOOLS_OWN}
    failure = plan(snapshot(gateway(created=NEW), foreign, existing=existing)).gateways[key()].failure
    assert failure is not None
    assert (
        failure.message == 'Service "example" exists and belongs to ToolGateway example; it is left as it is'
    )


def test_an_unreadable_gateway_keeps_only_its_own_objects() -> None:
    parts = {
        "unreadable_gateways": {tool_key("example"): Unreadable("odd", class_name="litellm", generation=1)}
    }
    assert plan(snapshot(gateway(), **parts)).gateways[key()].failure is None
    existing = {WANTED[0]: TOOLS_OWN}
    failure = plan(snapshot(gateway(), existing=existing, **parts)).gateways[key()].failure
    assert failure is not None
    assert failure.message.startswith("ToolGateway team/example has the same name")


EARLY, LATE = "2025-01-01T00:00:00Z", "2025-01-01T00:00:01Z"

AGES: tuple[tuple[str | None, str | None, str], ...] = (
    (EARLY, LATE, "the earlier timestamp is the older one"),
    (LATE, None, "what has no timestamp is not on the cluster yet"),
    (LATE, "", "an empty timestamp is none"),
)


@pytest.mark.parametrize(("older", "younger", "why"), AGES, ids=[case[2] for case in AGES])
def test_the_earlier_created_object_is_the_older(older: str | None, younger: str | None, why: str) -> None:
    assert seniority(older) < seniority(younger), why
