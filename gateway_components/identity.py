"""The identity of an object."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self


class Identity(NamedTuple):
    """Kind, namespace and name of an object; the namespace of a cluster-scoped one is empty.

    A tuple, because a reconcile hashes and compares tens of thousands of them.
    """

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
