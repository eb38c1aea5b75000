"""The configurations that the tests give to the proxy, as the project generates them."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from gateway_components.api.gateways import AiGateway
from gateway_components.api.parse import parse_as
from gateway_components.identity import Identity
from gateway_components.plan.generate import generate
from gateway_components.plan.objects import GatewayObjects
from gateway_components.plan.patch import PATCH_KEY
from gateway_components.plan.references import PATCH_ANNOTATION
from gateway_components.plan.snapshot import Content


def generated_config(models: Iterable[tuple[str, str]], patch: Mapping[str, object] | None = None) -> str:
    """Return the ``config.yaml`` that an AiGateway becomes, given provider and name of each model and its patch."""
    text: str = _objects(models, patch).config_map["data"]["config.yaml"]
    return text


def generated_container() -> Mapping[str, Any]:
    """Return the container that an AiGateway becomes."""
    pod = _objects([("openai", "gpt-4o")], None).deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    found: Mapping[str, Any] = container
    return found


def _objects(models: Iterable[tuple[str, str]], patch: Mapping[str, object] | None) -> GatewayObjects:
    manifest = {
        "apiVersion": "runtime.agentic-layer.ai/v1alpha1",
        "kind": "AiGateway",
        "metadata": {
            "name": "under-test",
            "namespace": "default",
            "annotations": {PATCH_ANNOTATION: "patch"} if patch else {},
        },
        "spec": {"aiModels": [{"name": name, "provider": provider} for provider, name in models]},
    }
    content = Content("", {PATCH_KEY: yaml.safe_dump(patch)})
    contents = {Identity("ConfigMap", "default", "patch"): content}
    return generate(parse_as(AiGateway, manifest), contents, resources={}, servers={}).objects
