"""From the Guards of a gateway to LiteLLM's ``guardrails`` (spec, "Guardrails").

The parameters are those of LiteLLM 1.83.14, proven by loading them into its proxy. It does not start with an unknown
value, so what it would refuse is refused here, naming the Guard.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from gateway_components.api.guardrails import Guard, GuardrailProvider
from gateway_components.api.kinds import AI_GATEWAY
from gateway_components.api.meta import ObjectReference
from gateway_components.errors import Finding, Path
from gateway_components.identity import Identity
from gateway_components.plan.findings import (
    MOST_FAILURES,
    Failure,
    Reason,
    WarningReason,
    combined,
    plan_warning,
)
from gateway_components.plan.guardrail_params import (
    GuardrailParams,
    GuardrailRequest,
    guardrail_params,
    provider_urls,
)
from gateway_components.plan.references import check_namespace, named, provider_reference
from gateway_components.plan.snapshot import Gateway, Policy, Resources, Unreadable
from gateway_components.plan.urls import local_fault

M = TypeVar("M", Guard, GuardrailProvider)

_TOOL_MODES = {"pre_call": "pre_mcp_call", "during_call": "during_mcp_call"}


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A Guard that LiteLLM is to apply.

    It has a ``guardrail_name`` and ``litellm_params``; `where` is the path of the gateway's field that names it.
    """

    guard: Identity
    where: Path
    name: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Guardrails:
    """What the Guards of one gateway become, and warnings about what of them is not done as asked.

    The `credentials` are environment variables in JSON types, and `references` the Secrets that these come from.
    """

    applied: tuple[Guardrail, ...] = ()
    credentials: tuple[Mapping[str, Any], ...] = ()
    references: frozenset[Identity] = frozenset()
    warnings: tuple[Finding, ...] = ()

    @property
    def entries(self) -> tuple[Mapping[str, Any], ...]:
        """Entries of ``guardrails`` in LiteLLM's configuration."""
        return tuple({"guardrail_name": one.name, "litellm_params": dict(one.params)} for one in self.applied)


def check_guards(gateway: Gateway, resources: Resources, policy: Policy) -> None:
    """Refuse Guards and providers of other namespaces, where the installation forbids them or they lead to the pod.

    Raises Failure ``GuardrailsResolutionFailed``: the policy forbids a reference across namespaces, or a provider of
    another namespace leads to a local address.
    """
    for position, reference in enumerate(gateway.spec.guardrails):
        try:
            _check_guard(gateway, reference, resources, policy, _path(position))
        except Failure as failure:
            raise failure.about(*_related(gateway, reference, resources)) from None


def _check_guard(
    gateway: Gateway, reference: ObjectReference, resources: Resources, policy: Policy, where: Path
) -> None:
    namespace = gateway.metadata.namespace or ""
    wanted = named("Guard", reference, namespace)
    if wanted is None:
        return
    check_namespace(policy, namespace, wanted, where, Reason.GUARDRAILS_RESOLUTION_FAILED)
    guard = resources.get(wanted)
    used = provider_reference(guard) if isinstance(guard, Guard) else None
    if used is None:
        return
    check_namespace(policy, wanted.namespace, used, where, Reason.GUARDRAILS_RESOLUTION_FAILED)
    provider = resources.get(used)
    # A provider of the gateway's own namespace may be a container beside it.
    if isinstance(provider, GuardrailProvider) and used.namespace != namespace:
        for url in provider_urls(provider):
            if fault := local_fault(url, policy.allowed_upstreams):
                raise _failure(f"an address of {used} {fault.message}", where, fault.cure)


def resolve_guardrails(gateway: Gateway, resources: Resources) -> Guardrails:
    """Return what ``spec.guardrails`` of a gateway becomes; a Guard that is named twice counts once.

    Raises Failure ``GuardrailsResolutionFailed``: a Guard or provider is missing or at fault, or its credentials
    cannot be mounted. An AiGateway never runs without a guard that was asked for.
    """
    applied: dict[Identity, _Applied] = {}
    failures: list[Failure] = []
    for position, reference in enumerate(gateway.spec.guardrails):
        where = _path(position)
        if len(failures) >= MOST_FAILURES:
            break
        try:
            guard = _found(Guard, gateway, reference, gateway.metadata.namespace or "", resources, where)
            key = guard.identity
            if key not in applied:
                wanted, namespace = guard.spec.provider_ref, guard.metadata.namespace or ""
                provider = _found(GuardrailProvider, gateway, wanted, namespace, resources, where, str(key))
                params = guardrail_params(GuardrailRequest(gateway, guard, provider, where))
                applied[key] = _Applied(guard, provider, where, params, _modes(gateway, guard, params))
        except Failure as failure:
            failures.append(failure.about(*_related(gateway, reference, resources)))
    if failures:
        raise combined(failures)
    served = {key: one for key, one in applied.items() if one.served}
    names = Counter(key.name for key in served)
    return Guardrails(
        tuple(
            Guardrail(key, one.where, _name(gateway, key, shared=names[key.name] > 1), one.litellm_params)
            for key, one in served.items()
        ),
        tuple(
            {
                variable["name"]: variable for one in served.values() for variable in one.params.credentials
            }.values()
        ),
        frozenset(one.params.secret for one in served.values() if one.params.secret),
        tuple(
            warning.about(one.guard.identity, one.provider.identity)
            for one in applied.values()
            for warning in _warnings(gateway, one)
        ),
    )


@dataclass(frozen=True, slots=True)
class _Applied:
    """A Guard with LiteLLM's modes for its own; None for one that the gateway's kind does not have."""

    guard: Guard
    provider: GuardrailProvider
    where: Path
    params: GuardrailParams
    modes: Mapping[str, str | None]

    @property
    def served(self) -> tuple[str, ...]:
        return tuple(mode for mode in self.modes.values() if mode)

    @property
    def litellm_params(self) -> Mapping[str, Any]:
        common = {"guardrail": self.params.guardrail, "mode": list(self.served), "default_on": True}
        return {**common, **self.params.values}


def _found(
    model: type[M],
    gateway: Gateway,
    reference: ObjectReference,
    namespace: str,
    resources: Resources,
    where: Path,
    owner: str = "",
) -> M:
    """Return the Guard that a gateway refers to, or the provider that its Guard (`owner`) refers to."""
    kind = model.__name__
    if reference.kind and reference.kind != kind:
        said = f"{owner or 'a guardrail'} refers to the kind {reference.kind}"
        raise _failure(f"{said}, not to a {kind}", where, f"name a {kind}, or leave the kind out")
    wanted = named(kind, reference, namespace)
    if wanted is None and owner:
        raise _failure(f"{owner} names no provider", where, "set its spec.providerRef.name")
    if wanted is None:
        raise _failure("a guardrail names no Guard", (*where, "name"), "name one, or remove the entry")
    found = resources.get(wanted)
    if isinstance(found, model):
        return found
    asked = f", which {owner} refers to," if owner else ""
    if isinstance(found, Unreadable):
        # What stands in objects of another namespace is not for the owner of the gateway.
        why = f": {found.message}" if wanted.namespace == (gateway.metadata.namespace or "") else ""
        raise _failure(f"{wanted}{asked} cannot be read{why}", where, f"correct that {kind}")
    raise _failure(f"{wanted}{asked} does not exist", where, f"create that {kind}, or remove the entry")


def _name(gateway: Gateway, guard: Identity, *, shared: bool) -> str:
    # LiteLLM takes equal names for replicas of one guard and picks one of them at each call.
    own = guard.namespace == (gateway.metadata.namespace or "")
    return f"{guard.namespace}/{guard.name}" if shared and not own else guard.name


def _modes(gateway: Gateway, guard: Guard, params: GuardrailParams) -> dict[str, str | None]:
    if gateway.kind == AI_GATEWAY.kind:
        return {mode: mode for mode in guard.spec.mode}
    return {mode: _TOOL_MODES.get(mode) if params.tool_calls else None for mode in guard.spec.mode}


def _warnings(gateway: Gateway, one: _Applied) -> Iterator[Finding]:
    guard = one.guard.identity
    if not one.served:
        yield _left_out(guard, one)
        return
    yield from one.params.warnings
    for mode, translated in one.modes.items():
        if translated is None:
            yield plan_warning(
                WarningReason.GUARD_MODE_IGNORED,
                f"{guard}: the mode {mode} has no equivalent for tool calls and is left out",
                one.where,
                f"remove it from the Guard, or use one of {', '.join(_TOOL_MODES)}",
            )
    if gateway.kind != AI_GATEWAY.kind:
        yield plan_warning(
            WarningReason.GUARD_NOT_ASKED,
            f"{guard}: LiteLLM 1.83.14 loads it, but passes it no arguments of tool calls, so it blocks nothing",
            one.where,
            "put it on the AiGateway, where it sees what tools have answered",
        )


def _left_out(guard: Identity, one: _Applied) -> Finding:
    """Return the warning about a Guard without a mode; as in the reference operator, the gateway serves without it."""
    why = f"none of its modes ({', '.join(one.modes)}) has an equivalent on a ToolGateway"
    cure = f"give it one of {', '.join(_TOOL_MODES)}, or remove the entry"
    if not one.params.tool_calls:
        why = f"LiteLLM's {one.params.guardrail} does not check tool calls, and does not start when asked to"
        cure = "use a provider of another type, or remove the entry"
    message = f"{guard} is left out, so it blocks nothing: {why}"
    return plan_warning(WarningReason.GUARD_LEFT_OUT, message, one.where, cure)


def _failure(message: str, where: Path, cure: str) -> Failure:
    return Failure(Reason.GUARDRAILS_RESOLUTION_FAILED, message, path=where, cure=cure)


def _path(position: int) -> Path:
    return "spec", "guardrails", position


def _related(gateway: Gateway, reference: ObjectReference, resources: Resources) -> tuple[Identity, ...]:
    if reference.kind not in (None, "", "Guard"):
        return ()
    wanted = named("Guard", reference, gateway.metadata.namespace or "")
    guard = resources.get(wanted) if wanted else None
    used = provider_reference(guard) if isinstance(guard, Guard) else None
    return tuple(found for found in (wanted, used) if found)
