"""Gateways that are already planned, as components: for manifest files and for the daemon."""

import pulumi

from gateway_components.components.build import GatewayOutputs
from gateway_components.components.gateway import AiGateway, Gateway
from gateway_components.components.objects import Registration
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.workload import GatewayObjects

__all__ = ["component_name", "gateway_of", "gateway_target", "planned_gateway"]

_TYPES = {"AiGateway": AiGateway.TYPE}


def component_name(key: GatewayKey) -> str:
    """Return the resource name of a planned gateway: ``namespace/name``, unique in any stack."""
    return f"{key.namespace}/{key.name}"


def planned_gateway(
    key: GatewayKey,
    objects: GatewayObjects,
    how: Registration | None = None,
    opts: pulumi.ResourceOptions | None = None,
) -> Gateway:
    """Register the gateway `key` with the objects that `plan` gave it."""
    outputs = GatewayOutputs.of(objects)
    return Gateway(_TYPES[key.kind], component_name(key), outputs, how or Registration(), opts)


def gateway_target(project: str, stack: str, key: GatewayKey) -> str:
    """Return the pattern that targets an update at a planned gateway and its objects.

    A pattern, for it may name objects that are not in the state yet.
    """
    return f"urn:pulumi:{stack}::{project}::{_TYPES[key.kind]}**::{component_name(key)}"


def gateway_of(urn: str) -> GatewayKey | None:
    """Return the planned gateway that a URN belongs to, as itself or as one of its objects; None for others."""
    type_, _, name = urn.partition("::")[2].partition("::")[2].partition("::")
    namespace, _, gateway = name.partition("/")
    kinds = {known: kind for kind, known in _TYPES.items()}
    kind = kinds.get(type_.partition("$")[0])
    return GatewayKey(kind, namespace, gateway) if kind else None
