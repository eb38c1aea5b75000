import fnmatch

import pulumi
import pytest

from gateway_components.components.objects import Registration
from gateway_components.components.planned import component_name, gateway_of, gateway_target, planned_gateway
from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.parse import parse_as
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.plan import generate
from gateway_components.plan.workload import GatewayObjects
from tests.components.recorder import run

KEY = GatewayKey("AiGateway", "team-a", "chat")


def objects() -> GatewayObjects:
    manifest = {
        "metadata": {"name": "chat", "namespace": "team-a", "uid": "u-1"},
        "spec": {"aiModels": [{"name": "gpt-4o", "provider": "openai"}]},
    }
    return generate(parse_as(AiGateway, manifest), {})


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


@pytest.mark.parametrize(
    "type_",
    [
        "gateway-components:index:AiGateway",
        "gateway-components:index:AiGateway$kubernetes:core/v1:ConfigMap",
        "gateway-components:index:AiGateway$kubernetes:apps/v1:Deployment",
    ],
)
def test_urns_lead_to_their_gateway_and_are_targeted_with_it(type_: str) -> None:
    urn = f"urn:pulumi:stack::project::{type_}::{component_name(KEY)}"
    assert gateway_of(urn) == KEY
    assert fnmatch.fnmatchcase(urn, gateway_target("project", "stack", KEY))
    other = GatewayKey("AiGateway", "team-a", "other")
    assert not fnmatch.fnmatchcase(urn, gateway_target("project", "stack", other))


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
