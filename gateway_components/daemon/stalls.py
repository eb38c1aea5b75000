"""When to look at the pods of gateways that are not ready: ever more rarely, and not at many at once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import structlog

from gateway_components.kube.backoff import Backoff
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.rollout import Rollout, StallReason

__all__ = ["ReadReasons", "Stalls"]

_FIRST_SECONDS = 2.0
"""Most pods need no longer, where the image is at hand; then nobody looks at them."""
_LONGEST_SECONDS = 60.0
_MOST_LOOKS = 20
"""Gateways whose pods are looked at in one pass; the others have to wait for the next one."""

ReadReasons = Callable[[GatewayKey, str], Awaitable[tuple[StallReason, ...]]]
"""Reads why the pods of a gateway, whose Deployment has a UID, do not come."""


@dataclass(slots=True)
class _Look:
    rollout: Rollout
    due: float
    pauses: Backoff = field(default_factory=lambda: Backoff(_FIRST_SECONDS, _LONGEST_SECONDS))
    reasons: tuple[StallReason, ...] = ()


class Stalls:
    """Finds out why rollouts make no progress.

    A change of the Deployment asks for a pass by itself. What happens to its pods often changes nothing in it.

    Parameters
    ----------
    read
        Reads why pods do not come.
    """

    def __init__(self, read: ReadReasons) -> None:
        self._read = read
        self._looks: dict[str, dict[GatewayKey, _Look]] = {}
        self._log = structlog.get_logger()

    async def explain(
        self, namespace: str, rollouts: Mapping[GatewayKey, Rollout], now: float
    ) -> dict[GatewayKey, Rollout]:
        """Return the rollouts of a namespace, with what is known at `now` (seconds) of why they make no progress.

        Pods that cannot be read are no error: the reason says which right is missing.
        """
        known = self._looks.get(namespace, {})
        looks = {
            key: _next_look(known.get(key), rollout, now)
            for key, rollout in rollouts.items()
            if rollout.uid and rollout.current and not rollout.complete
        }
        due = sorted((key for key, look in looks.items() if look.due <= now), key=lambda key: looks[key].due)
        async with asyncio.TaskGroup() as group:
            for key in due[:_MOST_LOOKS]:
                group.create_task(self._look(key, looks[key], now))
        for key in due[_MOST_LOOKS:]:
            looks[key].due = now + _FIRST_SECONDS
        if looks:
            self._looks[namespace] = looks
        else:
            self.forget(namespace)
        return {
            key: replace(rollout, reasons=(*rollout.reasons, *looks[key].reasons))
            if key in looks
            else rollout
            for key, rollout in rollouts.items()
        }

    def due(self, namespace: str) -> float | None:
        """Return when (seconds) the next look at pods of a namespace is due; None where all gateways are ready."""
        return min((look.due for look in self._looks.get(namespace, {}).values()), default=None)

    def forget(self, namespace: str) -> None:
        """Drop the memory of a namespace without gateways."""
        self._looks.pop(namespace, None)

    async def _look(self, key: GatewayKey, look: _Look, now: float) -> None:
        try:
            look.reasons = await self._read(key, look.rollout.uid)
        except ApiError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                look.reasons = (StallReason("PodsNotReadable", message=str(error)),)
            else:
                self._log.warning("pods not read", gateway=str(key), error=str(error))
        except ApiUnreachableError as error:
            self._log.warning("pods not read", gateway=str(key), error=str(error))
        look.due = now + look.pauses.next()


def _next_look(known: _Look | None, rollout: Rollout, now: float) -> _Look:
    if known is None or known.rollout.deployment != rollout.deployment:
        look = _Look(rollout, now)
        look.due += look.pauses.next()
        return look
    if known.rollout != rollout:
        # Something happened, so that there may be something else to see.
        known.pauses.reset()
        known.due = min(known.due, now + known.pauses.next())
        known.rollout = rollout
    return known
