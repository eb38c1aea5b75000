"""Which Secrets and ConfigMaps a gateway depends on, so that a change of one reaches it."""

from collections.abc import Iterator
from typing import Literal

from gateway_components.crds.aigateway import AiGateway
from gateway_components.plan.environment import API_KEY_SECRET
from gateway_components.plan.keys import Reference

__all__ = ["PATCH_ANNOTATION", "api_key_reference", "environment_references", "patch_reference", "references"]

PATCH_ANNOTATION = "ai-gateway-litellm.agentic-layer.ai/config-patch"


def references(gateway: AiGateway) -> frozenset[Reference]:
    """Return every Secret and ConfigMap whose content `gateway` depends on."""
    patch = patch_reference(gateway)
    return frozenset(
        (api_key_reference(gateway), *environment_references(gateway), *((patch,) if patch else ()))
    )


def api_key_reference(gateway: AiGateway) -> Reference:
    """Return the Secret with the API keys of the gateway's namespace."""
    return Reference("Secret", _namespace(gateway), API_KEY_SECRET)


def patch_reference(gateway: AiGateway) -> Reference | None:
    """Return the ConfigMap that the config-patch annotation names; None without one."""
    name = gateway.metadata.annotations.get(PATCH_ANNOTATION)
    return Reference("ConfigMap", _namespace(gateway), name) if name else None


def environment_references(gateway: AiGateway) -> frozenset[Reference]:
    """Return what ``spec.env`` and ``spec.envFrom`` refer to, apart from the API key Secret."""
    named = frozenset(Reference(kind, _namespace(gateway), name) for kind, name in _sources(gateway) if name)
    return named - {api_key_reference(gateway)}


def _sources(gateway: AiGateway) -> Iterator[tuple[Literal["ConfigMap", "Secret"], str]]:
    for variable in gateway.spec.env:
        source = variable.value_from
        if source and source.secret_key_ref:
            yield "Secret", source.secret_key_ref.name
        if source and source.config_map_key_ref:
            yield "ConfigMap", source.config_map_key_ref.name
    for origin in gateway.spec.env_from:
        if origin.secret_ref:
            yield "Secret", origin.secret_ref.name
        if origin.config_map_ref:
            yield "ConfigMap", origin.config_map_ref.name


def _namespace(gateway: AiGateway) -> str:
    return gateway.metadata.namespace or ""
