"""Registrations of planned gateways, as the engine's protocol has them.

What the SDK's classes would send for `planned_gateway`, without the classes: they translate every property, trace the
stack of the program into the state and report what they do to the engine, which takes ten times as long as the engine.
"""

from collections.abc import Sequence
from typing import Any

from pulumi.runtime.proto.resource_pb2 import RegisterResourceOutputsRequest, RegisterResourceRequest

from gateway_components.components.naming import component_name, component_type
from gateway_components.components.provider import PATCH_FIELD_MANAGER, SKIP_AWAIT
from gateway_components.engine.locate import PROVIDER_VERSION
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.ownership import FIELD_MANAGER
from gateway_components.plan.workload import GatewayObjects, Manifest

__all__ = [
    "ANNOTATIONS",
    "component_request",
    "object_request",
    "outputs_request",
    "provider_request",
    "stack_outputs_request",
    "stack_request",
]

ANNOTATIONS = {**SKIP_AWAIT, PATCH_FIELD_MANAGER: FIELD_MANAGER}
"""What tells the provider how to apply an object; it takes these settings from annotations only."""

_PROVIDER = {
    # Empty: the provider reads its own environment, and no credential gets into the state.
    "kubeconfig": "",
    # Fixed, or a new address of the same cluster would replace every object.
    "clusterIdentifier": "cluster",
    "enableServerSideApply": "true",
    "enableConfigMapMutable": "true",
}


def stack_request(project: str, stack: str) -> RegisterResourceRequest:
    """Return the registration of the stack itself, which everything is below."""
    return _request(type="pulumi:pulumi:Stack", name=f"{project}-{stack}", object={})


def stack_outputs_request(urn: str) -> RegisterResourceOutputsRequest:
    """Return the outputs of the stack with the URN `urn`: none, which ends its registration."""
    none: Any = {}
    return RegisterResourceOutputsRequest(urn=urn, outputs=none)


def provider_request(parent: str) -> RegisterResourceRequest:
    """Return the registration of the Kubernetes provider below the resource with the URN `parent`."""
    return _request(
        type="pulumi:providers:kubernetes",
        name="kubernetes",
        parent=parent,
        custom=True,
        object=_PROVIDER,
        version=PROVIDER_VERSION,
    )


def component_request(key: GatewayKey, parent: str) -> RegisterResourceRequest:
    """Return the registration of a gateway below the resource with the URN `parent`."""
    return _request(type=component_type(key), name=component_name(key), parent=parent, object={})


def object_request(
    key: GatewayKey,
    manifest: Manifest,
    parent: str,
    provider: str,
    dependencies: Sequence[str] = (),
    *,
    retain: bool,
) -> RegisterResourceRequest:
    """Return the registration of an object of a gateway.

    It is a patch: Pulumi takes what ``kubectl`` wrote to an object of its own for itself, and drops it with the next
    change; of a patch it owns what it wrote and no more. A patch creates an object that does not exist, too.

    Parameters
    ----------
    key
        The gateway.
    manifest
        The object.
    parent
        URN of the gateway's component.
    provider
        URN and id of the Kubernetes provider, with ``::`` between them.
    dependencies
        URNs of objects that come first.
    retain
        Whether the object stays when it is registered no more.
    """
    version = manifest["apiVersion"]
    module = version if "/" in version else f"core/{version}"
    metadata = manifest["metadata"]
    annotations = {**metadata.get("annotations", {}), **ANNOTATIONS}
    return _request(
        type=f"kubernetes:{module}:{manifest['kind']}Patch",
        name=component_name(key),
        parent=parent,
        custom=True,
        object={**manifest, "metadata": {**metadata, "annotations": annotations}},
        provider=provider,
        dependencies=dependencies,
        version=PROVIDER_VERSION,
        retainOnDelete=retain,
    )


def outputs_request(urn: str, objects: GatewayObjects) -> RegisterResourceOutputsRequest:
    """Return the outputs of the component with the URN `urn`, which end its registration."""
    outputs: Any = {
        "url": objects.url,
        "namespace": objects.service["metadata"]["namespace"],
        "serviceName": objects.service["metadata"]["name"],
        "deploymentName": objects.deployment["metadata"]["name"],
        "configMapName": objects.config_map["metadata"]["name"],
    }
    return RegisterResourceOutputsRequest(urn=urn, outputs=outputs)


def _request(**fields: Any) -> RegisterResourceRequest:
    return RegisterResourceRequest(
        **fields,
        acceptSecrets=True,
        acceptResources=True,
        supportsPartialValues=True,
        # A resource that fails is told in the answer, and does not end the program.
        supportsResultReporting=True,
    )
