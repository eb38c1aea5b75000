"""Inputs of plans, each with only what a test says about it."""

from collections.abc import Mapping
from typing import Any

from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.aigatewayclass import AiGatewayClass
from gateway_components.crds.parse import parse_as
from gateway_components.plan.keys import GatewayKey, Reference
from gateway_components.plan.snapshot import Content, Snapshot

OUR_CONTROLLER = "aigateway.agentic-layer.ai/ai-gateway-litellm-controller"
DEFAULT_CLASS = "aigatewayclass.kubernetes.io/is-default-class"
PATCH = "ai-gateway-litellm.agentic-layer.ai/config-patch"
API_VERSION = "runtime.agentic-layer.ai/v1alpha1"
MODELS = [{"name": "gpt-4o", "provider": "openai"}]


def gateway(
    name: str = "example",
    *,
    namespace: str = "team",
    uid: str | None = "uid-1",
    class_name: str | None = "litellm",
    patch: str | None = None,
    **spec: Any,
) -> AiGateway:
    """Return an AiGateway as the API server would hold it; `spec` adds to its spec."""
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, "uid": uid, "generation": 1}
    if patch is not None:
        metadata["annotations"] = {PATCH: patch}
    return parse_as(
        AiGateway,
        {"metadata": metadata, "spec": {"aiGatewayClassName": class_name, "aiModels": MODELS, **spec}},
    )


def gateway_class(
    name: str = "litellm", controller: str = OUR_CONTROLLER, default: str | None = None
) -> AiGatewayClass:
    """Return an AiGatewayClass; `default` is the value of its default-class annotation."""
    annotations = {} if default is None else {DEFAULT_CLASS: default}
    return parse_as(
        AiGatewayClass,
        {"metadata": {"name": name, "annotations": annotations}, "spec": {"controller": controller}},
    )


def snapshot(*gateways: AiGateway, **parts: Any) -> Snapshot:
    """Return a snapshot of `gateways` and our class; `parts` replaces other attributes."""
    return Snapshot(**{"ai_gateways": gateways, "ai_gateway_classes": (gateway_class(),), **parts})


def key(name: str = "example", namespace: str = "team") -> GatewayKey:
    """Return the key of an AiGateway."""
    return GatewayKey("AiGateway", namespace, name)


def patch_contents(text: str, name: str = "patch", namespace: str = "team") -> Mapping[Reference, Content]:
    """Return the contents of a snapshot with one patch ConfigMap."""
    return {Reference("ConfigMap", namespace, name): Content("digest", {"patch.yaml": text})}
