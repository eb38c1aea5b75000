"""Why a gateway or a route is not what it should be, and what is worth a warning though it is."""

from dataclasses import dataclass
from enum import StrEnum

from gateway_components.errors import GatewayError

__all__ = ["Failure", "PlanWarning", "Reason", "WarningReason", "clause"]


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


class WarningReason(StrEnum):
    """Reasons of Warning events about gateways and routes that work all the same."""

    GUARD_MODE_IGNORED = "GuardModeIgnored"
    GUARD_NOT_ASKED = "GuardNotAsked"
    CREDENTIAL_IGNORED = "CredentialIgnored"
    CONFIG_KEY_UNKNOWN = "ConfigKeyUnknown"
    TOOL_PATTERN_IGNORED = "ToolPatternIgnored"
    REFERENCE_NOT_FOUND = "ReferenceNotFound"
    ROLLOUT_STALLED = "RolloutStalled"


class Failure(GatewayError):
    """The desired state of a gateway or a route cannot be had; what is on the cluster stays as it is.

    Parameters
    ----------
    reason
        Reason of the conditions.
    message
        What is wrong, naming the object.
    field
        Path of the field at fault in the object; empty where no single one is.
    cure
        What the user can do.
    """

    def __init__(self, reason: Reason, message: str, *, field: str = "", cure: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.field = field
        self.cure = cure

    def __str__(self) -> str:
        """Return message, field and cure in one line, as conditions, events and logs carry it."""
        return _sentence(self.message, self.field, self.cure)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Failure) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.reason, self.message, self.field, self.cure))


@dataclass(frozen=True, slots=True)
class PlanWarning:
    """Something that is not done as asked, though the gateway runs or the route is served.

    Attributes
    ----------
    reason
        Reason of the event.
    message, field, cure
        As in `Failure`.
    """

    reason: WarningReason
    message: str
    field: str = ""
    cure: str = ""

    def __str__(self) -> str:
        """Return message, field and cure in one line, as events and logs carry it."""
        return _sentence(self.message, self.field, self.cure)


def clause(sentence: str) -> str:
    """Return a sentence in the form of a cure, which stands within another one."""
    return sentence[:1].lower() + sentence[1:].removesuffix(".")


def _sentence(message: str, field: str, cure: str) -> str:
    details = "; ".join(part for part in (field and f"field {field}", cure) if part)
    return f"{message} ({details})" if details else message
