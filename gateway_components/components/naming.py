"""Types, names and URNs of planned gateways: what leads from the engine's words back to a gateway."""

from gateway_components.plan.keys import GatewayKey

__all__ = [
    "AI_GATEWAY_TYPE",
    "TOOL_GATEWAY_TYPE",
    "component_name",
    "component_type",
    "gateway_of",
    "gateway_target",
]

AI_GATEWAY_TYPE = "gateway-components:index:AiGateway"
TOOL_GATEWAY_TYPE = "gateway-components:index:ToolGateway"

_TYPES = {"AiGateway": AI_GATEWAY_TYPE, "ToolGateway": TOOL_GATEWAY_TYPE}
_KINDS = {type_: kind for kind, type_ in _TYPES.items()}


def component_type(key: GatewayKey) -> str:
    """Return the resource type of a gateway."""
    return _TYPES[key.kind]


def component_name(key: GatewayKey) -> str:
    """Return the resource name of a planned gateway: ``namespace/name``, unique in any stack."""
    return f"{key.namespace}/{key.name}"


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
