"""Whose routes a gateway takes: what its annotation and the installation permit."""

import pytest

from gateway_components.identity import Identity
from gateway_components.plan.findings import Reason, WarningReason
from gateway_components.plan.plan import plan
from gateway_components.plan.references import ROUTE_NAMESPACES_ANNOTATION
from gateway_components.plan.snapshot import Policy
from tests.plan.make import particular, route, route_key, snapshot, tool_gateway, tool_key

OLD, NEW = "2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z"
HERE = {"name": "tools", "namespace": "team"}


CONSENT = (
    (None, {"own", "b", "c"}, "not said: all, as ever"),
    ("*", {"own", "b", "c"}, "all"),
    ("Same", {"own"}, "its own alone"),
    ("b", {"own", "b"}, "one namespace"),
    (" b ,c\n", {"own", "b", "c"}, "several, with spaces"),
    ("team", {"own"}, "its own need not be named"),
    ("", {"own"}, "nothing is a mistake"),
    ("b,*", {"own"}, "a star among names is a mistake"),
    ("B", {"own"}, "no namespace has capitals"),
    ("all", {"own"}, "a namespace of that name, which has no route here"),
)


@pytest.mark.parametrize(("said", "served", "why"), CONSENT, ids=[case[2] for case in CONSENT])
def test_a_gateway_says_whose_routes_it_takes(said: str | None, served: set[str], why: str) -> None:
    annotations = {} if said is None else {ROUTE_NAMESPACES_ANNOTATION: said}
    found = snapshot(
        tool_gateway(annotations=annotations),
        route("own"),
        route("b", namespace="b", gateway=HERE),
        route("c", namespace="c", gateway=HERE),
    )
    planned = plan(found).routes
    assert {key.name for key, one in planned.items() if not one.failure} == served, why
    for refused in (one.failure for one in planned.values() if one.failure):
        assert (refused.reason, refused.field) == (
            Reason.REFERENCE_NOT_PERMITTED,
            "spec.toolGatewayRef.namespace",
        )
        assert ROUTE_NAMESPACES_ANNOTATION in refused.cure


WARNED = (
    (None, WarningReason.TOOLS_SHARED, "who did not say whose servers are trusted shares the names of tools"),
    ("b", None, "who did has decided"),
    ("*", None, "so has who trusts all"),
    (
        ",".join(["b", *(f"n{number}" for number in range(1_000))]),
        WarningReason.ROUTE_NAMESPACES_INVALID,
        "a list without end would be checked in each reconcile",
    ),
    ("b c*", WarningReason.ROUTE_NAMESPACES_INVALID, "a mistake is told to the owner of the gateway"),
)


@pytest.mark.parametrize(("said", "reason", "why"), WARNED, ids=[case[2] for case in WARNED])
def test_the_owner_of_a_gateway_learns_whose_routes_it_serves(
    said: str | None, reason: WarningReason | None, why: str
) -> None:
    annotations = {} if said is None else {ROUTE_NAMESPACES_ANNOTATION: said}
    planned = plan(snapshot(tool_gateway(annotations=annotations), route("b", namespace="b", gateway=HERE)))
    warnings = particular(planned.gateways[tool_key()])
    assert [warning.reason for warning in warnings] == ([reason] if reason else []), why
    assert all(ROUTE_NAMESPACES_ANNOTATION in warning.field for warning in warnings)


def test_an_installation_can_forbid_routes_across_namespaces() -> None:
    gone = route("gone", namespace="b", gateway={"name": "gone", "namespace": "team"})
    found = snapshot(
        tool_gateway(),
        route(),
        route("b", namespace="b", gateway=HERE),
        gone,
        policy=Policy(cross_namespace=False),
    )
    planned = plan(found).routes
    assert planned[route_key()].failure is None
    for name in ("b", "gone"):
        failure = planned[Identity("ToolRoute", "b", name)].failure
        assert failure
        assert failure.reason == Reason.REFERENCE_NOT_PERMITTED
        assert "cross_namespace" in failure.cure


def test_a_route_that_is_not_permitted_holds_no_key() -> None:
    guest = route("b--c", namespace="a", gateway=HERE, created=OLD)
    other = route("c", namespace="a--b", gateway=HERE, created=NEW)
    annotations = {ROUTE_NAMESPACES_ANNOTATION: "a--b"}
    planned = plan(snapshot(tool_gateway(annotations=annotations), guest, other)).routes
    assert planned[Identity("ToolRoute", "a--b", "c")].failure is None
