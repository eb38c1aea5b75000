"""Errors of the engine itself, as opposed to those of the resources it handles."""

import signal

from gateway_components.errors import GatewayError


class EngineError(GatewayError):
    """The engine failed, and no resource is to blame."""


class EngineMissingError(EngineError):
    """The engine or its Kubernetes provider is missing, or its version is not supported."""


class ClusterUnreachableError(EngineError):
    """The Kubernetes provider could not reach the API server; the outcome of every gateway is unknown."""


class EngineInterruptedError(EngineError):
    """The engine was interrupted; the outcome of every gateway is unknown."""


class EngineTimeoutError(EngineError):
    """The engine exceeded its time limit, and was killed with its children."""


class EngineKilledError(EngineError):
    """A signal killed the engine before it could record anything, as the kernel does when memory runs out."""

    def __init__(self, number: int) -> None:
        cause = " (out of memory?)" if number == signal.SIGKILL else ""
        cure = "; give it more memory, if it happens again" if number == signal.SIGKILL else ""
        super().__init__(f"the Pulumi engine was killed by signal {number}{cause}{cure}")
        self.number = number


class EngineFailedError(EngineError):
    """The engine exited with a failure; `reason` is its own error message, if there is one."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the Pulumi engine exited with code {code}: {reason or 'no reason given'}")
        self.code = code
        self.reason = reason


class StateLockedError(EngineError):
    """Another process uses the same scratch folder."""


class StateUnreadableError(EngineError):
    """The input is not a valid state."""
