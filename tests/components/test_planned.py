import fnmatch
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from gateway_components.api.gateways import AiGateway, ToolGateway
from gateway_components.api.parse import parse_as
from gateway_components.components.gateway import ToolRoute
from gateway_components.components.naming import gateway_of, gateway_targets
from gateway_components.components.objects import Registration
from gateway_components.components.stack import companion, planned_gateway
from gateway_components.identity import Identity
from gateway_components.plan.generate import generate
from gateway_components.plan.objects import GatewayObjects
from tests.components.recorder import SECRET, Recorder, run

KEY = Identity("AiGateway", "team-a", "chat")


TOOLS = Identity("ToolGateway", "team-a", "tools")


def objects() -> GatewayObjects:
    manifest = {
        "metadata": {"name": "chat", "namespace": "team-a", "uid": "u-1"},
        "spec": {"aiModels": [{"name": "gpt-4o", "provider": "openai"}]},
    }
    return generate(parse_as(AiGateway, manifest), {}, {}, {}).objects


def tool_objects() -> GatewayObjects:
    manifest = {"metadata": {"name": "tools", "namespace": "team-a"}, "kind": "ToolGateway"}
    return generate(parse_as(ToolGateway, manifest), {}, {}, {}).objects


def test_planned_objects_are_registered_as_they_were_planned() -> None:
    how = Registration(marked=False)
    recorder = run(lambda: planned_gateway(KEY, objects(), how).url)
    for manifest in objects().manifests:
        assert recorder.inputs(manifest["kind"], "team-a/chat") == manifest


def test_annotations_for_the_provider_come_on_top() -> None:
    annotations = {"pulumi.com/patchFieldManager": "me"}
    how = Registration(annotations, marked=False, options=pulumi.ResourceOptions(retain_on_delete=True))
    recorder = run(lambda: planned_gateway(KEY, objects(), how).url)
    for kind in ("ConfigMap", "Deployment", "Service"):
        assert recorder.inputs(kind)["metadata"]["annotations"] == annotations
        assert recorder.request(kind).retainOnDelete
    assert objects().config_map["metadata"].get("annotations") is None


def test_a_planned_gateway_has_its_served_routes_below_it() -> None:
    served = {"team-a/weather": "team_a__weather", "team-c/news": "team_c__news"}

    def program() -> pulumi.Output[Any]:
        made = planned_gateway(TOOLS, replace(tool_objects(), servers=served))
        assert set(made.routes) == set(served)
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
        "http://tools.team-a.svc.cluster.local/mcp/team_a__weather",
        "http://tools.team-a.svc.cluster.local/mcp/team_c__news",
    ]


@pytest.mark.parametrize("key", [KEY, TOOLS], ids=str)
@pytest.mark.parametrize(
    "type_",
    [
        "gateway-components:index:{kind}",
        "gateway-components:index:{kind}$kubernetes:core/v1:ConfigMap",
        "gateway-components:index:{kind}$kubernetes:apps/v1:Deployment",
    ],
)
def test_urns_lead_to_their_gateway_and_are_targeted_with_it(type_: str, key: Identity) -> None:
    urn = f"urn:pulumi:stack::project::{type_.format(kind=key.kind)}::{key.namespaced_name}"
    assert gateway_of(urn) == key
    assert targeted(urn, key)
    kinds = {"AiGateway": "ToolGateway", "ToolGateway": "AiGateway"}
    for other in (key._replace(name="other"), key._replace(kind=kinds[key.kind])):
        assert not targeted(urn, other)


def targeted(urn: str, key: Identity) -> bool:
    return any(fnmatch.fnmatchcase(urn, pattern) for pattern in gateway_targets("project", "stack", key))


def test_the_urn_of_a_route_leads_to_the_gateway_that_serves_it() -> None:
    type_ = "gateway-components:index:ToolGateway$gateway-components:index:ToolRoute"
    urn = f"urn:pulumi:stack::project::{type_}::team-a/tools/team-c/news"
    assert gateway_of(urn) == TOOLS
    assert targeted(urn, TOOLS)
    assert not targeted(urn, TOOLS._replace(name="tool"))
    assert not targeted(urn, TOOLS._replace(namespace="team-b"))


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


METADATA = {"name": "keys", "namespace": "team-a", "labels": {"my_label": "a", "api_version": "b"}}


def registered(manifest: dict[str, Any]) -> Recorder:
    return run(lambda: companion(manifest, pulumi.ResourceOptions()).metadata)


def test_a_config_map_is_registered_as_it_is_written() -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": METADATA,
        "data": {"patch.yaml": "a: 1\n", "snake_key": "b"},
        "binaryData": {"b": "AA=="},
        "immutable": False,
    }
    assert registered(manifest).inputs("ConfigMap") == manifest


def test_values_of_a_secret_are_sent_as_secrets() -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": METADATA,
        "data": {"a": "aHVudGVyMg=="},
        "stringData": {"b": "hunter3"},
    }
    inputs = registered(manifest).inputs("Secret")
    assert SECRET in inputs["data"]
    assert SECRET in inputs["stringData"]
    assert {key: inputs[key] for key in ("type", "metadata")} == {"type": "Opaque", "metadata": METADATA}


def test_the_copy_that_kubectl_keeps_of_a_secret_is_dropped() -> None:
    copy = "kubectl.kubernetes.io/last-applied-configuration"
    annotations = {copy: '{"data": {"a": "aHVudGVyMg=="}}', "team": "a"}
    manifest = {"kind": "Secret", "metadata": {**METADATA, "annotations": annotations}}
    assert registered(manifest).inputs("Secret")["metadata"]["annotations"] == {"team": "a"}
