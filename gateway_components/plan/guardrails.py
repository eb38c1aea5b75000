"""From the Guards of a gateway to LiteLLM's ``guardrails`` (spec, "Guardrails").

The parameters are those of LiteLLM 1.83.14, proven by loading them into its proxy. It does not start with a value it
does not know, so whatever it would refuse is refused here, with the name of the Guard.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway_components.crds.guard import Guard
from gateway_components.crds.guardrailprovider import GuardrailProvider
from gateway_components.crds.meta import ObjectReference
from gateway_components.plan.failure import Failure, PlanWarning, Reason, WarningReason
from gateway_components.plan.guardrail_params import GuardrailParams, GuardrailRequest, guardrail_params
from gateway_components.plan.keys import Reference
from gateway_components.plan.kinds import AI_GATEWAY
from gateway_components.plan.references import named, reference_to
from gateway_components.plan.snapshot import Gateway, Resource, Resources, Unreadable

__all__ = ["Guardrails", "resolve_guardrails"]

_TOOL_MODES = {"pre_call": "pre_mcp_call", "during_call": "during_mcp_call"}


@dataclass(frozen=True, slots=True)
class Guardrails:
    """What the Guards of one gateway become.

    Attributes
    ----------
    entries
        Entries of ``guardrails`` in LiteLLM's configuration.
    credentials
        Environment variables that hold the credentials, in JSON types.
    references
        The Secrets that these come from.
    warnings
        What of the Guards is not done as asked.
    """

    entries: tuple[Mapping[str, Any], ...] = ()
    credentials: tuple[Mapping[str, Any], ...] = ()
    references: frozenset[Reference] = frozenset()
    warnings: tuple[PlanWarning, ...] = ()


def resolve_guardrails(gateway: Gateway, resources: Resources) -> Guardrails:
    """Return what ``spec.guardrails`` of a gateway becomes; a Guard that is named twice counts once.

    Parameters
    ----------
    gateway
        A gateway of either kind.
    resources
        The Guards and providers there are.

    Raises
    ------
    Failure
        ``GuardrailsResolutionFailed``: a Guard or provider is missing or at fault, or its credentials cannot be
        mounted. A gateway never runs without a guard that was asked for.
    """
    entries: dict[Reference, Mapping[str, Any]] = {}
    credentials: dict[str, Mapping[str, Any]] = {}
    references: set[Reference] = set()
    warnings: list[PlanWarning] = []
    for position, reference in enumerate(gateway.spec.guardrails):
        where = f"spec.guardrails[{position}]"
        guard = _guard(gateway, reference, resources, where)
        key = reference_to(guard)
        if key in entries:
            continue
        provider = _provider(guard, resources, where)
        params = guardrail_params(GuardrailRequest(gateway, guard, provider, where))
        modes = _modes(gateway, guard, params, where)
        entries[key] = {
            "guardrail_name": _name(gateway, key),
            "litellm_params": {
                "guardrail": params.guardrail,
                "mode": [mode for mode in modes.values() if mode],
                "default_on": True,
                **params.values,
            },
        }
        credentials |= {variable["name"]: variable for variable in params.credentials}
        references |= {params.secret} if params.secret else set()
        warnings += params.warnings
        warnings += _ignored_modes(guard, modes, where)
        warnings += _not_asked(gateway, guard, where)
    return Guardrails(
        tuple(entries.values()), tuple(credentials.values()), frozenset(references), tuple(warnings)
    )


def _guard(gateway: Gateway, reference: ObjectReference, resources: Resources, where: str) -> Guard:
    _check_kind(reference, "Guard", where)
    wanted = named("Guard", reference, gateway.metadata.namespace or "")
    if wanted is None:
        raise _failure("a guardrail names no Guard", f"{where}.name", "name one, or remove the entry")
    found = resources.get(wanted)
    if isinstance(found, Guard):
        return found
    raise _unusable(wanted, found, where)


def _provider(guard: Guard, resources: Resources, where: str) -> GuardrailProvider:
    owner = str(reference_to(guard))
    reference = guard.spec.provider_ref
    _check_kind(reference, "GuardrailProvider", where, owner)
    wanted = named("GuardrailProvider", reference, guard.metadata.namespace or "")
    if wanted is None:
        raise _failure(f"{owner} names no provider", where, "set its spec.providerRef.name")
    found = resources.get(wanted)
    if isinstance(found, GuardrailProvider):
        return found
    raise _unusable(wanted, found, where, owner)


def _check_kind(reference: ObjectReference, kind: str, where: str, owner: str = "") -> None:
    if reference.kind and reference.kind != kind:
        said = f"{owner or 'a guardrail'} refers to the kind {reference.kind}"
        raise _failure(f"{said}, not to a {kind}", where, f"name a {kind}, or leave the kind out")


def _unusable(wanted: Reference, found: Resource | None, where: str, owner: str = "") -> Failure:
    asked = f", which {owner} refers to," if owner else ""
    if isinstance(found, Unreadable):
        return _failure(
            f"{wanted}{asked} cannot be read: {found.message}", where, f"correct that {wanted.kind}"
        )
    return _failure(
        f"{wanted}{asked} does not exist", where, f"create that {wanted.kind}, or remove the entry"
    )


def _name(gateway: Gateway, guard: Reference) -> str:
    # LiteLLM takes equal names for replicas of one guard and picks one of them at each call.
    own = guard.namespace == (gateway.metadata.namespace or "")
    return guard.name if own else f"{guard.namespace}/{guard.name}"


def _modes(gateway: Gateway, guard: Guard, params: GuardrailParams, where: str) -> dict[str, str | None]:
    """Return LiteLLM's mode for each mode of the Guard; None for one that the gateway's kind does not have."""
    if gateway.kind == AI_GATEWAY.kind:
        modes: dict[str, str | None] = {mode: mode for mode in guard.spec.mode}
    elif not params.tool_calls:
        raise _failure(
            f"{reference_to(guard)}: LiteLLM's {params.guardrail} does not check "
            "tool calls, and does not start when asked to",
            where,
            "use a provider of another type for a ToolGateway",
        )
    else:
        modes = {mode: _TOOL_MODES.get(mode) for mode in guard.spec.mode}
    if not any(modes.values()):
        names = ", ".join(guard.spec.mode) or "none"
        raise _failure(
            f"{reference_to(guard)} has no mode that suits {gateway.kind}s, its modes: {names}",
            where,
            f"give it one of {', '.join(_TOOL_MODES)}, or remove the entry",
        )
    return modes


def _ignored_modes(guard: Guard, modes: Mapping[str, str | None], where: str) -> Iterator[PlanWarning]:
    for mode, translated in modes.items():
        if translated is None:
            message = (
                f"{reference_to(guard)}: the mode {mode} has no equivalent for tool calls and is left out"
            )
            cure = f"remove it from the Guard, or use one of {', '.join(_TOOL_MODES)}"
            yield PlanWarning(WarningReason.GUARD_MODE_IGNORED, message, where, cure)


def _not_asked(gateway: Gateway, guard: Guard, where: str) -> Iterator[PlanWarning]:
    if gateway.kind != AI_GATEWAY.kind:
        yield PlanWarning(
            WarningReason.GUARD_NOT_ASKED,
            f"{reference_to(guard)}: LiteLLM 1.83.14 loads it, but shows it no "
            "argument of a tool call, so it holds nothing back",
            where,
            "put it on the AiGateway, where it sees what tools have answered",
        )


def _failure(message: str, where: str, cure: str) -> Failure:
    return Failure(Reason.GUARDRAILS_RESOLUTION_FAILED, message, field=where, cure=cure)
