"""Why a gateway could not be planned or applied."""

from enum import StrEnum

from gateway_components.errors import GatewayError

__all__ = ["Failure", "Reason"]


class Reason(StrEnum):
    """Reasons of gateway conditions (spec, "Gateway status")."""

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


class Failure(GatewayError):
    """A gateway's desired state cannot be had; what is on the cluster stays as it is.

    Parameters
    ----------
    reason
        Reason of the conditions.
    message
        What is wrong, naming the object.
    field
        Path of the field at fault in the gateway; empty where no single one is.
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
        details = "; ".join(part for part in (self.field and f"field {self.field}", self.cure) if part)
        return f"{self.message} ({details})" if details else self.message

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Failure) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.reason, self.message, self.field, self.cure))
