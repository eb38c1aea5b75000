"""Names that the engine and the Kubernetes provider know planned gateways by: types, URNs and annotations."""

from gateway_components.api.kinds import AI_GATEWAY, TOOL_GATEWAY
from gateway_components.identity import Identity

AI_GATEWAY_TYPE = "gateway-components:index:AiGateway"
TOOL_GATEWAY_TYPE = "gateway-components:index:ToolGateway"
TOOL_ROUTE_TYPE = "gateway-components:index:ToolRoute"

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""Tells the provider not to wait until an object is ready. It takes these settings from annotations only."""

PATCH_FIELD_MANAGER = "pulumi.com/patchFieldManager"
"""Names the owner of the fields that a patch sets; without it, the owner has another name in every stack."""

_TYPES = {AI_GATEWAY.kind: AI_GATEWAY_TYPE, TOOL_GATEWAY.kind: TOOL_GATEWAY_TYPE}
_KINDS = {type_: kind for kind, type_ in _TYPES.items()}


def component_type(key: Identity) -> str:
    """Return the resource type of a planned gateway, whose resource name is its namespaced name."""
    return _TYPES[key.kind]


def other_type(key: Identity) -> str:
    """Return the resource type of gateways of the other kind."""
    (other,) = set(_TYPES.values()) - {component_type(key)}
    return other


def route_name(gateway: str, route: str) -> str:
    """Return the resource name of a route of the gateway with the resource name `gateway`."""
    return f"{gateway}/{route}"


def gateway_targets(project: str, stack: str, key: Identity) -> tuple[str, ...]:
    """Return the patterns that target an update at a planned gateway, its objects and its routes.

    Patterns, for they may name what is not in the state yet.
    """
    head, name = f"urn:pulumi:{stack}::{project}::{_TYPES[key.kind]}", key.namespaced_name
    own = f"{head}**::{name}"
    return (
        (own, f"{head}${TOOL_ROUTE_TYPE}::{route_name(name, '**')}")
        if key.kind == TOOL_GATEWAY.kind
        else (own,)
    )


def gateway_of(urn: str) -> Identity | None:
    """Return the planned gateway that a URN belongs to, or that of an object or route; else None."""
    type_, _, name = urn.partition("::")[2].partition("::")[2].partition("::")
    namespace, gateway, *_ = [*name.split("/"), ""]
    kind = _KINDS.get(type_.partition("$")[0])
    return Identity(kind, namespace, gateway) if kind else None
