"""Makes errors of what the API server, or somebody in its place, answers."""

from collections.abc import Mapping
from typing import Any

from gateway_components.kube.decoding import read_document
from gateway_components.kube.errors import (
    ApiError,
    ApiUnreachableError,
    MalformedAnswerError,
    StatusDetails,
)

__all__ = ["api_error", "refused", "unreachable"]

_EXCERPT = 500


def refused(status: int, body: bytes, retry_after: str) -> ApiError:
    """Return the error for an answer with `status`, its body and its header ``Retry-After``."""
    try:
        answer = read_document(body)
    except MalformedAnswerError:
        answer = {}
    if answer.get("kind") != "Status":
        text = body.decode(errors="replace").strip()
        answer = {"message": text[:_EXCERPT] or f"HTTP status {status}"}
    # The other form of this header is a date, which the API server does not use.
    return api_error(answer, status, float(retry_after) if retry_after.isdecimal() else 0.0)


def api_error(answer: Mapping[str, Any], status: int, retry_after: float = 0.0) -> ApiError:
    """Return the error that a ``Status`` of the API server tells of; a field of another type counts as missing."""
    details = answer.get("details")
    about = details if isinstance(details, dict) else {}
    return ApiError(
        status,
        _text(answer, "reason"),
        _text(answer, "message") or f"HTTP status {status}",
        retry_after,
        StatusDetails(_text(about, "group"), _text(about, "kind"), _text(about, "name")),
    )


def unreachable(error: BaseException) -> ApiUnreachableError:
    """Return the error for a request that got no answer."""
    return ApiUnreachableError(f"the API server gave no answer: {error or type(error).__name__}")


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) else ""
