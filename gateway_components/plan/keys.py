"""Names of the things a plan speaks of: gateways, the objects they own, the objects they refer to."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["GatewayKey", "ObjectKey", "Reference"]


@dataclass(frozen=True, slots=True, order=True)
class GatewayKey:
    """A gateway: kind (``AiGateway``), namespace and name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """Return ``AiGateway namespace/name``."""
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """An object that a gateway owns or wants: ``ConfigMap``, ``Deployment`` or ``Service``."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """A Secret or ConfigMap whose content a gateway depends on."""

    kind: Literal["ConfigMap", "Secret"]
    namespace: str
    name: str
