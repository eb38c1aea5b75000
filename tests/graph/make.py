"""Objects as the API server would hold them, and graphs of them."""

from collections.abc import Mapping
from typing import Any

from gateway_components.api.kinds import AI_GATEWAY, KINDS, TOOL_GATEWAY
from gateway_components.graph.model import Graph, Node, build_graph
from gateway_components.graph.verdicts import Inventory, inventory_of_raw, reported_verdicts
from gateway_components.identity import Identity

Raw = dict[str, Any]

OURS = {"AiGatewayClass": AI_GATEWAY.controller, "ToolGatewayClass": TOOL_GATEWAY.controller}
READY = {
    "AiGateway": ("AiGatewayConfigured", "AiGatewayReady"),
    "ToolGateway": ("ToolGatewayConfigured", "ToolGatewayReady"),
}


def raw(kind: str, name: str, spec: Raw, *conditions: Raw, namespace: str = "team", url: str = "") -> Raw:
    """Return an object of a kind."""
    metadata: Raw = {"name": name, "generation": 2, "creationTimestamp": "2026-01-01T00:00:00Z"}
    if KINDS[kind].namespaced:
        metadata["namespace"] = namespace
    status: Raw = {"conditions": list(conditions), **({"url": url} if url else {})}
    return {"kind": kind, "metadata": metadata, "spec": spec, "status": status}


def gateway_class(kind: str, name: str = "litellm", controller: str | None = None, **annotations: str) -> Raw:
    """Return a class, of ours unless another controller is given."""
    found = raw(kind, name, {"controller": OURS[kind] if controller is None else controller})
    found["metadata"]["annotations"] = annotations
    return found


CLASSES = (gateway_class("AiGatewayClass"), gateway_class("ToolGatewayClass"))
"""Our classes of both kinds."""


def ai_gateway(name: str, *conditions: Raw, namespace: str = "team", **spec: Any) -> Raw:
    """Return an AiGateway of the class litellm."""
    models = [{"name": "gpt-4o", "provider": "openai"}]
    return raw(
        "AiGateway",
        name,
        {"aiGatewayClassName": "litellm", "aiModels": models, **spec},
        *conditions,
        namespace=namespace,
    )


def tool_gateway(name: str, *conditions: Raw, namespace: str = "team", url: str = "", **spec: Any) -> Raw:
    """Return a ToolGateway of the class litellm."""
    return raw(
        "ToolGateway",
        name,
        {"toolGatewayClassName": "litellm", **spec},
        *conditions,
        namespace=namespace,
        url=url,
    )


def route(
    name: str, gateway: Raw | None, upstream: Raw, *conditions: Raw, namespace: str = "team", url: str = ""
) -> Raw:
    """Return a ToolRoute; `gateway` is its reference."""
    reference = {"toolGatewayRef": gateway} if gateway is not None else {}
    return raw(
        "ToolRoute", name, {**reference, "upstream": upstream}, *conditions, namespace=namespace, url=url
    )


def server(name: str, namespace: str = "team") -> Raw:
    """Return a ToolServer."""
    return raw(
        "ToolServer",
        name,
        {"image": "image", "protocol": "mcp", "transportType": "http"},
        namespace=namespace,
    )


def guard(name: str, provider: str, *modes: str, namespace: str = "team") -> Raw:
    """Return a Guard for a provider of type presidio-api."""
    spec = {"mode": list(modes) or ["pre_call"], "providerRef": {"name": provider}}
    return raw("Guard", name, spec, namespace=namespace)


def provider(name: str, namespace: str = "team", **spec: Any) -> Raw:
    """Return a GuardrailProvider of type presidio-api."""
    presidio = {"type": "presidio-api", "presidio": {"baseUrl": "http://presidio"}}
    return raw("GuardrailProvider", name, spec or presidio, namespace=namespace)


def condition(
    type_: str, status: str = "True", reason: str = "Fine", message: str = "", generation: int = 2
) -> Raw:
    """Return a condition."""
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": generation,
    }


def both(kind: str, status: str = "True", reason: str = "Fine", message: str = "") -> tuple[Raw, Raw]:
    """Return the two conditions of a gateway with the same content."""
    configured, ready = READY[kind]
    return condition(configured, status, reason, message), condition(ready, status, reason, message)


def inventory(*raws: Raw, visible: Mapping[str, str | None] | None = None) -> Inventory:
    """Return an inventory of objects; all kinds are visible unless said otherwise."""
    return inventory_of_raw(raws, dict.fromkeys(KINDS) if visible is None else visible)


def graph(*raws: Raw, visible: Mapping[str, str | None] | None = None) -> Graph:
    """Return the graph of objects of a cluster."""
    found = inventory(*raws, visible=visible)
    return build_graph(found, reported_verdicts(found))


def node(found: Graph, kind: str, name: str, namespace: str = "team") -> Node:
    """Return a node that must be there once."""
    key = Identity(kind, namespace if kind in KINDS and KINDS[kind].namespaced else "", name)
    (only,) = (entry for entry in found.nodes if entry.key == key)
    return only


def edges(found: Graph) -> set[tuple[str, str]]:
    """Return the edges as pairs of ``Kind namespace/name``."""
    return {(str(edge.source), str(edge.target)) for edge in found.edges}
