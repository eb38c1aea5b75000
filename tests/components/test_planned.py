import fnmatch
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from gateway_components.components.naming import component_name, gateway_of, gateway_target
from gateway_components.components.objects import Registration
from gateway_components.components.planned import planned_gateway
from gateway_components.components.route import ToolRoute
from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.parse import parse_as
from gateway_components.crds.toolgateway import ToolGateway
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.keys import GatewayKey, RouteKey
from gateway_components.plan.plan import generate
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.workload import GatewayObjects
from tests.components.recorder import run

KEY = GatewayKey("AiGateway", "team-a", "chat")


TOOLS = GatewayKey("ToolGateway", "team-a", "tools")


def objects() -> GatewayObjects:
    manifest = {
        "metadata": {"name": "chat", "namespace": "team-a", "uid": "u-1"},
        "spec": {"aiModels": [{"name": "gpt-4o", "provider": "openai"}]},
    }
    return generate(parse_as(AiGateway, manifest), {}, {}, {}).objects


def tool_objects() -> GatewayObjects:
    manifest = {"metadata": {"name": "tools", "namespace": "team-a"}, "kind": "ToolGateway"}
    return generate(parse_as(ToolGateway, manifest), {}, {}, {}).objects


def route(namespace: str, name: str, gateway: GatewayKey = TOOLS, *, broken: bool = False) -> RoutePlan:
    failure = Failure(Reason.UPSTREAM_UNRESOLVED, "ToolServer is missing") if broken else None
    return RoutePlan(RouteKey(namespace, name), 1, gateway, f"{namespace}__{name}", failure=failure)


def test_planned_objects_are_registered_as_they_were_planned() -> None:
    recorder = run(lambda: planned_gateway(KEY, objects()).url)
    for manifest in objects().manifests:
        assert recorder.inputs(manifest["kind"], "team-a/chat") == manifest


def test_annotations_for_the_provider_come_on_top() -> None:
    annotations = {"pulumi.com/patchFieldManager": "me"}
    how = Registration(annotations, options=pulumi.ResourceOptions(retain_on_delete=True))
    recorder = run(lambda: planned_gateway(KEY, objects(), how).url)
    for kind in ("ConfigMap", "Deployment", "Service"):
        assert recorder.inputs(kind)["metadata"]["annotations"] == annotations
        assert recorder.request(kind).retainOnDelete
    assert objects().config_map["metadata"].get("annotations") is None


def test_a_planned_tool_gateway_has_the_routes_it_serves_below_it() -> None:
    elsewhere = GatewayKey("ToolGateway", "team-b", "tools")
    routes = [
        route("team-a", "weather"),
        route("team-c", "news"),
        route("team-a", "broken", broken=True),
        route("team-a", "other", elsewhere),
    ]

    def program() -> pulumi.Output[Any]:
        made = planned_gateway(TOOLS, tool_objects(), routes=routes)
        assert set(made.routes) == {"team-a/weather", "team-c/news"}
        return pulumi.Output.all(*(known.url for known in made.routes.values())).apply(urls.extend)

    urls: list[str] = []
    recorder = run(program)
    below = [request for request in recorder.requests if request.type == ToolRoute.TYPE]
    assert sorted(request.name for request in below) == [
        "team-a/tools/team-a/weather",
        "team-a/tools/team-c/news",
    ]
    assert {request.parent for request in below} == {recorder.request("Deployment").parent}
    assert urls == [
        "http://tools.team-a.svc.cluster.local/mcp/team-a__weather",
        "http://tools.team-a.svc.cluster.local/mcp/team-c__news",
    ]


def test_the_daemon_keeps_no_routes_in_its_state() -> None:
    recorder = run(lambda: planned_gateway(TOOLS, tool_objects()).url)
    assert recorder.kinds() == ["ConfigMap", "Deployment", "Service", "ToolGateway"]


@pytest.mark.parametrize("key", [KEY, TOOLS], ids=str)
@pytest.mark.parametrize(
    "type_",
    [
        "gateway-components:index:{kind}",
        "gateway-components:index:{kind}$kubernetes:core/v1:ConfigMap",
        "gateway-components:index:{kind}$kubernetes:apps/v1:Deployment",
    ],
)
def test_urns_lead_to_their_gateway_and_are_targeted_with_it(type_: str, key: GatewayKey) -> None:
    urn = f"urn:pulumi:stack::project::{type_.format(kind=key.kind)}::{component_name(key)}"
    assert gateway_of(urn) == key
    assert fnmatch.fnmatchcase(urn, gateway_target("project", "stack", key))
    kinds = {"AiGateway": "ToolGateway", "ToolGateway": "AiGateway"}
    for other in (replace(key, name="other"), replace(key, kind=kinds[key.kind])):
        assert not fnmatch.fnmatchcase(urn, gateway_target("project", "stack", other))


def test_the_urn_of_a_route_leads_to_the_gateway_that_serves_it() -> None:
    type_ = "gateway-components:index:ToolGateway$gateway-components:index:ToolRoute"
    assert gateway_of(f"urn:pulumi:stack::project::{type_}::team-a/tools/team-c/news") == TOOLS


@pytest.mark.parametrize(
    "urn",
    [
        "urn:pulumi:stack::project::pulumi:providers:kubernetes::kubernetes",
        "urn:pulumi:stack::project::kubernetes:core/v1:ConfigMap::team-a/chat",
        "",
    ],
)
def test_other_resources_belong_to_no_gateway(urn: str) -> None:
    assert gateway_of(urn) is None
