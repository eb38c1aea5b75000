"""The program of an engine run: registers the planned gateways of one namespace.

It sends what the SDK's classes would send for `planned_gateway`. Those translate every property, trace the stack of
the program into the state and report what they do to the engine, which takes ten times as long as the engine.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from gateway_components.components.naming import (
    PATCH_FIELD_MANAGER,
    SKIP_AWAIT,
    TOOL_ROUTE_TYPE,
    component_type,
    route_name,
)
from gateway_components.engine.programs import PROVIDER_VERSION
from gateway_components.engine.protocol import UNKNOWN, is_registered, outputs, registration
from gateway_components.identity import Identity
from gateway_components.plan.objects import HANDOVER_ANNOTATION, GatewayObjects, Manifest
from gateway_components.plan.ownership import FIELD_MANAGER
from gateway_components.plan.urls import route_url

ANNOTATIONS = {**SKIP_AWAIT, PATCH_FIELD_MANAGER: FIELD_MANAGER}
"""Settings that the provider reads from the annotations of an object alone."""

PROVIDER_INPUTS = {
    # Empty, so that the provider reads its environment and the state holds no credential.
    "kubeconfig": "",
    # Fixed: otherwise a new address of the same cluster replaces every object.
    "clusterIdentifier": "cluster",
    "enableServerSideApply": "true",
    "enableConfigMapMutable": "true",
}
"""Inputs of the Kubernetes provider; a state may contain no others."""


def object_type(version: str, kind: str) -> str:
    """Return the resource type that patches objects of this API version and kind."""
    module = version if "/" in version else f"core/{version}"
    return f"kubernetes:{module}:{kind}Patch"


def applied_form(manifest: Manifest) -> dict[str, Any]:
    """Return a planned object as both an engine run and a repair apply it."""
    metadata = manifest["metadata"]
    annotations = {**metadata.get("annotations", {}), **ANNOTATIONS}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def register_gateways(
    monitor: Any,
    stack: str,
    wanted: Mapping[Identity, GatewayObjects],
    done: set[Identity],
) -> None:
    """Register gateways with the engine's resource monitor, below the stack of this URN.

    All resources of one rank are sent at once, and the engine runs as many in parallel as it is allowed to. After a
    failure the rest is registered too: the engine skips dependents by itself, and reports them.

    `done` receives each gateway whose objects the engine reports as applied, even if the run is cut short.
    """
    register = monitor.RegisterResource
    inputs = {"object": PROVIDER_INPUTS, "version": PROVIDER_VERSION}
    known = registration("pulumi:providers:kubernetes", "kubernetes", parent=stack, custom=True, **inputs)
    (provider,) = _answers(_sent(register, [known]))
    # A preview does not create the provider, so a new one has no id.
    reference = f"{provider.urn}::{provider.id or UNKNOWN}"
    components = _answers(
        _sent(
            register,
            (registration(component_type(key), key.namespaced_name, parent=stack) for key in wanted),
        )
    )
    gateways = [
        (key, objects, component.urn)
        for (key, objects), component in zip(wanted.items(), components, strict=True)
    ]
    served = [
        (key, made, urn, route, server)
        for key, made, urn in gateways
        for route, server in made.servers.items()
    ]
    routes = _sent(
        register,
        (
            registration(TOOL_ROUTE_TYPE, route_name(key.namespaced_name, route), parent=urn)
            for key, _, urn, route, _ in served
        ),
    )
    made_with = partial(_object, provider=reference)
    config_maps = _sent(register, (made_with(key, made.config_map, urn) for key, made, urn in gateways))
    services = _sent(register, (made_with(key, made.service, urn) for key, made, urn in gateways))
    # Pods mount the ConfigMap.
    before = [[answer.urn] for answer in _answers(config_maps)]
    for (_, made, _), needed, service in zip(gateways, before, services, strict=True):
        if HANDOVER_ANNOTATION in made.deployment["metadata"].get("annotations", {}):
            # No pod of ours replaces one of another operator before the Service leads to either.
            needed.append(service.result().urn)
    deployments = _sent(
        register,
        (
            made_with(key, made.deployment, urn, dependencies=needed)
            for (key, made, urn), needed in zip(gateways, before, strict=True)
        ),
    )
    try:
        _answers([*routes, *services, *deployments])
    finally:
        objects = zip(wanted, config_maps, services, deployments, strict=True)
        done.update(key for key, *calls in objects if all(map(is_registered, calls)))
    ends = [outputs(urn, _gateway_outputs(made)) for _, made, urn in gateways]
    ends += [
        outputs(call.result().urn, {"url": _route_url(made, server)})
        for (_, made, _, _, server), call in zip(served, routes, strict=True)
    ]
    _answers(_sent(monitor.RegisterResourceOutputs, ends))


def _sent(method: Any, requests: Iterable[Any]) -> list[Any]:
    return [method.future(request) for request in requests]


def _answers(calls: Iterable[Any]) -> list[Any]:
    return [call.result() for call in calls]


def _object(
    key: Identity,
    manifest: Manifest,
    parent: str,
    *,
    provider: str,
    dependencies: Sequence[str] = (),
) -> Any:
    """Return the registration of an object, as a patch resource.

    Of an object of its own, Pulumi claims what ``kubectl`` wrote to it, and drops that with the next change. Of a patch
    it owns only what it wrote itself. A patch creates a missing object too.
    """
    return registration(
        object_type(manifest["apiVersion"], manifest["kind"]),
        key.namespaced_name,
        parent=parent,
        custom=True,
        object=applied_form(manifest),
        provider=provider,
        dependencies=dependencies,
        version=PROVIDER_VERSION,
        # The garbage collector deletes the objects of a released gateway with their owner.
        retainOnDelete=True,
    )


def _gateway_outputs(objects: GatewayObjects) -> dict[str, str]:
    return {
        "url": objects.url,
        "namespace": objects.service["metadata"]["namespace"],
        "serviceName": objects.service["metadata"]["name"],
        "deploymentName": objects.deployment["metadata"]["name"],
        "configMapName": objects.config_map["metadata"]["name"],
    }


def _route_url(objects: GatewayObjects, server: str) -> str:
    metadata = objects.service["metadata"]
    return route_url(metadata["name"], metadata["namespace"], server)
