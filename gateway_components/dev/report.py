"""Says in short lines how the gateways of a folder are doing; what was said last is not said again."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from gateway_components.daemon.ledger import Batch
from gateway_components.plan.failure import Failure
from gateway_components.plan.keys import GatewayKey, Subject
from gateway_components.plan.ownership import Drift
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.rollout import Rollout
from gateway_components.plan.routes import RoutePlan

__all__ = ["FolderReporter", "Tell"]

Tell = Callable[[str, str], None]
"""Shows a line: a verb, such as ``applied`` or ``failed``, and what it is about."""


class FolderReporter:
    """Tells of gateways and routes.

    Parameters
    ----------
    tell
        Shows a line.
    is_explained
        Tells whether the failure of a gateway was told with file and line already.
    serves
        Tells whether a gateway was applied before, so that its last good objects go on serving.
    """

    def __init__(
        self,
        tell: Tell,
        is_explained: Callable[[Failure], bool],
        serves: Callable[[GatewayKey], bool],
    ) -> None:
        self._tell = tell
        self._is_explained = is_explained
        self._serves = serves
        self._said: dict[Subject, tuple[str, str]] = {}

    async def gateway(
        self,
        gateway: GatewayPlan,
        raw: Mapping[str, Any],  # noqa: ARG002  (there is no status to write into)
        failure: Failure | None,
        rollout: Rollout | None,
    ) -> bool:
        """Say whether a gateway serves, and where, or why not."""
        if failure:
            why = "" if self._is_explained(failure) else f": {failure}"
            goes_on = "; what was applied last goes on" if self._serves(gateway.key) else ""
            self._say(gateway.key, "failed", f"{why}{goes_on}")
        elif rollout is None or not rollout.complete:
            self._say(gateway.key, "waiting", f": {rollout}" if rollout else "")
        else:
            self._say(gateway.key, "ready", f" at {gateway.objects.url}" if gateway.objects else "")
        return True

    async def route(
        self,
        route: RoutePlan,
        raw: Mapping[str, Any],  # noqa: ARG002  (there is no status to write into)
        degraded: Failure | None,
    ) -> bool:
        """Say where a route leads; why one is not served was told with file and line."""
        if not route.failure and not degraded:
            self._say(route.key, "routed", f" at {route.url}")
        else:
            self._said.pop(route.key, None)
        return True

    def has_our_status(self, subject: Subject, raw: Mapping[str, Any], *, by_us: bool) -> bool:  # noqa: ARG002
        """Return False: in files there is no status."""
        return False

    async def released(self, subject: Subject, raw: Mapping[str, Any] | None) -> bool:  # noqa: ARG002
        """Forget what was said of something that goes."""
        self._said.pop(subject, None)
        return True

    def drifted(self, key: GatewayKey, drifts: Sequence[Drift]) -> None:
        """Say what somebody changed or deleted."""
        self._tell("drifted", f"{key}: {'; '.join(map(str, drifts))}")

    async def mended(
        self,
        key: GatewayKey,
        raw: Mapping[str, Any] | None,
        drifts: Sequence[Drift],
    ) -> None:
        """Say nothing: that it was applied is said."""

    def engine_ran(
        self,
        namespace: str,  # noqa: ARG002  (each gateway says its own)
        batch: Batch,
        release: Collection[GatewayKey],  # noqa: ARG002  (told where it is deleted)
        failures: Mapping[GatewayKey, Failure],
        seconds: float,
    ) -> None:
        """Say what was applied."""
        for key in sorted(batch.wanted.keys() - failures.keys()):
            self._said.pop(key, None)
            self._tell("applied", f"{key} in {seconds:.1f} s")

    def overtaken(self, namespace: str, batch: Batch, seconds: float) -> None:
        """Say nothing: what overtook it is said."""

    def _say(self, subject: Subject, verb: str, text: str) -> None:
        if self._said.get(subject) != (verb, text):
            self._said[subject] = verb, text
            self._tell(verb, f"{subject}{text}")
