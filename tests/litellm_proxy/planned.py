"""From manifests to what LiteLLM is started with, by the plan that the daemon uses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway_components.api.gateways import AiGateway, AiGatewayClass, ToolGateway, ToolGatewayClass
from gateway_components.api.guardrails import Guard, GuardrailProvider
from gateway_components.api.kinds import AI_GATEWAY, TOOL_GATEWAY
from gateway_components.api.meta import API_VERSION
from gateway_components.api.parse import parse, parse_as
from gateway_components.api.tools import ToolRoute, ToolServer
from gateway_components.identity import Identity
from gateway_components.plan.patch import PATCH_KEY
from gateway_components.plan.plan import plan
from gateway_components.plan.references import PATCH_ANNOTATION
from gateway_components.plan.snapshot import Content, Policy, Resource, Snapshot

_CLASS: Final = "litellm"


@dataclass(frozen=True, slots=True)
class PlannedGateway:
    """What one gateway is started with, and where its routes are.

    Attributes
    ----------
    config
        Text of ``config.yaml``, which is all that the ConfigMap holds.
    env
        The container's environment, Secrets looked up; without ``PROMETHEUS_MULTIPROC_DIR``, a folder of
        the container.
    paths
        Path of ``status.url`` of each route that is served, by ``namespace/name``.
    warnings
        Messages of the warnings.
    """

    config: str
    env: Mapping[str, str]
    paths: Mapping[str, str]
    warnings: tuple[str, ...]


def manifest(
    kind: str,
    name: str,
    spec: Mapping[str, object],
    *,
    namespace: str = "default",
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return an object of our API group."""
    metadata = {"name": name, "namespace": namespace, "annotations": dict(annotations or {})}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def planned_gateway(
    gateway: Mapping[str, Any],
    *others: Mapping[str, Any],
    secrets: Mapping[tuple[str, str], str] | None = None,
    patch: str = "",
) -> PlannedGateway:
    """Plan a gateway of either kind, which our class takes, with the routes, ToolServers, Guards and providers given.

    `secrets` has values of its namespace by the name of the Secret and the key.

    Raises Failure: the gateway's input is at fault. LookupError: the container asks for a Secret that is neither
    optional nor in `secrets`.
    """
    is_ai = gateway["kind"] == AI_GATEWAY.kind
    metadata = {**gateway["metadata"], "annotations": {PATCH_ANNOTATION: "patch"} if patch else {}}
    gateway = {**gateway, "metadata": metadata}
    contents = {Identity("ConfigMap", metadata["namespace"], "patch"): Content("", {PATCH_KEY: patch})}
    resources: dict[Identity, Resource] = {}
    for other in others:
        parsed = parse(other)
        if isinstance(parsed, Guard | GuardrailProvider | ToolServer):
            kind: Any = parsed.kind
            resources[Identity(kind, parsed.metadata.namespace or "", parsed.metadata.name)] = parsed
    done = plan(
        Snapshot(
            gateways=(parse_as(AiGateway, gateway) if is_ai else parse_as(ToolGateway, gateway),),
            classes=_classes(),
            routes=tuple(parse_as(ToolRoute, other) for other in others if other["kind"] == "ToolRoute"),
            resources=resources,
            contents=contents,
            policy=Policy(allowed_upstreams=("127.0.0.1",)),
        )
    )
    (outcome,) = done.gateways.values()
    if outcome.objects is None:
        raise outcome.failure or LookupError(f"no plan for {outcome.key}")
    (container,) = outcome.objects.deployment["spec"]["template"]["spec"]["containers"]
    (config,) = outcome.objects.config_map["data"].values()
    urls = {f"{key.namespace}/{key.name}": route.url for key, route in done.routes.items()}
    host = f"http://{outcome.key.name}.{outcome.key.namespace}.svc.cluster.local"
    return PlannedGateway(
        config=config,
        env=dict(_environment(container["env"], secrets or {})),
        paths={route: url.removeprefix(host) for route, url in urls.items() if url},
        warnings=tuple(warning.message for warning in outcome.warnings),
    )


def _classes() -> tuple[AiGatewayClass, ToolGatewayClass]:
    def document(kind: str, controller: str, annotation: str) -> dict[str, Any]:
        metadata = {"name": _CLASS, "annotations": {annotation: "true"}}
        spec = {"controller": controller}
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}

    ai, tool = (
        document(kind.class_kind, kind.controller, kind.default_class_annotation)
        for kind in (AI_GATEWAY, TOOL_GATEWAY)
    )
    return parse_as(AiGatewayClass, ai), parse_as(ToolGatewayClass, tool)


def _environment(
    variables: Sequence[Mapping[str, Any]], secrets: Mapping[tuple[str, str], str]
) -> Iterable[tuple[str, str]]:
    for variable in variables:
        if variable["name"] == "PROMETHEUS_MULTIPROC_DIR":
            continue
        if "value" in variable:
            yield variable["name"], variable["value"]
            continue
        selector = variable["valueFrom"]["secretKeyRef"]
        found = secrets.get((selector["name"], selector["key"]))
        if found is not None:
            yield variable["name"], found
        elif not selector.get("optional"):
            message = f"{variable['name']} needs the key {selector['key']} of the Secret {selector['name']}"
            raise LookupError(message)
