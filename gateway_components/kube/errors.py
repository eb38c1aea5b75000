"""Errors of the API server and of the way to it, and the answer to conflicts: optimistic concurrency."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

from gateway_components.errors import GatewayError, missing_right

T = TypeVar("T")

_TRIES = 5
"""As in client-go (``util/retry``)."""
_NAMESPACE_GOES = "NamespaceTerminating"
"""The cause that the API server gives where it creates nothing in a namespace (``v1.NamespaceTerminatingCause``)."""


class CredentialsError(GatewayError):
    """There are no usable credentials for a cluster."""


class ApiUnreachableError(GatewayError):
    """The API server did not answer."""


class FencedError(GatewayError):
    """A write was not sent: this process may no longer write."""


class MalformedAnswerError(ApiUnreachableError):
    """The answer cannot be from an API server: a proxy answers in its place, or changes its answers."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: something answers in place of the API server, or changes its answers")


class TooLargeAnswerError(MalformedAnswerError):
    """An answer exceeds the size limit."""


@dataclass(frozen=True, slots=True)
class StatusDetails:
    """The object of a ``Status`` (``metav1.StatusDetails``), and the reasons of its causes; empty if not given."""

    group: str = ""
    kind: str = ""
    name: str = ""
    causes: frozenset[str] = frozenset()


class ApiError(GatewayError):
    """The API server refused a request; the message names a missing permission.

    Attributes
    ----------
    status
        HTTP status code.
    reason
        Machine-readable reason, such as ``Forbidden`` or ``Expired``; empty without a ``Status``.
    retry_after
        Seconds to wait before the next try; 0 if the API server did not say.
    details
        The object of the request.
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

    @property
    def namespace_goes(self) -> bool:
        """Whether nothing can be made because the namespace is being deleted, or is gone."""
        if self.status == HTTPStatus.NOT_FOUND:
            return self.details.kind == "namespaces"
        return self.status == HTTPStatus.FORBIDDEN and _NAMESPACE_GOES in self.details.causes


class ImpossibleNameError(ApiError):
    """No object can have this name, so nothing was sent; the API server would refuse it (400)."""

    def __init__(self, name: str) -> None:
        super().__init__(HTTPStatus.BAD_REQUEST, "BadRequest", f"{name!r} is not a valid object name")


class ObjectChangedError(ApiError):
    """An object was not deleted: somebody else wrote or replaced it since it was read."""


async def retry_on_conflict(attempt: Callable[[], Awaitable[T]]) -> T:
    """Return the result of `attempt`, which reads, decides and writes; retry it if somebody else wrote in between.

    Raises ApiError: as raised by `attempt`; a ``Conflict`` (409) after the last try.
    """
    for _ in range(_TRIES - 1):
        try:
            return await attempt()
        except ApiError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
    return await attempt()
