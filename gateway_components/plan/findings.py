"""Failures and warnings of gateways and routes, and their reasons."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import islice
from typing import Any

from gateway_components.errors import Finding, GatewayError, InText, Path, render, shortened
from gateway_components.identity import Identity

_MOST_WARNINGS = 100
"""Limit per object: a patch may hold tens of thousands of unknown keys."""
MOST_COUNTED = 1_000
"""Warnings are counted up to this number."""
MOST_FAILURES = 100
"""Limit of failures per gateway."""
_SHOWN = 8
"""Failures of one gateway that a text names; the rest is counted."""


class Reason(StrEnum):
    """Reasons of conditions of gateways and routes (spec, "Gateway status" and "ToolRoute")."""

    CONFIGURATION_APPLIED = "ConfigurationApplied"
    DEPLOYMENT_ROLLING_OUT = "DeploymentRollingOut"
    CONFIG_GENERATION_FAILED = "ConfigGenerationFailed"
    GUARDRAILS_RESOLUTION_FAILED = "GuardrailsResolutionFailed"
    CONFIG_PATCH_INVALID = "ConfigPatchInvalid"
    NAME_CONFLICT = "NameConflict"
    CONFIG_MAP_FAILED = "ConfigMapFailed"
    DEPLOYMENT_FAILED = "DeploymentFailed"
    SERVICE_FAILED = "ServiceFailed"
    WORKLOAD_FAILED = "WorkloadFailed"
    RECONCILED = "Reconciled"
    UPSTREAM_UNRESOLVED = "UpstreamUnresolved"
    DUPLICATE_SERVER_NAME = "DuplicateServerName"
    GATEWAY_DEGRADED = "GatewayDegraded"
    GATEWAY_NOT_FOUND = "GatewayNotFound"
    REFERENCE_NOT_PERMITTED = "ReferenceNotPermitted"
    ROUTE_TOO_LARGE = "RouteTooLarge"
    TOOL_FILTER_INVALID = "ToolFilterInvalid"


class WarningReason(StrEnum):
    """Reasons of Warning events about gateways and routes that work all the same."""

    GUARD_MODE_IGNORED = "GuardModeIgnored"
    GUARD_LEFT_OUT = "GuardLeftOut"
    GUARD_NOT_ASKED = "GuardNotAsked"
    CREDENTIAL_IGNORED = "CredentialIgnored"
    CREDENTIAL_REQUIRED = "CredentialRequired"
    GUARD_REMOVED = "GuardRemoved"
    GUARD_CHANGED = "GuardChanged"
    MASTER_KEY_EMPTY = "MasterKeyEmpty"
    VARIABLE_MISSING = "VariableMissing"
    VARIABLE_NOT_REPLACED = "VariableNotReplaced"
    PLAIN_CREDENTIAL = "PlainCredential"
    CONFIG_KEY_UNKNOWN = "ConfigKeyUnknown"
    CONFIG_VALUE_UNKNOWN = "ConfigValueUnknown"
    TOOL_PATTERN_IGNORED = "ToolPatternIgnored"
    TOOLS_SHARED = "ToolsShared"
    ROUTE_NAMESPACES_INVALID = "RouteNamespacesInvalid"
    SERVER_NAME_REFUSED = "ServerNameRefused"
    SERVER_UNREACHABLE = "ServerUnreachable"
    SERVER_CREDENTIAL_SHOWN = "ServerCredentialShown"
    REFERENCE_NOT_FOUND = "ReferenceNotFound"
    KEY_NOT_FOUND = "KeyNotFound"
    PROVIDER_UNKNOWN = "ProviderUnknown"
    PROVIDER_REPEATED = "ProviderRepeated"
    PROVIDERS_MIXED = "ProvidersMixed"
    NO_MASTER_KEY = "NoMasterKey"
    PROMPTS_LOGGED = "PromptsLogged"
    ANNOTATION_UNKNOWN = "AnnotationUnknown"
    ENVIRONMENT_UNKNOWN = "EnvironmentUnknown"
    ROLLOUT_STALLED = "RolloutStalled"
    MORE_WARNINGS = "MoreWarnings"


class Failure(GatewayError):
    """The desired state of a gateway or a route cannot be computed; the cluster stays as it is.

    The parameters are those of a `Finding`, whose `reason` is that of the conditions.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        path: Path = (),
        cure: str = "",
        related: tuple[Identity, ...] = (),
        inside: InText | None = None,
    ) -> None:
        first = Finding(path, shortened(message), cure, reason=reason, related=related, inside=inside)
        super().__init__(first.message)
        self.findings: tuple[Finding, ...] = (first,)

    @property
    def reason(self) -> Reason:
        """Reason of the conditions."""
        return Reason(self.findings[0].reason)

    @property
    def message(self) -> str:
        """What is wrong first of all."""
        return self.findings[0].text

    @property
    def field(self) -> str:
        """The field at fault, as text."""
        return self.findings[0].field

    @property
    def cure(self) -> str:
        """What to do about it."""
        return self.findings[0].cure

    def about(self, *related: Identity) -> "Failure":
        """Return the same failure about further objects."""
        return _failure(type(self), tuple(one.about(*related) for one in self.findings))

    def __str__(self) -> str:
        """Return all findings in one line, as conditions, events and logs carry it."""
        shown = [render(one) for one in self.findings]
        more = [f"{len(shown) - _SHOWN} more"] if len(shown) > _SHOWN else []
        return "; also: ".join((*shown[:_SHOWN], *more))

    def __reduce__(self) -> tuple[Any, ...]:
        return _failure, (type(self), self.findings)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Failure) and self.findings == other.findings

    def __hash__(self) -> int:
        return hash(self.findings)


def plan_warning(
    reason: WarningReason,
    message: str,
    path: Path = (),
    cure: str = "",
    *,
    related: tuple[Identity, ...] = (),
    inside: InText | None = None,
    count: int = 1,
) -> Finding:
    """Return something that is not done as asked, though the gateway runs or the route is served."""
    return Finding(
        path, shortened(message), cure, "warning", reason, related=related, inside=inside, count=count
    )


def first_warnings(warnings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the first hundred of `warnings`, and one that says how many follow.

    No more are looked for than are counted, so that warnings which are made one by one cost little.
    """
    coming = iter(warnings)
    shown = tuple(islice(coming, _MOST_WARNINGS))
    others = sum(1 for _ in islice(coming, MOST_COUNTED + 1 - len(shown)))
    if not others:
        return shown
    number = f"more than {others - 1}" if len(shown) + others > MOST_COUNTED else str(others)
    message = "there is 1 more warning" if others == 1 else f"there are {number} more warnings"
    return *shown, plan_warning(WarningReason.MORE_WARNINGS, message, count=others)


def combined(failures: Sequence[Failure]) -> Failure:
    """Return one failure that names all `failures`, of which there is at least one."""
    return _failure(Failure, tuple(one for failure in failures for one in failure.findings))


def _failure(kind: type[Failure], findings: tuple[Finding, ...]) -> Failure:
    failure = kind.__new__(kind, findings[0].message)
    failure.findings = findings
    return failure
