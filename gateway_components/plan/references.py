"""References of gateways and routes: what they depend on, and what an installation or a gateway permits."""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from gateway_components.api.guardrails import Guard, GuardrailProvider
from gateway_components.api.kinds import CONTENT_KINDS
from gateway_components.api.meta import ObjectReference
from gateway_components.api.syntax import namespace_fault, shown
from gateway_components.api.tools import ToolRoute
from gateway_components.errors import Finding, Path
from gateway_components.identity import Identity
from gateway_components.plan.environment import API_KEY_SECRET
from gateway_components.plan.findings import Failure, Reason, WarningReason, plan_warning
from gateway_components.plan.snapshot import Gateway, Policy, Resource

PATCH_ANNOTATION = "ai-gateway-litellm.agentic-layer.ai/config-patch"
PATCH_PATH: Path = ("metadata", "annotations", PATCH_ANNOTATION)

Lookup = Callable[[Identity], Resource | None]
"""Finds what is referred to; None where there is no such object."""


def references(gateway: Gateway, lookup: Lookup) -> frozenset[Identity]:
    """Return everything that `gateway` depends on, directly or through its Guards.

    What does not exist is among them: its creation concerns the gateway as well.
    """
    patch = patch_reference(gateway)
    return frozenset(
        (
            api_key_reference(gateway),
            *environment_references(gateway),
            *((patch,) if patch else ()),
            *_guardrails(gateway, lookup),
        )
    )


def absent_contents(
    gateways: Iterable[Gateway], lookup: Lookup, contents: Container[Identity]
) -> frozenset[Identity]:
    """Return the Secrets and ConfigMaps that pods of `gateways` need and that are not among `contents`."""
    return frozenset(
        reference
        for gateway in gateways
        for reference in references(gateway, lookup)
        # A container can use those of its own namespace alone.
        if reference.kind in CONTENT_KINDS and reference.namespace == _namespace(gateway)
        if reference not in contents
    )


def api_key_reference(gateway: Gateway) -> Identity:
    """Return the Secret with the API keys of the gateway's namespace."""
    return Identity("Secret", _namespace(gateway), API_KEY_SECRET)


def patch_reference(gateway: Gateway) -> Identity | None:
    """Return the ConfigMap that the config-patch annotation names; None without one."""
    name = gateway.metadata.annotations.get(PATCH_ANNOTATION)
    return Identity("ConfigMap", _namespace(gateway), name) if name else None


def environment_references(gateway: Gateway) -> frozenset[Identity]:
    """Return what ``spec.env`` and ``spec.envFrom`` refer to, apart from the API key Secret."""
    sources = frozenset(Identity(kind, _namespace(gateway), name) for kind, name in _sources(gateway) if name)
    return sources - {api_key_reference(gateway)}


def guard_references(gateway: Gateway) -> tuple[Identity, ...]:
    """Return the Guards that ``spec.guardrails`` names, in its order; entries without a name are left out."""
    found = (named("Guard", reference, _namespace(gateway)) for reference in gateway.spec.guardrails)
    return tuple(reference for reference in found if reference)


def provider_reference(guard: Guard) -> Identity | None:
    """Return the GuardrailProvider of a Guard; None where it names none."""
    return named("GuardrailProvider", guard.spec.provider_ref, guard.metadata.namespace or "")


def credential_reference(provider: GuardrailProvider) -> Identity | None:
    """Return the Secret with the credentials of a provider; None where it needs none, or names none."""
    spec, namespace = provider.spec, provider.metadata.namespace or ""
    bedrock = spec.bedrock.credentials_secret_ref if spec.type == "bedrock-api" and spec.bedrock else None
    if bedrock:
        return Identity("Secret", bedrock.namespace or namespace, bedrock.name) if bedrock.name else None
    moderation = spec.openai_moderation if spec.type == "openai-moderation-api" else None
    key = moderation.api_key_secret_ref if moderation else None
    return Identity("Secret", namespace, key.name) if key and key.name else None


def server_reference(route: ToolRoute) -> Identity | None:
    """Return the ToolServer behind a route; None where it names none."""
    reference = route.spec.upstream.tool_server_ref
    return named("ToolServer", reference, route.metadata.namespace or "") if reference else None


def gateway_of_route(route: ToolRoute) -> Identity | None:
    """Return the ToolGateway that a route refers to, existing or not; None where it refers to none."""
    reference = route.spec.tool_gateway_ref
    if reference is None:
        return None
    return Identity(
        "ToolGateway", reference.namespace or route.metadata.namespace or "", reference.name or ""
    )


def named(kind: str, reference: ObjectReference, namespace: str) -> Identity | None:
    """Return what `reference` names, in `namespace` where it gives none; None where it has no name."""
    return Identity(kind, reference.namespace or namespace, reference.name) if reference.name else None


def _guardrails(gateway: Gateway, lookup: Lookup) -> Iterator[Identity]:
    for reference in guard_references(gateway):
        yield reference
        guard = lookup(reference)
        provider_of_guard = provider_reference(guard) if isinstance(guard, Guard) else None
        if provider_of_guard is None:
            continue
        yield provider_of_guard
        provider = lookup(provider_of_guard)
        secret = credential_reference(provider) if isinstance(provider, GuardrailProvider) else None
        if secret:
            yield secret


def _sources(gateway: Gateway) -> Iterator[tuple[Literal["ConfigMap", "Secret"], str]]:
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


def _namespace(gateway: Gateway) -> str:
    return gateway.metadata.namespace or ""


ROUTE_NAMESPACES_ANNOTATION = "ai-gateway-litellm.agentic-layer.ai/allowed-route-namespaces"
ROUTE_NAMESPACES_PATH: Path = ("metadata", "annotations", ROUTE_NAMESPACES_ANNOTATION)
_ALL, _OWN = "*", "Same"
_MOST_NAMESPACES = 1_000
"""An annotation holds tens of thousands, which each reconcile would check again."""
_CURE = (
    f"write {_OWN} for the gateway's own namespace alone, {_ALL} for all, or names with commas between them"
)


@dataclass(frozen=True, slots=True)
class RouteConsent:
    """The namespaces whose routes a ToolGateway takes beside its own, None for all, and whether it says so itself.

    Nobody else's routes are taken where there is a `fault` in what it says.
    """

    namespaces: frozenset[str] | None = None
    said: bool = False
    fault: str = ""

    def admits(self, gateway: Identity, namespace: str) -> bool:
        """Return whether `gateway` takes routes of `namespace`."""
        return namespace == gateway.namespace or self.namespaces is None or namespace in self.namespaces

    @property
    def warning(self) -> Finding | None:
        """The warning for the owner of the gateway; None where nothing is wrong."""
        if not self.fault:
            return None
        message = f"{self.fault}, so only routes of the gateway's own namespace are served"
        return plan_warning(WarningReason.ROUTE_NAMESPACES_INVALID, message, ROUTE_NAMESPACES_PATH, _CURE)


def route_consent(annotations: Mapping[str, str]) -> RouteConsent:
    """Return whose routes a ToolGateway with these annotations takes; all where it does not say."""
    text = annotations.get(ROUTE_NAMESPACES_ANNOTATION)
    if text is None:
        return RouteConsent()
    if text.strip() == _ALL:
        return RouteConsent(said=True)
    if text.strip() == _OWN:
        return RouteConsent(frozenset(), said=True)
    names = re.split(r"[\s,]+", text.strip(" \t\r\n,"), maxsplit=_MOST_NAMESPACES)
    if len(names) > _MOST_NAMESPACES:
        what = f"the list has more than {_MOST_NAMESPACES} namespaces"
        return RouteConsent(frozenset(), said=True, fault=what)
    faulty = [name for name in names if namespace_fault(name)]
    if faulty:
        what = f"{shown(faulty[0])} is not a namespace" if faulty[0] else "the list of namespaces is empty"
        return RouteConsent(frozenset(), said=True, fault=what)
    return RouteConsent(frozenset(names), said=True)


def check_namespace(
    policy: Policy,
    namespace: str,
    wanted: Identity,
    path: Path,
    reason: Reason = Reason.REFERENCE_NOT_PERMITTED,
) -> None:
    """Refuse a reference from `namespace` to an object elsewhere, where the installation forbids it.

    `path` is the field that refers to what is wanted, `reason` that of the condition.

    Raises Failure: it is forbidden.
    """
    if policy.cross_namespace or wanted.namespace == namespace:
        return
    kind = wanted.kind
    raise Failure(
        reason,
        f"{wanted} is in another namespace, and this installation forbids references across namespaces",
        path=path,
        cure=f"name a {kind} of namespace {namespace}, or have the installation set cross_namespace to true",
    )
