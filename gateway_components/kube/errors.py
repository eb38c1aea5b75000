"""What the API server, or the way to it, can answer."""

from gateway_components.errors import GatewayError

__all__ = ["ApiError", "ApiUnreachableError", "CredentialsError"]


class CredentialsError(GatewayError):
    """No usable credentials for a cluster."""


class ApiUnreachableError(GatewayError):
    """The API server gave no answer."""


class ApiError(GatewayError):
    """The API server refused a request.

    Attributes
    ----------
    status
        HTTP status code.
    reason
        Machine-readable reason, such as ``Forbidden`` or ``Expired``.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
