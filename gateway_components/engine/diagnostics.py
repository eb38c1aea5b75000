"""The outcome of an engine run: what its events say about each gateway, and what is proven."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pulumi.automation import EngineEvent

from gateway_components.components.naming import gateway_of
from gateway_components.errors import missing_right
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason
from gateway_components.plan.ownership import Applied

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
"""What the provider prepends to the API server's message."""

_NO_ANSWER = re.compile(
    r"configured Kubernetes cluster is unreachable|failed to read resource state due to unreachable cluster"
    r'|(?:Failed to fetch OpenAPI schema from the API server: )?(?:Get|Patch|Post|Put|Delete) "https?://'
)
"""Beginning of the message if a request of the provider got no answer (Go's ``url.Error``).

Further back, it is part of an answer: the API server says the same of a webhook that it cannot reach.
"""

_TRACEBACK = "\nTraceback (most recent call last):"
"""What Pulumi appends to an error of its program, which is of no use to a user."""

_ORDER = tuple(_REASONS)
"""Objects of a gateway in the order of their application: the first failure causes the others."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an engine run; that of a gateway in neither `failures` nor `held` is unknown.

    Attributes
    ----------
    failures
        The reason for each gateway that was not applied, or whose outcome is unknown.
    held
        The recorded state of each gateway that the run reported as done; evidence only if it equals the plan.
    released
        The gateways that were dropped from the state.
    undetermined
        Gateways that the engine did not account for, as it was killed or lost its program. Their objects may be ahead
        of the state. A refused gateway is not among them.
    killed
        Whether a signal ended the engine, as the kernel's does where memory runs out.
    """

    failures: Mapping[Identity, Failure] = field(default_factory=dict)
    held: Mapping[Identity, Applied | None] = field(default_factory=dict)
    released: Collection[Identity] = ()
    undetermined: Collection[Identity] = ()
    killed: bool = False


class Diagnostics:
    """Collects the errors of one run by gateway."""

    def __init__(self) -> None:
        self._messages: dict[Identity, dict[str, str]] = {}
        self._general: list[str] = []

    def on_event(self, event: EngineEvent) -> None:
        """Take an event of the engine."""
        diagnostic = event.diagnostic_event
        if diagnostic and diagnostic.severity == "error":
            self._add(diagnostic.urn or "", _clean(diagnostic.message))
        if event.res_op_failed_event:
            self._add(event.res_op_failed_event.metadata.urn, "the engine gives no reason")

    def unreachable(self, done: Collection[Identity]) -> str | None:
        """Return the error of an unreachable API server; None if it answered about any gateway (`done`, or failed)."""
        own = [_unanswered(messages.values()) for messages in self._messages.values()]
        if done or not all(own):
            return None
        return next(filter(None, (*own, _unanswered(self._general))), None)

    def failures(self) -> dict[Identity, Failure]:
        """Return one failure per failed gateway."""
        return {key: _failure(key, messages) for key, messages in self._messages.items()}

    def general(self) -> str:
        """Return the errors that belong to no gateway, in one line."""
        return "; ".join(dict.fromkeys(self._general))

    def _add(self, urn: str, message: str) -> None:
        key = gateway_of(urn)
        if key is None:
            self._general.append(message)
        else:
            # The first message about an object is the cause; later ones only say that it failed.
            self._messages.setdefault(key, {}).setdefault(_kind(urn), message)


def _failure(key: Identity, messages: Mapping[str, str]) -> Failure:
    kind = next((kind for kind in _ORDER if kind in messages), next(iter(messages)))
    reason = _REASONS.get(kind, Reason.WORKLOAD_FAILED)
    cure = missing_right(messages[kind])
    return Failure(reason, f"{kind} of {key}: {messages[kind]}", cure=cure)


def _unanswered(messages: Iterable[str]) -> str | None:
    return next(filter(_NO_ANSWER.match, messages), None)


def _kind(urn: str) -> str:
    return urn.split("::")[-2].rsplit(":", 1)[-1].removesuffix("Patch")


def _clean(message: str) -> str:
    text, _, _ = _COLOR.sub("", message).partition(_TRACEBACK)
    return _NOISE.sub("", text.strip()).strip()
