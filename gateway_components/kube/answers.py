"""Makes errors of what the API server, or somebody in its place, answers."""

import json
from collections.abc import Mapping
from typing import Any

from gateway_components.kube.errors import ApiError, ApiUnreachableError

__all__ = ["api_error", "refused", "unreachable"]


def refused(status: int, text: str, retry_after: str) -> ApiError:
    """Return the error for an answer with `status`, its body and its header ``Retry-After``."""
    try:
        answer = json.loads(text)
    except ValueError:
        answer = {}
    if not isinstance(answer, dict) or answer.get("kind") != "Status":
        answer = {"message": text.strip()[:500] or f"HTTP status {status}"}
    # The other form of this header is a date, which the API server does not use.
    return api_error(answer, status, float(retry_after) if retry_after.isdecimal() else 0.0)


def api_error(answer: Mapping[str, Any], status: int, retry_after: float = 0.0) -> ApiError:
    """Return the error that a ``Status`` of the API server tells of."""
    message = answer.get("message", f"HTTP status {status}")
    return ApiError(status, answer.get("reason", ""), message, retry_after)


def unreachable(error: BaseException) -> ApiUnreachableError:
    """Return the error for a request that got no answer, or none that can be read."""
    return ApiUnreachableError(f"the API server gave no answer: {error or type(error).__name__}")
