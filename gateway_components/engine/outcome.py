"""From the engine's events to what went wrong with which gateway."""

import re
from collections.abc import Collection, Iterable, Mapping

from pulumi.automation import EngineEvent

from gateway_components.components.naming import gateway_of
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.keys import GatewayKey
from gateway_components.refusals import missing_right

__all__ = ["Diagnostics"]

_REASONS = {
    "ConfigMap": Reason.CONFIG_MAP_FAILED,
    "Deployment": Reason.DEPLOYMENT_FAILED,
    "Service": Reason.SERVICE_FAILED,
}
_COLOR = re.compile(r"<\{%[^%]*%\}>")
_NOISE = re.compile(
    r"^(?:error: )?"
    r"(?:resource \S+ was not successfully created by the Kubernetes API server ?: "
    r"|update of resource \S+ failed because the Kubernetes API server reported that it failed to fully"
    r" initialize or become live: "
    r"|update of resource \S+ failed: )?"
)
"""What the provider puts before the API server's own words."""

_NO_ANSWER = re.compile(
    r"configured Kubernetes cluster is unreachable|failed to read resource state due to unreachable cluster"
    r'|(?:Failed to fetch OpenAPI schema from the API server: )?(?:Get|Patch|Post|Put|Delete) "https?://'
)
"""How the message begins where a request of the provider itself got no answer (Go's ``url.Error``).

One that stands further back is an answer: the API server tells so of a webhook that it cannot reach.
"""

_TRACEBACK = "\nTraceback (most recent call last):"
"""What Pulumi puts after an error of its program, and no user can use."""

_ORDER = tuple(_REASONS)
"""Objects of a gateway in the order they are applied: the first that failed is why the others did."""


class Diagnostics:
    """Collects the errors of one run, by the gateway they belong to."""

    def __init__(self) -> None:
        self._messages: dict[GatewayKey, dict[str, str]] = {}
        self._general: list[str] = []

    def on_event(self, event: EngineEvent) -> None:
        """Take one event of the engine."""
        diagnostic = event.diagnostic_event
        if diagnostic and diagnostic.severity == "error":
            self._add(diagnostic.urn or "", _clean(diagnostic.message))
        if event.res_op_failed_event:
            self._add(event.res_op_failed_event.metadata.urn, "the engine names no reason")

    def unreachable(self, done: Collection[GatewayKey]) -> str | None:
        """Return the error by which the API server could not be reached.

        None where it answered about any gateway: where one is `done`, or failed for another reason.
        """
        own = [_unanswered(messages.values()) for messages in self._messages.values()]
        if done or not all(own):
            return None
        return next(filter(None, (*own, _unanswered(self._general))), None)

    def failures(self) -> dict[GatewayKey, Failure]:
        """Return what failed, one failure per gateway."""
        return {key: _failure(key, messages) for key, messages in self._messages.items()}

    def general(self) -> str:
        """Return the errors that belong to no gateway, in one line."""
        return "; ".join(dict.fromkeys(self._general))

    def _add(self, urn: str, message: str) -> None:
        key = gateway_of(urn)
        if key is None:
            self._general.append(message)
        else:
            # The first message of an object is the cause; what follows only says that it failed.
            self._messages.setdefault(key, {}).setdefault(_kind(urn), message)


def _failure(key: GatewayKey, messages: Mapping[str, str]) -> Failure:
    kind = next((kind for kind in _ORDER if kind in messages), next(iter(messages)))
    reason = _REASONS.get(kind, Reason.WORKLOAD_FAILED)
    cure = missing_right(messages[kind])
    return Failure(reason, f"{kind} of {key}: {messages[kind]}", cure=cure)


def _unanswered(messages: Iterable[str]) -> str | None:
    return next(filter(_NO_ANSWER.match, messages), None)


def _kind(urn: str) -> str:
    return urn.split("::")[-2].rsplit(":", 1)[-1].removesuffix("Patch")


def _clean(message: str) -> str:
    told, _, _ = _COLOR.sub("", message).partition(_TRACEBACK)
    return _NOISE.sub("", told.strip()).strip()
