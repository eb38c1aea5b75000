"""Makes of each object what is kept of it: one by one, so that none keeps the others from being seen."""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import structlog

from gateway_components.kube.depth import IncompleteObject, cut, readable
from gateway_components.kube.errors import MalformedAnswerError
from gateway_components.kube.resources import Resource

__all__ = ["ObjectName", "Projector"]

T = TypeVar("T")

ObjectName = tuple[str, str]
"""Namespace (empty for objects of the cluster) and name."""

_TOO_DEEP = "it nests too deep to be read"
_PARTIAL = "PartialObjectMetadata"


class Projector(Generic[T]):
    """Names and projects the objects of one resource.

    Parameters
    ----------
    resource, namespace
        What was asked for; None for all namespaces.
    project
        Makes of an object what is kept.
    project_unreadable
        Makes of its outer levels what is kept where `project` failed, given the reason; None where nothing can be.
    """

    def __init__(
        self,
        resource: Resource,
        namespace: str | None,
        project: Callable[[dict[str, Any]], T],
        project_unreadable: Callable[[dict[str, Any], str], T] | None,
    ) -> None:
        self._resource = resource
        self._namespace = namespace
        self._project = project
        self._project_unreadable = project_unreadable
        self._unreadable: dict[ObjectName, str] = {}
        self._log = structlog.get_logger().bind(resource=resource.plural)

    def name(self, item: Mapping[str, Any]) -> ObjectName:
        """Return the name of an object.

        Raises
        ------
        MalformedAnswerError
            It is none of those that were asked for.
        """
        metadata = item["metadata"]
        # One text for all objects of a namespace: most of what is kept of many is their names.
        name = sys.intern(metadata.get("namespace") or ""), metadata["name"]
        scope = name[0] if self._resource.namespaced else name[1]
        wanted = self._namespace is None or self._namespace == scope
        if not wanted or bool(name[0]) != self._resource.namespaced:
            raise MalformedAnswerError("an object came of a namespace that was not asked for")
        if item.get("kind", self._resource.kind) not in (self._resource.kind, _PARTIAL):
            raise MalformedAnswerError("an object came of a kind that was not asked for")
        return name

    def keep(self, name: ObjectName, item: dict[str, Any], before: T | None) -> T | None:
        """Return what to keep of an object, whatever is in it; where nothing can be made of it, what was `before`."""
        try:
            kept = self._projected(item)
        except Exception as error:  # noqa: BLE001  (whatever is in one object, the others are to be seen)
            too_deep = isinstance(error, RecursionError)
            why = _TOO_DEEP if too_deep else f"it cannot be read ({type(error).__name__})"
            self._tell(name, item["metadata"], why)
            return self._outline(name, item, why, before)
        self.forget(name)
        return kept

    def forget(self, name: ObjectName) -> None:
        """Hear that an object is gone, or can be read."""
        self._unreadable.pop(name, None)

    def _projected(self, item: dict[str, Any]) -> T:
        if isinstance(item, IncompleteObject):
            raise RecursionError
        try:
            return self._project(item)
        except RecursionError:
            # Most often it is the bookkeeping, which nobody checks and which can be done without.
            shallow = readable(item)
            if shallow is item or isinstance(shallow, IncompleteObject):
                raise
            return self._project(shallow)

    def _outline(self, name: ObjectName, item: dict[str, Any], why: str, before: T | None) -> T | None:
        try:
            if self._project_unreadable:
                return self._project_unreadable(cut(item), why)
        except Exception:  # noqa: BLE001  (as above; it is logged with its traceback)
            self._log.exception("unreadable object not kept", namespace=name[0], name=name[1])
        return before

    def _tell(self, name: ObjectName, metadata: Mapping[str, Any], why: str) -> None:
        state = f"{metadata['uid']} {metadata['resourceVersion']}"
        if self._unreadable.get(name) != state:
            self._unreadable[name] = state
            self._log.warning("unreadable object", namespace=name[0], name=name[1], why=why)
