"""The identity of an object."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

__all__ = ["Identity"]


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """Kind, namespace and name of an object; the namespace of a cluster-scoped one is empty."""

    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Self:
        """Return the identity of a namespaced object in JSON types."""
        metadata = manifest["metadata"]
        return cls(manifest["kind"], metadata["namespace"], metadata["name"])

    @property
    def namespaced_name(self) -> str:
        """``namespace/name``, or the name of what has no namespace."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def __str__(self) -> str:
        """Return ``Guard namespace/name``."""
        return f"{self.kind} {self.namespaced_name}"
