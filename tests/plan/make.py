"""Inputs of plans, each with only what a test says about it."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway_components.api.gateways import AiGateway, AiGatewayClass, ToolGateway, ToolGatewayClass
from gateway_components.api.guardrails import Guard, GuardrailProvider
from gateway_components.api.parse import parse_as
from gateway_components.api.tools import ToolRoute, ToolServer
from gateway_components.errors import Finding
from gateway_components.identity import Identity
from gateway_components.plan.findings import WarningReason
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.snapshot import Content, Resource, Snapshot

_OF_NEARLY_ALL = {WarningReason.NO_MASTER_KEY, WarningReason.PROMPTS_LOGGED}
OUR_CONTROLLER = "aigateway.agentic-layer.ai/ai-gateway-litellm-controller"
OUR_TOOL_CONTROLLER = "litellm.agentic-layer.ai/tool-gateway-litellm-controller"
DEFAULT_CLASS = "aigatewayclass.kubernetes.io/is-default-class"
DEFAULT_TOOL_CLASS = "toolgatewayclass.kubernetes.io/is-default-class"
PATCH = "ai-gateway-litellm.agentic-layer.ai/config-patch"
API_VERSION = "runtime.agentic-layer.ai/v1alpha1"
MODELS = [{"name": "gpt-4o", "provider": "openai"}]
MCP_URL = "https://mcp.example.com/mcp"

Planned = AiGateway | ToolGateway | ToolRoute | Guard | GuardrailProvider | ToolServer


def gateway(
    name: str = "example",
    *,
    namespace: str = "team",
    uid: str | None = "uid-1",
    class_name: str | None = "litellm",
    patch: str | None = None,
    created: str | None = None,
    **spec: Any,
) -> AiGateway:
    """Return an AiGateway as the API server would hold it; `spec` adds to its spec."""
    fields = {"aiGatewayClassName": class_name, "aiModels": MODELS, **spec}
    return parse_as(AiGateway, {"metadata": _metadata(name, namespace, uid, patch, created), "spec": fields})


def tool_gateway(
    name: str = "tools",
    *,
    namespace: str = "team",
    uid: str | None = "uid-2",
    class_name: str | None = "litellm",
    patch: str | None = None,
    created: str | None = None,
    annotations: Mapping[str, str] | None = None,
    **spec: Any,
) -> ToolGateway:
    """Return a ToolGateway as the API server would hold it; `spec` adds to its spec."""
    fields = {"toolGatewayClassName": class_name, **spec}
    metadata = _metadata(name, namespace, uid, patch, created)
    metadata["annotations"] |= annotations or {}
    return parse_as(ToolGateway, {"metadata": metadata, "spec": fields})


def gateway_class(
    name: str = "litellm", controller: str = OUR_CONTROLLER, default: str | None = None
) -> AiGatewayClass:
    """Return an AiGatewayClass; `default` is the value of its default-class annotation."""
    annotations = {} if default is None else {DEFAULT_CLASS: default}
    return parse_as(
        AiGatewayClass,
        {"metadata": {"name": name, "annotations": annotations}, "spec": {"controller": controller}},
    )


def tool_gateway_class(
    name: str = "litellm", controller: str = OUR_TOOL_CONTROLLER, default: str | None = None
) -> ToolGatewayClass:
    """Return a ToolGatewayClass; `default` is the value of its default-class annotation."""
    annotations = {} if default is None else {DEFAULT_TOOL_CLASS: default}
    return parse_as(
        ToolGatewayClass,
        {"metadata": {"name": name, "annotations": annotations}, "spec": {"controller": controller}},
    )


def route(
    name: str = "files",
    *,
    namespace: str = "team",
    gateway: Mapping[str, str] | None = None,
    url: str = MCP_URL,
    server: Mapping[str, str] | None = None,
    created: str | None = None,
    **spec: Any,
) -> ToolRoute:
    """Return a ToolRoute to `url`, or to the ToolServer that `server` refers to, on the gateway ``tools``.

    An empty `gateway` is none.
    """
    upstream = {"toolServerRef": server} if server is not None else {"external": {"url": url}}
    reference = {"name": "tools"} if gateway is None else gateway
    fields = {"upstream": upstream, **({"toolGatewayRef": reference} if reference else {}), **spec}
    return parse_as(ToolRoute, {"metadata": _metadata(name, namespace, None, None, created), "spec": fields})


def tool_server(name: str = "files", *, namespace: str = "team", **spec: Any) -> ToolServer:
    """Return a ToolServer; `spec` adds to its spec."""
    fields = {"image": "example.com/files", "port": 8000, **spec}
    return parse_as(ToolServer, {"metadata": {"name": name, "namespace": namespace}, "spec": fields})


def guard(
    name: str = "pii",
    *,
    namespace: str = "team",
    mode: Sequence[str] = ("pre_call",),
    provider: Mapping[str, str] | None = None,
    **spec: Any,
) -> Guard:
    """Return a Guard that checks with the provider ``checker``; `spec` adds to its spec."""
    fields = {
        "mode": list(mode),
        "providerRef": {"name": "checker"} if provider is None else provider,
        **spec,
    }
    return parse_as(Guard, {"metadata": {"name": name, "namespace": namespace}, "spec": fields})


def guardrail_provider(
    name: str = "checker",
    *,
    namespace: str = "team",
    type_: str = "presidio-api",
    annotations: Mapping[str, str] | None = None,
    **spec: Any,
) -> GuardrailProvider:
    """Return a GuardrailProvider; without `spec` it is a Presidio service."""
    fields = {"type": type_, **(spec or {"presidio": {"baseUrl": "http://presidio"}})}
    metadata = {"name": name, "namespace": namespace, "annotations": dict(annotations or {})}
    return parse_as(GuardrailProvider, {"metadata": metadata, "spec": fields})


def particular(planned: GatewayPlan) -> tuple[Finding, ...]:
    """Return the warnings of a gateway without those that hold for nearly every one."""
    return tuple(warning for warning in planned.warnings if warning.reason not in _OF_NEARLY_ALL)


def snapshot(*objects: Planned, **parts: Any) -> Snapshot:
    """Return a snapshot of `objects` and our classes; `parts` replaces other attributes."""
    return Snapshot(
        **{
            "gateways": tuple(found for found in objects if isinstance(found, AiGateway | ToolGateway)),
            "classes": (gateway_class(), tool_gateway_class()),
            "routes": tuple(found for found in objects if isinstance(found, ToolRoute)),
            "resources": resources(*objects),
            **parts,
        }
    )


def resources(*objects: Planned) -> dict[Identity, Resource]:
    """Return the Guards, providers and ToolServers among `objects` by what refers to them."""
    found: dict[Identity, Resource] = {}
    for known in objects:
        if isinstance(known, Guard | GuardrailProvider | ToolServer):
            found[reference(known)] = known
    return found


def reference(found: Guard | GuardrailProvider | ToolServer) -> Identity:
    """Return what refers to an object."""
    kinds: Mapping[type, str] = {
        Guard: "Guard",
        GuardrailProvider: "GuardrailProvider",
        ToolServer: "ToolServer",
    }
    return Identity(kinds[type(found)], found.metadata.namespace or "", found.metadata.name)


def key(name: str = "example", namespace: str = "team") -> Identity:
    """Return the key of an AiGateway."""
    return Identity("AiGateway", namespace, name)


def tool_key(name: str = "tools", namespace: str = "team") -> Identity:
    """Return the key of a ToolGateway."""
    return Identity("ToolGateway", namespace, name)


def route_key(name: str = "files", namespace: str = "team") -> Identity:
    """Return the key of a ToolRoute."""
    return Identity("ToolRoute", namespace, name)


def patch_contents(text: str, name: str = "patch", namespace: str = "team") -> Mapping[Identity, Content]:
    """Return the contents of a snapshot with one patch ConfigMap."""
    return {Identity("ConfigMap", namespace, name): Content("digest", {"patch.yaml": text})}


def _metadata(
    name: str, namespace: str, uid: str | None, patch: str | None, created: str | None
) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": namespace,
        "uid": uid,
        "generation": 1,
        "creationTimestamp": created,
        "annotations": {} if patch is None else {PATCH: patch},
    }
