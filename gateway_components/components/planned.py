"""Gateways that are already planned, as components: for manifest files and for the daemon."""

from collections.abc import Iterable

import pulumi

from gateway_components.components.gateway import AiGateway, Gateway, ToolGateway
from gateway_components.components.objects import Registration
from gateway_components.components.outputs import GatewayOutputs
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.workload import GatewayObjects

__all__ = ["component_name", "gateway_of", "gateway_target", "planned_gateway"]

_TYPES = {"AiGateway": AiGateway.TYPE, "ToolGateway": ToolGateway.TYPE}
_KINDS = {type_: kind for kind, type_ in _TYPES.items()}


def component_name(key: GatewayKey) -> str:
    """Return the resource name of a planned gateway: ``namespace/name``, unique in any stack."""
    return f"{key.namespace}/{key.name}"


def planned_gateway(
    key: GatewayKey,
    objects: GatewayObjects,
    how: Registration | None = None,
    opts: pulumi.ResourceOptions | None = None,
    routes: Iterable[RoutePlan] = (),
) -> Gateway:
    """Register a planned gateway.

    Parameters
    ----------
    key
        The gateway.
    objects
        The objects that `plan` gave it.
    how
        How these are registered.
    opts
        Options of the component.
    routes
        Planned routes. Those that this gateway serves become components below it, named
        ``GATEWAY_NAMESPACE/GATEWAY/ROUTE_NAMESPACE/ROUTE``; others are passed over.
    """
    urls = {
        f"{route.key.namespace}/{route.key.name}": route.url
        for route in routes
        if route.gateway == key and route.url
    }
    outputs = GatewayOutputs.of(objects, urls)
    return Gateway(_TYPES[key.kind], component_name(key), outputs, how or Registration(), opts)


def gateway_target(project: str, stack: str, key: GatewayKey) -> str:
    """Return the pattern that targets an update at a planned gateway and its objects, but not at its routes.

    A pattern, for it may name objects that are not in the state yet.
    """
    return f"urn:pulumi:{stack}::{project}::{_TYPES[key.kind]}**::{component_name(key)}"


def gateway_of(urn: str) -> GatewayKey | None:
    """Return the planned gateway that a URN belongs to, as itself or as one of its objects or routes; else None."""
    type_, _, name = urn.partition("::")[2].partition("::")[2].partition("::")
    namespace, gateway, *_ = [*name.split("/"), ""]
    kind = _KINDS.get(type_.partition("$")[0])
    return GatewayKey(kind, namespace, gateway) if kind else None
