"""The configurations that the tests give to the proxy, as the project generates them."""

from collections.abc import Iterable, Mapping

import yaml

from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.parse import parse_as
from gateway_components.plan.keys import Reference
from gateway_components.plan.patch import PATCH_KEY
from gateway_components.plan.plan import generate
from gateway_components.plan.references import PATCH_ANNOTATION
from gateway_components.plan.snapshot import Content


def generated_config(models: Iterable[tuple[str, str]], patch: Mapping[str, object] | None = None) -> str:
    """Return the ``config.yaml`` that an AiGateway becomes.

    Parameters
    ----------
    models
        Provider and name of each model, as in ``spec.aiModels``.
    patch
        The config patch.
    """
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
    contents = {Reference("ConfigMap", "default", "patch"): content}
    generated = generate(parse_as(AiGateway, manifest), contents, resources={}, servers={})
    text: str = generated.objects.config_map["data"]["config.yaml"]
    return text
