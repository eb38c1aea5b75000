"""Objects as users write them."""

from collections.abc import Mapping
from typing import Any

API_VERSION = "runtime.agentic-layer.ai/v1alpha1"
EXTERNAL_URL = "https://tools.example.com/mcp"


def gateway(
    name: str, *models: str, annotations: Mapping[str, str] | None = None, **spec: Any
) -> dict[str, Any]:
    """Return an AiGateway of the class ``litellm`` with models of the provider openai."""
    return {
        "apiVersion": API_VERSION,
        "kind": "AiGateway",
        "metadata": {"name": name, "annotations": dict(annotations or {})},
        "spec": {
            "aiGatewayClassName": "litellm",
            "aiModels": [{"name": model, "provider": "openai"} for model in models or ("gpt-4o",)],
            **spec,
        },
    }


def tool_gateway(name: str, annotations: Mapping[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """Return a ToolGateway of the class ``litellm``."""
    return {
        "apiVersion": API_VERSION,
        "kind": "ToolGateway",
        "metadata": {"name": name, "annotations": dict(annotations or {})},
        "spec": {"toolGatewayClassName": "litellm", **spec},
    }


def tool_route(
    name: str, gateway: str = "", *, server: str = "", url: str = "", **spec: Any
) -> dict[str, Any]:
    """Return a ToolRoute to a ToolServer or to an external URL.

    `gateway` and `server` may name another namespace, as ``namespace/name``; without `gateway` it is detached.
    """
    upstream = {"toolServerRef": reference(server)} if server else {"external": {"url": url or EXTERNAL_URL}}
    attached = {"toolGatewayRef": reference(gateway)} if gateway else {}
    return {
        "apiVersion": API_VERSION,
        "kind": "ToolRoute",
        "metadata": {"name": name},
        "spec": {"upstream": upstream, **attached, **spec},
    }


def tool_server(name: str, **spec: Any) -> dict[str, Any]:
    """Return a ToolServer on port 8000 that speaks streamable HTTP."""
    return {
        "apiVersion": API_VERSION,
        "kind": "ToolServer",
        "metadata": {"name": name},
        "spec": {"image": "tools:1", "protocol": "mcp", "transportType": "http", "port": 8000, **spec},
    }


def guard(name: str, provider: str, *modes: str, **spec: Any) -> dict[str, Any]:
    """Return a Guard that looks before the call, unless `modes` are given.

    `provider` may name another namespace, as ``namespace/name``.
    """
    return {
        "apiVersion": API_VERSION,
        "kind": "Guard",
        "metadata": {"name": name},
        "spec": {"mode": list(modes or ("pre_call",)), "providerRef": reference(provider), **spec},
    }


def provider(name: str, base_url: str = "http://presidio.guards:3000", **spec: Any) -> dict[str, Any]:
    """Return a GuardrailProvider for Presidio, unless ``type`` and another block are given."""
    filled = spec if "type" in spec else {"type": "presidio-api", "presidio": {"baseUrl": base_url}, **spec}
    return {
        "apiVersion": API_VERSION,
        "kind": "GuardrailProvider",
        "metadata": {"name": name},
        "spec": filled,
    }


def reference(name: str) -> dict[str, str]:
    """Return a reference to ``name``, or to ``namespace/name``."""
    namespace, _, local = name.rpartition("/")
    return {"name": local, **({"namespace": namespace} if namespace else {})}


def config_map(name: str, **data: str) -> dict[str, Any]:
    """Return a ConfigMap; ``patch_yaml`` stands for the key ``patch.yaml``."""
    named = {key.replace("_yaml", ".yaml"): value for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": named}


def secret(name: str, **values: str) -> dict[str, Any]:
    """Return a Secret."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}
