"""What differs between the kinds of gateway; everything else is shared code."""

from dataclasses import dataclass

__all__ = ["AI_GATEWAY", "API_VERSION", "GATEWAY_KINDS", "GatewayKind"]

API_VERSION = "runtime.agentic-layer.ai/v1alpha1"


@dataclass(frozen=True, slots=True)
class GatewayKind:
    """The names that a kind of gateway uses (operator-reference, "Controller names" and "Status").

    Attributes
    ----------
    kind
        Kind of the custom resource.
    class_kind
        Kind of its class.
    controller
        ``spec.controller`` of the classes that are ours.
    default_class_annotation
        Annotation of a class that takes the gateways naming none.
    configured, ready
        Condition types.
    ready_reason
        Reason of the ready condition while it is True.
    """

    kind: str
    class_kind: str
    controller: str
    default_class_annotation: str
    configured: str
    ready: str
    ready_reason: str


AI_GATEWAY = GatewayKind(
    kind="AiGateway",
    class_kind="AiGatewayClass",
    controller="aigateway.agentic-layer.ai/ai-gateway-litellm-controller",
    default_class_annotation="aigatewayclass.kubernetes.io/is-default-class",
    configured="AiGatewayConfigured",
    ready="AiGatewayReady",
    ready_reason="AiGatewayReady",
)

GATEWAY_KINDS = {AI_GATEWAY.kind: AI_GATEWAY}
