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


def gateway_class(spec: object) -> Manifest:
    """Return an AiGatewayClass with this spec."""
    return {
        "apiVersion": API_VERSION,
        "kind": "AiGatewayClass",
        "metadata": {"name": "example"},
        "spec": spec,
    }


def without(manifest: Manifest, *keys: str) -> Manifest:
    """Return the manifest without some of its top-level keys."""
    return {key: value for key, value in manifest.items() if key not in keys}


def env(**source: object) -> Manifest:
    """Return an AiGateway with one variable that takes its value from `source`."""
    return gateway(env=[{"name": "A", "valueFrom": source}])


def divisor(value: object) -> Manifest:
    """Return an AiGateway with a variable that shows a CPU limit in units of `value`."""
    return env(resourceFieldRef={"resource": "limits.cpu", "divisor": value})
