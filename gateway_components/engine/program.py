"""The program of an engine run: the planned gateways of one namespace, on a provider that only patches."""

from collections.abc import Iterable, Mapping
from typing import Any

from pulumi.runtime.proto.resource_pb2 import Result
from pulumi.runtime.rpc import UNKNOWN

from gateway_components.engine.requests import (
    component_request,
    object_request,
    outputs_request,
    provider_request,
)
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.workload import GatewayObjects

__all__ = ["register_gateways"]


def register_gateways(
    monitor: Any,
    stack: str,
    wanted: Mapping[GatewayKey, GatewayObjects],
    done: set[GatewayKey],
    *,
    retain: bool,
) -> None:
    """Register gateways with the engine.

    All of one rank go out at once, and the engine works on as many of them as it may. A failed one is registered to
    the end: the engine itself skips what depends on it, and says so.

    Parameters
    ----------
    monitor
        The engine's side of the protocol.
    stack
        URN of the stack.
    wanted
        The gateways.
    done
        Gets those of which the engine says that every object was brought to what is planned; also where the run is
        cut short.
    retain
        Whether objects stay that are registered no more.
    """
    register = monitor.RegisterResource
    (provider,) = _answers(_sent(register, [provider_request(stack)]))
    # A preview makes no provider, so that one that is new has no id.
    reference = f"{provider.urn}::{provider.id or UNKNOWN}"
    components = _answers(_sent(register, (component_request(key, stack) for key in wanted)))
    gateways = [
        (key, objects, component.urn)
        for (key, objects), component in zip(wanted.items(), components, strict=True)
    ]
    config_maps = _sent(
        register,
        (object_request(key, made.config_map, urn, reference, retain=retain) for key, made, urn in gateways),
    )
    services = _sent(
        register,
        (object_request(key, made.service, urn, reference, retain=retain) for key, made, urn in gateways),
    )
    # Pods mount the ConfigMap, so it comes first.
    deployments = _sent(
        register,
        (
            object_request(key, made.deployment, urn, reference, [mounted.urn], retain=retain)
            for (key, made, urn), mounted in zip(gateways, _answers(config_maps), strict=True)
        ),
    )
    try:
        _answers([*services, *deployments])
    finally:
        objects = zip(wanted, config_maps, services, deployments, strict=True)
        done.update(key for key, *calls in objects if all(map(_succeeded, calls)))
    outputs = (outputs_request(urn, made) for _, made, urn in gateways)
    _answers(_sent(monitor.RegisterResourceOutputs, outputs))


def _sent(method: Any, requests: Iterable[Any]) -> list[Any]:
    """Send requests without waiting for any answer."""
    return [method.future(request) for request in requests]


def _answers(calls: Iterable[Any]) -> list[Any]:
    """Return the answers to requests, in the order these were sent."""
    return [call.result() for call in calls]


def _succeeded(call: Any) -> bool:
    return bool(call.done() and call.exception() is None and call.result().result == Result.SUCCESS)
