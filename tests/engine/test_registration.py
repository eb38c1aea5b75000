"""What a run registers: what the components would, in an order that the engine can work on."""

import importlib.metadata
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_kubernetes
import pytest
from pulumi.runtime import rpc
from pulumi.runtime.rpc import UNKNOWN
from pulumi_kubernetes.apps.v1 import DeploymentPatch
from pulumi_kubernetes.core.v1 import ConfigMapPatch, ServicePatch

from gateway_components.components.naming import TOOL_ROUTE_TYPE
from gateway_components.components.stack import planned_gateway
from gateway_components.engine.programs import PROVIDER_VERSION
from gateway_components.engine.registration import ANNOTATIONS, register_gateways
from gateway_components.identity import Identity
from gateway_components.plan.objects import SETTINGS, GatewayObjects, Manifest
from tests.components.recorder import Recorder, run
from tests.engine.monitor import GoneError, Monitor
from tests.engine.test_stacks import wanted

GATEWAY, OTHER = wanted("ns", "a"), wanted("ns", "b")
OBJECTS = ("ConfigMap", "Deployment", "Service")


def registered(*gateways: tuple[Identity, GatewayObjects]) -> Monitor:
    monitor = Monitor()
    register_gateways(monitor, "stack", dict(gateways), set())
    return monitor


def by_sdk(key: Identity, objects: GatewayObjects) -> Recorder:
    """Return what the SDK sends for a planned gateway, and for patches with the objects of it."""

    def program() -> None:
        provider = pulumi_kubernetes.Provider(
            "kubernetes",
            kubeconfig="",
            cluster_identifier="cluster",
            enable_server_side_apply=True,
            enable_config_map_mutable=True,
        )
        options = pulumi.ResourceOptions(provider=provider, retain_on_delete=True)
        planned_gateway(key, objects)
        name = f"{key.namespace}/{key.name}"
        config_map = ConfigMapPatch(
            name,
            metadata=annotated(objects.config_map),
            data=objects.config_map["data"],
            opts=options,
        )
        after = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[config_map]))
        DeploymentPatch(
            name, metadata=annotated(objects.deployment), spec=objects.deployment["spec"], opts=after
        )
        ServicePatch(name, metadata=annotated(objects.service), spec=objects.service["spec"], opts=options)

    return run(program)


def annotated(manifest: Manifest) -> Any:
    metadata = manifest["metadata"]
    return {**metadata, "annotations": {**metadata.get("annotations", {}), **ANNOTATIONS}}


def one(requests: list[Any], type_: str) -> Any:
    (found,) = [request for request in requests if getattr(request, "type", "").endswith(f":{type_}")]
    return found


def fields_of(request: Any) -> Mapping[str, Any]:
    return {
        "type": request.type,
        "name": request.name,
        "custom": request.custom,
        "properties": rpc.deserialize_properties(request.object),
        "version": request.version,
        "retained": request.retainOnDelete,
        "secrets": request.acceptSecrets,
        "partial": request.supportsPartialValues,
        "resources": request.acceptResources,
        "results": request.supportsResultReporting,
    }


@pytest.mark.parametrize("type_", ["kubernetes", "AiGateway", *(f"{kind}Patch" for kind in OBJECTS)])
def test_the_daemon_registers_what_the_sdk_would(type_: str) -> None:
    assert fields_of(one(registered(GATEWAY).asked(), type_)) == fields_of(
        one(list(by_sdk(*GATEWAY).requests), type_)
    )


def test_properties_are_the_plan_and_how_to_apply_it() -> None:
    _, objects = GATEWAY
    for kind, manifest in zip(OBJECTS, objects.manifests, strict=True):
        request = one(registered(GATEWAY).asked(), f"{kind}Patch")
        assert rpc.deserialize_properties(request.object) == {**manifest, "metadata": annotated(manifest)}


def test_settings_of_the_provider_are_not_part_of_the_digest() -> None:
    assert ANNOTATIONS.keys() == SETTINGS


def test_objects_are_below_their_gateway_on_the_one_provider() -> None:
    asked = registered(GATEWAY).asked()
    gateway, provider = one(asked, "AiGateway"), one(asked, "kubernetes")
    assert (gateway.parent, provider.parent) == ("stack", "stack")
    for kind in OBJECTS:
        request = one(asked, f"{kind}Patch")
        assert request.parent == f"urn:{gateway.type}:ns/a"
        assert request.provider == f"urn:{provider.type}:kubernetes::id"


def test_routes_are_components_below_their_gateway() -> None:
    key = Identity("ToolGateway", "ns", "a")
    served = replace(GATEWAY[1], servers={"ns/news": "ns__news", "other/files": "other__files"})
    asked = registered((key, served)).asked()
    routes = [request for request in asked if getattr(request, "type", "") == TOOL_ROUTE_TYPE]
    sent = [request for request in by_sdk(key, served).requests if request.type == TOOL_ROUTE_TYPE]
    assert [fields_of(request) for request in routes] == [fields_of(request) for request in sent]
    assert [request.name for request in routes] == ["ns/a/ns/news", "ns/a/other/files"]
    assert {request.parent for request in routes} == {"urn:gateway-components:index:ToolGateway:ns/a"}
    outputs = {request.urn: dict(request.outputs) for request in asked if not hasattr(request, "type")}
    assert outputs[f"urn:{TOOL_ROUTE_TYPE}:ns/a/other/files"] == {
        "url": "http://a.ns.svc.cluster.local/mcp/other__files"
    }


def test_a_preview_names_a_provider_that_is_not_there_yet() -> None:
    monitor = Monitor(id="")
    register_gateways(monitor, "stack", dict([GATEWAY]), set())
    assert one(monitor.asked(), "ServicePatch").provider.endswith(f":kubernetes::{UNKNOWN}")


def test_a_deployment_waits_for_the_config_map_that_it_mounts() -> None:
    asked = registered(GATEWAY).asked()
    config_map = one(asked, "ConfigMapPatch")
    assert list(one(asked, "DeploymentPatch").dependencies) == [f"urn:{config_map.type}:ns/a"]
    assert not one(asked, "ServicePatch").dependencies


def test_a_service_leads_to_both_ports_before_pods_change() -> None:
    key, objects = GATEWAY
    asked = registered((key, objects.handing_over)).asked()
    needed = [one(asked, kind) for kind in ("ConfigMapPatch", "ServicePatch")]
    assert list(one(asked, "DeploymentPatch").dependencies) == [f"urn:{each.type}:ns/a" for each in needed]


def test_gateways_do_not_wait_for_each_other() -> None:
    log = registered(GATEWAY, OTHER).log
    kinds = [(what, getattr(request, "type", ":outputs").rpartition(":")[2]) for what, request in log]
    assert kinds.index(("answered", "ConfigMapPatch")) > max(
        place
        for place, kind in enumerate(kinds)
        if kind in [("asked", "ConfigMapPatch"), ("asked", "ServicePatch")]
    )
    deployments = [place for place, kind in enumerate(kinds) if kind == ("asked", "DeploymentPatch")]
    assert len(deployments) == 2
    assert deployments[-1] < kinds.index(("answered", "DeploymentPatch"))


def test_each_component_has_the_outputs_that_users_see() -> None:
    *_, outputs = registered(GATEWAY).asked()
    assert outputs.urn == "urn:gateway-components:index:AiGateway:ns/a"
    assert dict(outputs.outputs) == {
        "url": "http://a.ns.svc.cluster.local",
        "namespace": "ns",
        "serviceName": "a",
        "deploymentName": "a",
        "configMapName": "a-config",
    }


@pytest.mark.parametrize("kind", OBJECTS)
def test_a_gateway_is_done_once_all_its_objects_are(kind: str) -> None:
    done: set[Identity] = set()
    register_gateways(Monitor(refused=[f":{kind}Patch:ns/a"]), "stack", dict([GATEWAY, OTHER]), done)
    assert done == {OTHER[0]}


def test_what_was_done_is_known_also_where_the_engine_goes_away() -> None:
    done: set[Identity] = set()
    monitor = Monitor(unanswered=[":ServicePatch:ns/a"])
    with pytest.raises(GoneError):
        register_gateways(monitor, "stack", dict([GATEWAY, OTHER]), done)
    assert done == {OTHER[0]}


def test_each_object_outlives_its_registration() -> None:
    asked = registered(GATEWAY).asked()
    assert all(one(asked, f"{kind}Patch").retainOnDelete for kind in OBJECTS)


def test_nothing_of_the_machine_gets_into_the_state() -> None:
    for request in registered(GATEWAY).asked():
        assert not getattr(request, "stackTrace", None) or not request.stackTrace.frames


def test_a_run_loads_none_of_the_classes_for_kubernetes() -> None:
    # They are tens of megabytes. In a process of its own: here they are loaded.
    code = (
        "import sys, gateway_components.engine.stacks; print(*(m for m in sys.modules if 'kubernetes' in m))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []


def test_the_provider_has_the_version_of_the_sdk() -> None:
    assert importlib.metadata.version("pulumi_kubernetes") == PROVIDER_VERSION
