"""Secrets and ConfigMaps that pods take values from and that do not exist: what is said, and which hash holds."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway_components.plan.environment import API_KEY_SECRET
from gateway_components.plan.failure import PlanWarning, WarningReason
from gateway_components.plan.keys import GatewayKey, Reference
from gateway_components.plan.kinds import AI_GATEWAY

__all__ = ["Absence", "absence_warnings"]

_Kind = Literal["ConfigMap", "Secret"]
_SELECTORS: tuple[tuple[_Kind, str], ...] = (("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef"))
_ORIGINS: tuple[tuple[_Kind, str], ...] = (("Secret", "secretRef"), ("ConfigMap", "configMapRef"))
"""Where ``env`` and ``envFrom`` name Secrets and ConfigMaps."""


@dataclass(frozen=True, slots=True)
class Absence:
    """What is known of the Secrets and ConfigMaps that one gateway refers to and that do not exist.

    Attributes
    ----------
    absent
        Those that were looked for in vain.
    awaited
        Those of them that existed a moment ago: a tool that makes them anew may be at work.
    running
        Annotations with hashes of the running pods; empty where there are none.
    """

    absent: frozenset[Reference] = frozenset()
    awaited: frozenset[Reference] = frozenset()
    running: Mapping[str, str] = field(default_factory=dict)

    def keeps(self, annotation: str, value: str, references: Collection[Reference]) -> bool:
        """Tell whether running pods keep the hash they have.

        They are not replaced by pods without keys because a Secret is deleted for a moment.

        Parameters
        ----------
        annotation, value
            Which hash it is, and what it is without the absent ones.
        references
            What it is made of.
        """
        return self.running.get(annotation, value) != value and not self.awaited.isdisjoint(references)


def absence_warnings(
    gateway: GatewayKey,
    container: Mapping[str, Any],
    guards: Collection[Reference],
    absence: Absence,
    kept: Collection[Reference],
) -> Iterator[PlanWarning]:
    """Yield a warning for each absent Secret or ConfigMap that a container takes values from.

    Of what the user made optional, a warning says only that it is awaited.

    Parameters
    ----------
    gateway, container
        The gateway, and its container in JSON types.
    guards
        The Secrets with credentials of its guards.
    absence
        What does not exist.
    kept
        The awaited ones whose values running pods keep for now.
    """
    uses: dict[Reference, list[_Use]] = {}
    for use in _uses(container, gateway.namespace):
        uses.setdefault(use.reference, []).append(use)
    for reference in sorted(uses.keys() & absence.absent):
        what = _consequence(reference, uses[reference], is_kept=reference in kept)
        if what:
            at = "spec.guardrails" if reference in guards else _field(gateway, uses[reference])
            cure = f"create that {reference.kind}"
            yield PlanWarning(WarningReason.REFERENCE_NOT_FOUND, f"{reference} {what}", at, cure)


@dataclass(frozen=True, slots=True)
class _Use:
    reference: Reference
    variable: str
    optional: bool


def _uses(container: Mapping[str, Any], namespace: str) -> Iterator[_Use]:
    for variable in container.get("env", ()):
        source = variable.get("valueFrom", {})
        for kind, name in _SELECTORS:
            if selector := source.get(name):
                yield _use(kind, namespace, selector, variable["name"])
    for origin in container.get("envFrom", ()):
        for kind, name in _ORIGINS:
            if selector := origin.get(name):
                yield _use(kind, namespace, selector)


def _use(kind: _Kind, namespace: str, selector: Mapping[str, Any], variable: str = "") -> _Use:
    reference = Reference(kind, namespace, selector.get("name", ""))
    return _Use(reference, variable, bool(selector.get("optional")))


def _consequence(reference: Reference, uses: Collection[_Use], *, is_kept: bool) -> str:
    if is_kept:
        return "was deleted; pods keep its values for now, and are replaced if it stays away"
    if not all(use.optional for use in uses):
        return "does not exist, so no new pod starts"
    lost = ", ".join(use.variable for use in uses if use.variable)
    # The keys of models are optional by our own choice.
    return f"does not exist, so pods start without {lost}" if lost and _holds_keys(reference) else ""


def _field(gateway: GatewayKey, uses: Collection[_Use]) -> str:
    first = min(uses, key=lambda use: use.optional)
    if first.optional and _holds_keys(first.reference):
        return "spec.aiModels" if gateway.kind == AI_GATEWAY.kind else "spec.guardrails"
    return "spec.env" if first.variable else "spec.envFrom"


def _holds_keys(reference: Reference) -> bool:
    return (reference.kind, reference.name) == ("Secret", API_KEY_SECRET)
