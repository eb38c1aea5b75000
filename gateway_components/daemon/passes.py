"""Passes one by one: what ends one, and when the next over the same namespace is due."""

from collections.abc import Awaitable, Callable

import structlog

from gateway_components.daemon.observe.telemetry import PassResult, Step, Telemetry
from gateway_components.engine.errors import EngineError, EngineInterruptedError
from gateway_components.kube.backoff import Backoff
from gateway_components.kube.errors import ApiError, ApiUnreachableError, FencedError
from gateway_components.kube.state_secrets import StateConflictError
from gateway_components.together import causes

__all__ = ["Passes"]

_FIRST_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 30.0
_CONFLICT_SECONDS = 2.0
_LOOK_AGAIN_SECONDS = 0.2
"""Pause after a run that was interrupted because its namespace goes."""
_INTERRUPTIONS = EngineInterruptedError, FencedError
_EXPECTED = ApiError, ApiUnreachableError, EngineError, StateConflictError


class Passes:
    """Makes passes; one that fails is made again, ever later, and takes no other along.

    Parameters
    ----------
    telemetry
        Hears of each pass.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._backoffs: dict[str, Backoff] = {}
        self._log = structlog.get_logger()

    async def make(self, namespace: str, reconcile: Callable[[str], Awaitable[float | None]]) -> float | None:
        """Make one pass, and return the seconds until the next is due; None where nothing is waiting."""
        result = PassResult.FAILED
        try:
            with self._telemetry.step(Step.PASS, namespace):
                again = await reconcile(namespace)
        except Exception as error:  # noqa: BLE001  (a fault of ours in one namespace must not take the others along)
            result, again = self._failed(namespace, error)
        else:
            result = PassResult.OK
            self._backoffs.pop(namespace, None)
        self._telemetry.reconciled(result)
        return again

    def _failed(self, namespace: str, error: Exception) -> tuple[PassResult, float]:
        """Tell of everything that ended a pass, and return what to call that, and when to make it again."""
        found = tuple(cause for cause in causes(error) if not isinstance(cause, _INTERRUPTIONS))
        if not found:
            # Of one that leads no more, the process ends in a moment.
            return PassResult.INTERRUPTED, _LOOK_AGAIN_SECONDS
        again = self._pause(namespace)
        if not all(isinstance(cause, _EXPECTED) for cause in found):
            self._log.error(
                "internal error", namespace=namespace, retry_seconds=round(again, 1), exc_info=error
            )
            return PassResult.INTERNAL_ERROR, again
        if any(isinstance(cause, StateConflictError) for cause in found):
            # It is read again with the next pass, which then knows better.
            again = min(again, _CONFLICT_SECONDS)
        for text in dict.fromkeys(map(str, found)):
            self._log.warning("pass failed", namespace=namespace, error=text, retry_seconds=round(again, 1))
        return PassResult.FAILED, again

    def _pause(self, namespace: str) -> float:
        backoff = Backoff(_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS)
        return self._backoffs.setdefault(namespace, backoff).next()
