"""Names of the things a plan speaks of, and which of two is older."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["GatewayKey", "ObjectKey", "Reference", "ReferenceKind", "RouteKey", "Subject", "seniority"]

ReferenceKind = Literal["ConfigMap", "Guard", "GuardrailProvider", "Secret", "ToolServer"]
"""Kinds of what gateways and routes depend on."""


@dataclass(frozen=True, slots=True, order=True)
class GatewayKey:
    """A gateway: kind (``AiGateway`` or ``ToolGateway``), namespace and name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """Return ``AiGateway namespace/name``."""
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class RouteKey:
    """A ToolRoute: namespace and name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        """Return ``ToolRoute namespace/name``."""
        return f"ToolRoute {self.namespace}/{self.name}"


Subject = GatewayKey | RouteKey
"""What has a status: a gateway or a route."""


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """An object that a gateway owns or wants: ``ConfigMap``, ``Deployment`` or ``Service``."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """An object that a gateway or a route depends on."""

    kind: ReferenceKind
    namespace: str
    name: str

    def __str__(self) -> str:
        """Return ``Guard namespace/name``."""
        return f"{self.kind} {self.namespace}/{self.name}"


def seniority(created: str | None) -> tuple[bool, str]:
    """Return what sorts objects by age, the oldest first.

    What has no creation timestamp comes last: it stands in a file, and is not on the cluster yet.
    """
    return not created, created or ""
