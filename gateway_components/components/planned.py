"""Gateways that are already planned, as components: for manifest files and for the daemon."""

from collections.abc import Iterable

import pulumi

from gateway_components.components.gateway import Gateway
from gateway_components.components.naming import component_name, component_type
from gateway_components.components.objects import Registration
from gateway_components.components.outputs import GatewayOutputs
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.workload import GatewayObjects

__all__ = ["planned_gateway"]


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
    return Gateway(component_type(key), component_name(key), outputs, how or Registration(), opts)
