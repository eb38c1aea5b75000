"""What can go wrong with the engine itself, apart from the resources it handles."""

from gateway_components.errors import GatewayError

__all__ = [
    "ClusterUnreachableError",
    "EngineError",
    "EngineInterruptedError",
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


class StateLockedError(EngineError):
    """Another process uses the same state folder."""


class StateUnreadableError(EngineError):
    """What was given as a state is none."""
