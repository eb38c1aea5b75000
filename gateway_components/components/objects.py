"""The three Kubernetes resources of a gateway as Pulumi resources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import ConfigMap, Service

from gateway_components.components.outputs import GatewayOutputs
from gateway_components.plan.workload import GatewayObjects, Manifest

__all__ = ["GatewayResources", "Registration", "register"]

_Part = Literal["config_map", "deployment", "service"]


@dataclass(frozen=True, slots=True)
class Registration:
    """How resources are registered.

    Attributes
    ----------
    annotations
        Annotations for the Kubernetes provider, such as ``pulumi.com/skipAwait``, set on all three objects.
    options
        Options of all three resources, beside their parent.
    """

    annotations: Mapping[str, str] = field(default_factory=dict)
    options: pulumi.ResourceOptions = field(default_factory=pulumi.ResourceOptions)


@dataclass(frozen=True, slots=True)
class GatewayResources:
    """The registered resources of one gateway."""

    config_map: ConfigMap
    deployment: Deployment
    service: Service


def register(
    name: str, outputs: GatewayOutputs, parent: pulumi.Resource, how: Registration
) -> GatewayResources:
    """Register the objects of a gateway below `parent`, each under the resource name `name`."""
    options = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(parent=parent), how.options)

    def part(source: pulumi.Output[GatewayObjects], kind: _Part, key: str) -> Any:
        return source.apply(lambda known: _manifest(known, kind)[key])

    def metadata(kind: _Part) -> Any:
        return outputs.outline.apply(
            lambda known: _annotated(_manifest(known, kind)["metadata"], how.annotations)
        )

    config_map = ConfigMap(
        name,
        metadata=metadata("config_map"),
        data=part(outputs.outline, "config_map", "data"),
        opts=options,
    )
    # Pods mount it, so it comes first; the Deployment names it without an Output of it.
    mounted = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[config_map]))
    deployment = Deployment(
        name, metadata=metadata("deployment"), spec=part(outputs.full, "deployment", "spec"), opts=mounted
    )
    service = Service(
        name, metadata=metadata("service"), spec=part(outputs.outline, "service", "spec"), opts=options
    )
    return GatewayResources(config_map, deployment, service)


def _manifest(objects: GatewayObjects, kind: _Part) -> Manifest:
    manifests = {
        "config_map": objects.config_map,
        "deployment": objects.deployment,
        "service": objects.service,
    }
    return manifests[kind]


def _annotated(metadata: Mapping[str, Any], annotations: Mapping[str, str]) -> Mapping[str, Any]:
    if not annotations:
        return metadata
    return {**metadata, "annotations": {**metadata.get("annotations", {}), **annotations}}
