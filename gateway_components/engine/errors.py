"""What can go wrong with the engine itself, apart from the resources it handles."""

import signal

from gateway_components.errors import GatewayError

__all__ = [
    "ClusterUnreachableError",
    "EngineError",
    "EngineFailedError",
    "EngineInterruptedError",
    "EngineKilledError",
    "EngineMissingError",
    "EngineTimeoutError",
    "StateLockedError",
    "StateUnreadableError",
]


class EngineError(GatewayError):
    """The engine failed for a reason that belongs to no resource."""


class EngineMissingError(EngineError):
    """The engine or its Kubernetes provider is not installed, or has an unfit version."""


class ClusterUnreachableError(EngineError):
    """The Kubernetes provider got no answer from the API server; nothing is known about any gateway."""


class EngineInterruptedError(EngineError):
    """The engine was told to stop; nothing is known about any gateway."""


class EngineTimeoutError(EngineError):
    """The engine ran longer than it may, and was ended with its children."""


class EngineKilledError(EngineError):
    """The engine was ended by a signal, as by the kernel where memory runs out; it wrote nothing down.

    Parameters
    ----------
    number
        The signal.
    """

    def __init__(self, number: int) -> None:
        cause = " (out of memory?)" if number == signal.SIGKILL else ""
        cure = "; give it more memory, if it happens again" if number == signal.SIGKILL else ""
        super().__init__(f"the Pulumi engine was ended by signal {number}{cause}{cure}")
        self.number = number


class EngineFailedError(EngineError):
    """The engine ended by itself and did not do what it was asked for.

    Parameters
    ----------
    code
        Its exit code.
    reason
        Its own error message; empty where it gave none.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the Pulumi engine ended with exit code {code}: {reason or 'it gives no reason'}")
        self.code = code
        self.reason = reason


class StateLockedError(EngineError):
    """Another process uses the same state folder."""


class StateUnreadableError(EngineError):
    """What was given as a state is none."""
