"""What the API server, or the way to it, can answer."""

from gateway_components.errors import GatewayError
from gateway_components.refusals import missing_right

__all__ = ["ApiError", "ApiUnreachableError", "CredentialsError", "FencedError", "ObjectChangedError"]


class CredentialsError(GatewayError):
    """No usable credentials for a cluster."""


class ApiUnreachableError(GatewayError):
    """The API server gave no answer."""


class FencedError(GatewayError):
    """A write was not sent, as this process may not write any more."""


class ApiError(GatewayError):
    """The API server refused a request; where a right is missing, the text says which one to give.

    Attributes
    ----------
    status
        HTTP status code.
    reason
        Machine-readable reason, such as ``Forbidden`` or ``Expired``.
    retry_after
        Seconds after which the API server wants to be asked again; 0 where it did not say.
    """

    def __init__(self, status: int, reason: str, message: str, retry_after: float = 0.0) -> None:
        cure = missing_right(message)
        super().__init__(f"{message} ({cure})" if cure else message)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


class ObjectChangedError(ApiError):
    """An object was to be deleted as it was read, and was written or replaced by somebody else since then."""
