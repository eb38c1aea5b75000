"""A manifest, and why the API server should take or refuse it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]

API_VERSION = "runtime.agentic-layer.ai/v1alpha1"
MODEL = {"name": "gpt-4o", "provider": "openai"}


@dataclass(frozen=True)
class Case:
    """A manifest with a name for the test report and the reason for its outcome."""

    name: str
    why: str
    manifest: Manifest

    def __str__(self) -> str:
        return self.name


def gateway(metadata: object = None, top: Mapping[str, object] | None = None, **spec: object) -> Manifest:
    """Return an AiGateway with one model; `spec` adds to its spec and `top` to the manifest."""
    return {
        "apiVersion": API_VERSION,
        "kind": "AiGateway",
        "metadata": {"name": "example"} if metadata is None else metadata,
        "spec": {"aiModels": [MODEL], **spec},
        **(top or {}),
    }


def manifest(kind: str, spec: object) -> Manifest:
    """Return an object of any of our kinds with this spec."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "example"}, "spec": spec}


def gateway_class(spec: object) -> Manifest:
    """Return an AiGatewayClass with this spec."""
    return manifest("AiGatewayClass", spec)


def tool_gateway(**spec: object) -> Manifest:
    """Return a ToolGateway with this spec."""
    return manifest("ToolGateway", spec)


def route(upstream: object = None, **spec: object) -> Manifest:
    """Return a ToolRoute to `upstream`, or to a ToolServer; `spec` adds to its spec."""
    return manifest("ToolRoute", {"upstream": upstream or {"toolServerRef": {"name": "s"}}, **spec})


def route_to(url: object) -> Manifest:
    """Return a ToolRoute to a URL."""
    return route({"external": {"url": url}})


def server(**spec: object) -> Manifest:
    """Return a ToolServer with an image; `spec` adds to its spec."""
    return manifest("ToolServer", {"image": "i", **spec})


def claims(*entries: object) -> Manifest:
    """Return a ToolServer with these resource claims."""
    return server(resources={"claims": list(entries)})


def guard(**spec: object) -> Manifest:
    """Return a Guard with a mode and a provider; `spec` adds to its spec."""
    return manifest("Guard", {"mode": ["pre_call"], "providerRef": {"name": "p"}, **spec})


def provider(kind: object = "presidio-api", **spec: object) -> Manifest:
    """Return a GuardrailProvider of a type; `spec` adds to its spec."""
    return manifest("GuardrailProvider", {"type": kind, **spec})


def presidio(url: object) -> Manifest:
    """Return a GuardrailProvider that is a Presidio service at a URL."""
    return provider(presidio={"baseUrl": url})


def without(manifest: Manifest, *keys: str) -> Manifest:
    """Return the manifest without some of its top-level keys."""
    return {key: value for key, value in manifest.items() if key not in keys}


def env(**source: object) -> Manifest:
    """Return an AiGateway with one variable that takes its value from `source`."""
    return gateway(env=[{"name": "A", "valueFrom": source}])


def divisor(value: object) -> Manifest:
    """Return an AiGateway with a variable that shows a CPU limit in units of `value`."""
    return env(resourceFieldRef={"resource": "limits.cpu", "divisor": value})
