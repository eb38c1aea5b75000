"""The snapshot that arguments describe: one gateway, and all that it refers to."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from gateway_components import documents
from gateway_components.components.checks import namespace_problem
from gateway_components.components.described import Described, described
from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.aigatewayclass import AiGatewayClass
from gateway_components.crds.guard import Guard
from gateway_components.crds.guardrailprovider import GuardrailProvider
from gateway_components.crds.meta import API_VERSION
from gateway_components.crds.parse import parse
from gateway_components.crds.toolgateway import ToolGateway
from gateway_components.crds.toolgatewayclass import ToolGatewayClass
from gateway_components.crds.toolroute import ToolRoute
from gateway_components.crds.toolserver import ToolServer
from gateway_components.errors import Problem
from gateway_components.plan.keys import Reference
from gateway_components.plan.kinds import GatewayKind
from gateway_components.plan.patch import PATCH_KEY
from gateway_components.plan.references import (
    PATCH_ANNOTATION,
    api_key_reference,
    patch_reference,
    reference_to,
)
from gateway_components.plan.snapshot import Content, Gateway, Snapshot

__all__ = ["described_gateway", "snapshot", "without_patch_name"]

_CLASS = "component"
_PATCH = "config-patch"
"""Stand for class and patch, which the core finds by their names; no objects of these names are ever made."""

_ARGUMENTS = {
    f"metadata.annotations[{PATCH_ANNOTATION}]": "config_patch",
    "metadata.name": "name",
    "metadata.namespace": "namespace",
    "spec.aiModels": "models",
    "spec.commonMetadata": "common_metadata",
    "spec.envFrom": "env_from",
    "spec.env": "env",
    "spec.guardrails": "guardrails",
    "spec.podMetadata": "pod_metadata",
    "spec.port": "port",
}
"""What the arguments are called whose fields of the custom resource are these."""


def described_gateway(kind: GatewayKind, parts: Mapping[str, Any]) -> Described:
    """Return the gateway whose fields `parts` hold."""
    metadata: dict[str, Any] = {"name": parts["name"], "namespace": parts["namespace"]}
    if parts["patch"] is not None:
        metadata["annotations"] = {PATCH_ANNOTATION: _PATCH}
    fields = ("aiModels", "port", "commonMetadata", "env", "envFrom", "podMetadata")
    spec = {key: parts.get(key) for key in fields}
    guardrails = [{"name": guard["name"]} for guard in parts["guardrails"]] or None
    fault = namespace_problem(parts["namespace"])
    return described(
        kind.kind,
        metadata,
        {kind.class_field: _CLASS, "guardrails": guardrails, **spec},
        _ARGUMENTS,
        *((fault,) if fault else ()),
    )


def snapshot(
    kind: GatewayKind, gateway: Described, others: Iterable[Described], parts: Mapping[str, Any]
) -> Snapshot:
    """Return all that a plan may know of a gateway.

    Parameters
    ----------
    kind
        Its kind.
    gateway
        The gateway, as `described_gateway` returned it.
    others
        Its guards and routes, and what is behind them; all without a fault.
    parts
        Its patch and the digest of its API keys.
    """
    class_ = {
        "apiVersion": API_VERSION,
        "kind": kind.class_kind,
        "metadata": {"name": _CLASS},
        "spec": {"controller": kind.controller},
    }
    models = [
        parse(manifest) for manifest in (class_, gateway.manifest, *(entry.manifest for entry in others))
    ]
    gateways = tuple(model for model in models if isinstance(model, AiGateway | ToolGateway))
    return Snapshot(
        gateways=gateways,
        classes=tuple(model for model in models if isinstance(model, AiGatewayClass | ToolGatewayClass)),
        routes=tuple(model for model in models if isinstance(model, ToolRoute)),
        resources={
            reference_to(model): model
            for model in models
            if isinstance(model, Guard | GuardrailProvider | ToolServer)
        },
        contents=_contents(gateways[0], parts),
    )


def _contents(gateway: Gateway, parts: Mapping[str, Any]) -> dict[Reference, Content]:
    contents: dict[Reference, Content] = {}
    reference = patch_reference(gateway)
    if reference is not None:
        contents[reference] = Content("", {PATCH_KEY: documents.dump(parts["patch"])})
    if parts.get("apiKeys") is not None:
        contents[api_key_reference(gateway)] = Content(parts["apiKeys"])
    return contents


def without_patch_name(problem: Problem) -> Problem:
    """Return `problem` without the name of the ConfigMap that stands for the patch."""
    return replace(problem, message=problem.message.removeprefix(f'configmap "{_PATCH}" key "{PATCH_KEY}": '))
