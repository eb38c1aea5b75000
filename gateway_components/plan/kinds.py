"""What differs between the kinds of gateway; everything else is shared code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["AI_GATEWAY", "GATEWAY_KINDS", "TOOL_GATEWAY", "GatewayKind"]


@dataclass(frozen=True, slots=True)
class GatewayKind:
    """The names that a kind of gateway uses (operator-reference, "Controller names" and "Status").

    Attributes
    ----------
    kind
        Kind of the custom resource.
    class_kind
        Kind of its class.
    class_field
        Field of its spec that names the class.
    controller
        ``spec.controller`` of the classes that are ours.
    default_class_annotation
        Annotation of a class that takes the gateways naming none.
    configured, ready
        Condition types.
    ready_reason
        Reason of the ready condition while it is True.
    has_url
        Whether its status has a ``url``.
    """

    kind: str
    class_kind: str
    class_field: str
    controller: str
    default_class_annotation: str
    configured: str
    ready: str
    ready_reason: str
    has_url: bool

    def class_of(self, raw: Mapping[str, Any]) -> str | None:
        """Return the class that a gateway in JSON types names, even one that the models do not understand."""
        spec = raw.get("spec")
        name = spec.get(self.class_field) if isinstance(spec, Mapping) else None
        return name if isinstance(name, str) else None


AI_GATEWAY = GatewayKind(
    kind="AiGateway",
    class_kind="AiGatewayClass",
    class_field="aiGatewayClassName",
    controller="aigateway.agentic-layer.ai/ai-gateway-litellm-controller",
    default_class_annotation="aigatewayclass.kubernetes.io/is-default-class",
    configured="AiGatewayConfigured",
    ready="AiGatewayReady",
    ready_reason="AiGatewayReady",
    has_url=False,
)

TOOL_GATEWAY = GatewayKind(
    kind="ToolGateway",
    class_kind="ToolGatewayClass",
    class_field="toolGatewayClassName",
    controller="litellm.agentic-layer.ai/tool-gateway-litellm-controller",
    default_class_annotation="toolgatewayclass.kubernetes.io/is-default-class",
    configured="ToolGatewayConfigured",
    ready="ToolGatewayReady",
    ready_reason="ToolGatewayReady",
    has_url=True,
)

GATEWAY_KINDS = {kind.kind: kind for kind in (AI_GATEWAY, TOOL_GATEWAY)}
