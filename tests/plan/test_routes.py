"""Which gateway serves a route, under which key, and why not."""

import pytest

from gateway_components.crds.parse import parse_as
from gateway_components.crds.toolroute import ToolRoute
from gateway_components.plan.failure import Failure, Reason, WarningReason
from gateway_components.plan.keys import RouteKey
from gateway_components.plan.plan import plan
from gateway_components.plan.routes import RoutePlan, mcp_servers, server_key, without_removed
from gateway_components.plan.upstreams import Upstream
from tests.plan.make import (
    MCP_URL,
    gateway,
    gateway_class,
    route,
    route_key,
    snapshot,
    tool_gateway,
    tool_gateway_class,
    tool_key,
)

OTHER_CLASS = tool_gateway_class("other", "example.com/controller")
CLASSES = (gateway_class(), tool_gateway_class(), OTHER_CLASS)
OLD, NEW = "2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z"
HERE = {"name": "tools", "namespace": "team"}


def _planned(found: ToolRoute, *others: ToolRoute) -> RoutePlan:
    planned = plan(snapshot(tool_gateway(), found, *others)).routes
    return planned[RouteKey(found.metadata.namespace or "", found.metadata.name)]


KEYS = (
    ("team", "files", "team__files", "namespace and name, two underscores between"),
    ("a-b", "c-d", "a_b__c_d", "LiteLLM does not start with a dash"),
    ("a--b", "c", "a__b__c", "each dash is one underscore"),
    ("a", "b--c", "a__b__c", "so two routes may have one key"),
    ("team", "v1.2", "team__v1.2", "a dot stays"),
)


@pytest.mark.parametrize(("namespace", "name", "expected", "why"), KEYS, ids=[case[3] for case in KEYS])
def test_key(namespace: str, name: str, expected: str, why: str) -> None:
    assert server_key(RouteKey(namespace, name)) == expected, why


def test_a_served_route_says_where_it_is_and_what_is_behind_it() -> None:
    planned = _planned(route())
    assert planned == RoutePlan(route_key(), 1, tool_key(), "team__files", Upstream(MCP_URL, "http"))
    assert planned.url == "http://tools.team.svc.cluster.local/mcp/team__files"


def test_url_is_that_of_the_gateway_with_the_namespace_of_the_route_in_the_key() -> None:
    planned = _planned(route(namespace="apps", gateway=HERE))
    assert planned.url == "http://tools.team.svc.cluster.local/mcp/apps__files"


def test_the_namespace_of_a_gateway_defaults_to_that_of_the_route() -> None:
    failure = _planned(route(namespace="apps")).failure
    assert failure is not None
    assert "ToolGateway apps/tools does not exist" in failure.message


def test_a_route_without_a_gateway_is_attached_to_nothing() -> None:
    bare = parse_as(ToolRoute, {"metadata": {"name": "files", "namespace": "team"}})
    for detached in (bare, route(gateway={}), route(gateway={}, server={"name": "gone"})):
        planned = _planned(detached)
        assert (planned.gateway, planned.failure, planned.url) == (None, None, None)


NOT_FOUND = (
    ({"name": "gone"}, "ToolGateway team/gone does not exist", "spec.toolGatewayRef", "it does not exist"),
    (
        {"name": "tools", "namespace": "other"},
        "ToolGateway other/tools does not exist",
        "spec.toolGatewayRef",
        "it is in another namespace",
    ),
    ({"namespace": "team"}, "has no name", "spec.toolGatewayRef.name", "the reference has no name"),
    (
        {"name": "tools", "kind": "Service"},
        "refers to the kind Service",
        "spec.toolGatewayRef.kind",
        "the reference is to another kind",
    ),
    (
        {"name": "models"},
        "ToolGateway team/models does not exist",
        "spec.toolGatewayRef",
        "an AiGateway of that name serves no routes",
    ),
    (
        {"name": "classless"},
        "its class gone does not exist",
        "spec.toolGatewayRef",
        "no controller runs the gateway",
    ),
    (
        {"name": "default"},
        "it names no class and no class is the default",
        "spec.toolGatewayRef",
        "no controller takes the gateway",
    ),
)


@pytest.mark.parametrize(
    ("reference", "told", "field", "why"), NOT_FOUND, ids=[case[3] for case in NOT_FOUND]
)
def test_a_gateway_that_is_not_there(reference: dict[str, str], told: str, field: str, why: str) -> None:
    objects = (
        tool_gateway(),
        gateway("models"),
        tool_gateway("classless", class_name="gone"),
        tool_gateway("default", class_name=None),
        route(gateway=reference),
    )
    planned = plan(snapshot(*objects)).routes[route_key()]
    assert planned.failure is not None, why
    assert planned.failure.reason == Reason.GATEWAY_NOT_FOUND
    assert told in planned.failure.message
    assert planned.failure.field == field
    assert planned.failure.cure
    assert planned.url is None


FOREIGN = (
    ({"name": "foreign"}, "its class is another controller's"),
    ({"name": "foreign", "kind": "Gateway"}, "whatever else is wrong with the reference"),
)


@pytest.mark.parametrize(("reference", "why"), FOREIGN, ids=[case[1] for case in FOREIGN])
def test_routes_of_a_foreign_gateway_are_left_untouched(reference: dict[str, str], why: str) -> None:
    foreign = tool_gateway("foreign", class_name="other")
    planned = plan(snapshot(foreign, tool_gateway(), route(gateway=reference), classes=CLASSES))
    assert planned.routes == {}, why


def test_routes_of_the_default_gateway_of_another_controller_are_left_untouched() -> None:
    theirs = tool_gateway_class("other", "example.com/controller", default="true")
    planned = plan(snapshot(tool_gateway(class_name=None), route(), classes=(theirs, tool_gateway_class())))
    assert planned.routes == {}


RIVALS = (
    (OLD, NEW, "the older one wins"),
    (OLD, OLD, "of one age, the name decides"),
    (OLD, None, "what is not on the cluster yet is younger"),
    (None, None, "without any age, the name decides"),
)


@pytest.mark.parametrize(("first", "second", "why"), RIVALS, ids=[case[2] for case in RIVALS])
@pytest.mark.parametrize("swapped", [False, True])
def test_of_two_routes_with_one_key_one_is_served(
    first: str | None, second: str | None, why: str, swapped: bool
) -> None:
    winner = route("b--c", namespace="a", gateway=HERE, created=first)
    loser = route("c", namespace="a--b", gateway=HERE, created=second)
    routes = (loser, winner) if swapped else (winner, loser)
    planned = plan(snapshot(tool_gateway(), *routes)).routes
    assert planned[RouteKey("a", "b--c")].failure is None, why
    assert planned[RouteKey("a--b", "c")].failure == Failure(
        Reason.DUPLICATE_SERVER_NAME,
        "ToolRoute a/b--c has the same key a__b__c and came first",
        field="metadata.name",
        cure="rename this route, or delete the other one",
    )


def test_age_counts_for_more_than_the_name() -> None:
    older = route("c", namespace="a--b", gateway=HERE, created=OLD)
    younger = route("b--c", namespace="a", gateway=HERE, created=NEW)
    assert _planned(older, younger).failure is None
    assert _planned(younger, older).failure is not None


def test_a_broken_route_keeps_its_key_so_that_its_url_never_leads_to_tools_of_another() -> None:
    older = route("c", namespace="a--b", gateway=HERE, created=OLD, server={"name": "gone"})
    younger = route("b--c", namespace="a", gateway=HERE, created=NEW)
    failure = _planned(younger, older).failure
    assert failure is not None
    assert failure.reason == Reason.DUPLICATE_SERVER_NAME


def test_a_route_that_its_gateway_does_not_serve_holds_no_key() -> None:
    elsewhere = route("c", namespace="a--b", gateway={**HERE, "kind": "Service"}, created=OLD)
    assert _planned(route("b--c", namespace="a", gateway=HERE, created=NEW), elsewhere).failure is None


def test_one_key_on_two_gateways_is_two() -> None:
    elsewhere = route("c", namespace="a--b", gateway={"name": "second", "namespace": "team"})
    objects = (tool_gateway(), tool_gateway("second"), elsewhere, route("b--c", namespace="a", gateway=HERE))
    assert {planned.failure for planned in plan(snapshot(*objects)).routes.values()} == {None}


def test_moving_a_route_changes_both_gateways() -> None:
    gateways = (tool_gateway("one"), tool_gateway("two"))
    before, after = (
        plan(snapshot(*gateways, route(gateway={"name": name}))).gateways for name in ("one", "two")
    )
    assert all(before[key].objects != after[key].objects for key in before)


def test_a_pattern_in_a_list_of_tools_is_a_warning_of_the_route() -> None:
    (warning,) = _planned(route(toolFilter={"deny": ["delete_*"]})).warnings
    assert (warning.reason, warning.field) == (WarningReason.TOOL_PATTERN_IGNORED, "spec.toolFilter.deny")


def test_entries_are_those_of_the_routes_of_each_gateway_that_are_not_broken() -> None:
    upstream = Upstream(MCP_URL, "http")
    failure = Failure(Reason.UPSTREAM_UNRESOLVED, "broken")
    plans = [
        RoutePlan(route_key("a"), 1, tool_key(), "team__a", upstream),
        RoutePlan(route_key("b"), 1, tool_key(), "team__b", failure=failure),
        RoutePlan(route_key("c"), 1, tool_key("other"), "team__c", upstream),
        RoutePlan(route_key("d"), 1, None, "team__d"),
    ]
    assert mcp_servers(plans) == {
        tool_key(): {"team__a": upstream.entry},
        tool_key("other"): {"team__c": upstream.entry},
    }


def test_only_what_a_patch_removes_from_its_own_gateway_is_not_served() -> None:
    upstream = Upstream(MCP_URL, "http")
    plans = {
        route_key(name): RoutePlan(route_key(name), 1, tool_key(on), f"team__{name}", upstream)
        for name, on in (("a", "tools"), ("b", "tools"), ("c", "other"))
    }
    left = without_removed(plans, {tool_key(): {"team__a", "team__c"}})
    assert {key.name for key, planned in left.items() if planned.failure} == {"a"}
    assert left[route_key("a")].upstream is None
