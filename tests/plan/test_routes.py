"""Which gateway serves a route, under which key, and why not."""

from typing import Any

import pytest

from gateway_components.api.parse import parse_as
from gateway_components.api.tools import ToolRoute
from gateway_components.identity import Identity
from gateway_components.plan import routes
from gateway_components.plan.findings import Failure, Reason, WarningReason
from gateway_components.plan.plan import Plan, plan
from gateway_components.plan.routes import RoutePlan, mcp_servers, without_removed
from gateway_components.plan.upstreams import Upstream, server_key
from tests.plan.make import (
    MCP_URL,
    gateway,
    gateway_class,
    patch_contents,
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
    return planned[Identity("ToolRoute", found.metadata.namespace or "", found.metadata.name)]


KEYS = (
    ("team", "files", "team__files", "namespace and name, two underscores between"),
    ("a-b", "c-d", "a_b__c_d", "LiteLLM does not start with a dash"),
    ("a--b", "c", "a__b__c", "each dash is one underscore"),
    ("a", "b--c", "a__b__c", "so two routes may have one key"),
    ("team", "v1.2", "team__v1.2", "a dot stays"),
)


@pytest.mark.parametrize(("namespace", "name", "expected", "why"), KEYS, ids=[case[3] for case in KEYS])
def test_key(namespace: str, name: str, expected: str, why: str) -> None:
    assert server_key(Identity("ToolRoute", namespace, name)) == expected, why


def test_a_served_route_says_where_it_is_and_what_is_behind_it() -> None:
    planned = _planned(route())
    assert planned == RoutePlan(route_key(), 1, tool_key(), "team__files", Upstream(MCP_URL, "http"))
    assert planned.url == "http://tools.team.svc.cluster.local/mcp/team__files"


def test_a_route_url_has_the_gateways_host_and_the_routes_key() -> None:
    planned = _planned(route(namespace="apps", gateway=HERE))
    assert planned.url == "http://tools.team.svc.cluster.local/mcp/apps__files"


def test_a_gateway_reference_defaults_to_the_routes_namespace() -> None:
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
    ("reference", "reported", "field", "why"), NOT_FOUND, ids=[case[3] for case in NOT_FOUND]
)
def test_a_gateway_that_is_not_there(reference: dict[str, str], reported: str, field: str, why: str) -> None:
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
    assert reported in planned.failure.message
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


def test_routes_of_foreign_default_gateways_are_left_alone() -> None:
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
    assert planned[Identity("ToolRoute", "a", "b--c")].failure is None, why
    assert planned[Identity("ToolRoute", "a--b", "c")].failure == Failure(
        Reason.DUPLICATE_SERVER_NAME,
        "ToolRoute a/b--c has the same key a__b__c and came first",
        path=("metadata", "name"),
        cure="rename this route, or delete the other one",
        related=(Identity("ToolRoute", "a", "b--c"),),
    )


def test_age_counts_for_more_than_the_name() -> None:
    older = route("c", namespace="a--b", gateway=HERE, created=OLD)
    younger = route("b--c", namespace="a", gateway=HERE, created=NEW)
    assert _planned(older, younger).failure is None
    assert _planned(younger, older).failure is not None


def test_a_broken_route_keeps_its_key() -> None:
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


def test_a_pattern_that_allows_warns_and_one_that_denies_fails() -> None:
    (warning,) = _planned(route(toolFilter={"allow": ["get_*"]})).warnings
    assert (warning.reason, warning.field) == (WarningReason.TOOL_PATTERN_IGNORED, "spec.toolFilter.allow")
    denying = _planned(route(toolFilter={"deny": ["delete_*"]}))
    assert denying.failure
    assert (denying.failure.reason, denying.url) == (Reason.TOOL_FILTER_INVALID, None)


def test_a_guest_never_outranks_routes_of_the_own_namespace() -> None:
    home = {"name": "tools", "namespace": "a--b"}
    foreign = route("b--c", namespace="a", gateway=home, created=OLD)
    own = route("c", namespace="a--b", created=NEW)
    planned = plan(snapshot(tool_gateway(namespace="a--b"), foreign, own)).routes
    assert planned[Identity("ToolRoute", "a--b", "c")].failure is None
    failure = planned[Identity("ToolRoute", "a", "b--c")].failure
    assert failure
    assert failure.reason == Reason.DUPLICATE_SERVER_NAME


MANY = [f"some_tool_{number:05}" for number in range(8_000)]


def _config(planned: Plan) -> str:
    (found,) = planned.gateways.values()
    assert found.failure is None
    assert found.objects is not None
    text: str = found.objects.config_map["data"]["config.yaml"]
    return text


@pytest.mark.parametrize("namespace", ["team", "other"])
def test_a_route_too_large_is_left_out_and_the_others_served(namespace: str) -> None:
    large = route("large", namespace=namespace, gateway=HERE, created=OLD, toolFilter={"deny": MANY})
    planned = plan(snapshot(tool_gateway(), large, route("small", created=NEW)))
    failure = planned.routes[Identity("ToolRoute", namespace, "large")].failure
    assert failure
    assert failure.reason == Reason.ROUTE_TOO_LARGE
    assert failure.cure
    assert planned.routes[route_key("small")].failure is None
    assert "team__small" in _config(planned)
    assert len(_config(planned)) < 10_000


def test_routes_of_one_namespace_take_only_its_share() -> None:
    crowd = [
        route(f"r{number}", namespace="other", gateway=HERE, created=OLD, toolFilter={"deny": MANY[:1500]})
        for number in range(40)
    ]
    guest = route("guest", namespace="third", gateway=HERE, created=NEW, toolFilter={"deny": MANY[:1500]})
    planned = plan(snapshot(tool_gateway(), *crowd, guest, route("small", created=NEW)))
    reasons = [found.failure.reason for found in planned.routes.values() if found.failure]
    assert set(reasons) == {Reason.ROUTE_TOO_LARGE}
    assert 30 < len(reasons) < 40
    assert planned.routes[route_key("small")].failure is None
    assert planned.routes[Identity("ToolRoute", "third", "guest")].failure is None
    assert len(_config(planned)) < 512 * 1024


def test_no_time_is_spent_on_lists_that_nothing_can_come_of(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []

    def resolve(found: ToolRoute, *_: Any) -> Upstream:
        looked_at.append(found.metadata.name)
        return Upstream("https://example.com/mcp", "http")

    monkeypatch.setattr(routes, "resolve_upstream", resolve)
    crowd = [
        route(f"r{number:02}", namespace="other", gateway=HERE, toolFilter={"allow": MANY[:4000]})
        for number in range(40)
    ]
    huge = route("huge", toolFilter={"allow": [f"tool-{number}" for number in range(30_000)]})
    planned = plan(snapshot(tool_gateway(), huge, *crowd, route("small"))).routes

    assert looked_at == ["small", *(f"r{number:02}" for number in range(6))]
    for found in (planned[route_key("huge")], planned[Identity("ToolRoute", "other", "r39")]):
        assert found.failure
        assert found.failure.reason == Reason.ROUTE_TOO_LARGE
        assert found.failure.cure


def test_where_there_is_no_room_routes_of_others_give_way_first() -> None:
    guests = [
        route(
            "guest", namespace=f"guest-{number}", gateway=HERE, created=OLD, toolFilter={"deny": MANY[:4000]}
        )
        for number in range(8)
    ]
    own = [route(f"r{number}", created=NEW, toolFilter={"deny": MANY[:4000]}) for number in range(8)]
    planned = plan(snapshot(tool_gateway(), *guests, *own))
    left_out = [key.namespace for key, found in planned.routes.items() if found.failure]
    assert left_out
    assert not {"team"} & set(left_out)
    assert len(_config(planned).encode()) <= 1024 * 1024
    failures = {str(found.failure) for found in planned.routes.values() if found.failure}
    assert len(failures) == 1
    assert "no room" in failures.pop()


def test_the_gateways_own_patch_counts_before_routes_of_others() -> None:
    patch = f"litellm_settings: {{x: {'y' * 950_000}}}"
    guests = [
        route(f"r{number}", namespace="other", gateway=HERE, toolFilter={"deny": MANY[:1500]})
        for number in range(3)
    ]
    contents = patch_contents(patch)
    alone = plan(snapshot(tool_gateway(patch="patch"), contents=contents))
    crowded = plan(snapshot(tool_gateway(patch="patch"), *guests, route("small"), contents=contents))
    assert len(_config(alone)) > 900_000
    assert crowded.routes[route_key("small")].failure is None
    assert {found.failure.reason for found in crowded.routes.values() if found.failure} == {
        Reason.ROUTE_TOO_LARGE
    }
    assert "team__small" in _config(crowded)


def test_a_gateway_that_is_too_large_by_itself_says_so() -> None:
    patch = f"litellm_settings: {{x: {'y' * 1024 * 1024}}}"
    planned = plan(snapshot(tool_gateway(patch="patch"), route(), contents=patch_contents(patch)))
    failure = planned.gateways[tool_key()].failure
    assert failure
    assert failure.reason == Reason.CONFIG_GENERATION_FAILED


def test_a_guest_does_not_learn_what_the_patch_holds() -> None:
    guest = route("b", namespace="b", gateway=HERE)
    text = "mcp_servers: {b__b: null, team__files: null}"
    planned = plan(
        snapshot(tool_gateway(patch="patch"), guest, route(), contents=patch_contents(text))
    ).routes
    reported = {key.namespace: str(found.failure) for key, found in planned.items()}
    assert "patch" in reported["team"]
    assert "patch" not in reported["b"]
    assert {found.failure.reason for found in planned.values() if found.failure} == {Reason.GATEWAY_DEGRADED}


def test_entries_are_those_of_the_working_routes() -> None:
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


def test_a_patch_removes_routes_of_its_own_gateway_alone() -> None:
    upstream = Upstream(MCP_URL, "http")
    plans = {
        route_key(name): RoutePlan(route_key(name), 1, tool_key(on), f"team__{name}", upstream)
        for name, on in (("a", "tools"), ("b", "tools"), ("c", "other"))
    }
    left = without_removed(plans, {tool_key(): {"team__a", "team__c"}})
    assert {key.name for key, planned in left.items() if planned.failure} == {"a"}
    assert left[route_key("a")].upstream is None
