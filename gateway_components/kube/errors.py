"""What the API server, or the way to it, can answer."""

from dataclasses import dataclass

from gateway_components.errors import GatewayError
from gateway_components.refusals import missing_right

__all__ = [
    "ApiError",
    "ApiUnreachableError",
    "CredentialsError",
    "FencedError",
    "MalformedAnswerError",
    "ObjectChangedError",
    "StatusDetails",
    "TooLargeAnswerError",
]


class CredentialsError(GatewayError):
    """No usable credentials for a cluster."""


class ApiUnreachableError(GatewayError):
    """The API server gave no answer."""


class FencedError(GatewayError):
    """A write was not sent, as this process may not write any more."""


class MalformedAnswerError(ApiUnreachableError):
    """What came is nothing that an API server sends: something on the way to it answers, or changes answers."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: something answers in place of the API server, or changes its answers")


class TooLargeAnswerError(MalformedAnswerError):
    """An answer is larger than any that was asked for."""


@dataclass(frozen=True, slots=True)
class StatusDetails:
    """What a ``Status`` of the API server is about (``metav1.StatusDetails``).

    Attributes
    ----------
    group, kind, name
        Group, plural and name of the object; empty where the Status does not say.
    """

    group: str = ""
    kind: str = ""
    name: str = ""


class ApiError(GatewayError):
    """The API server refused a request; where a right is missing, the text says which one to give.

    Attributes
    ----------
    status
        HTTP status code.
    reason
        Machine-readable reason, such as ``Forbidden`` or ``Expired``; empty where no ``Status`` came.
    retry_after
        Seconds after which the API server wants to be asked again; 0 where it did not say.
    details
        The object that the refusal is about.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        retry_after: float = 0.0,
        details: StatusDetails | None = None,
    ) -> None:
        cure = missing_right(message)
        super().__init__(f"{message} ({cure})" if cure else message)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after
        self.details = details or StatusDetails()


class ObjectChangedError(ApiError):
    """An object was to be deleted as it was read, and was written or replaced by somebody else since then."""
