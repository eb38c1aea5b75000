"""The identity of an object."""

from dataclasses import dataclass

__all__ = ["Identity"]


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """Kind, namespace and name of an object; the namespace of a cluster-scoped one is empty."""

    kind: str
    namespace: str
    name: str

    @property
    def namespaced_name(self) -> str:
        """``namespace/name``, or the name of what has no namespace."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def __str__(self) -> str:
        """Return ``Guard namespace/name``."""
        return f"{self.kind} {self.namespaced_name}"
