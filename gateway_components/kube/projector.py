"""Projects objects one by one, so that a bad one hides no other, and keeps as much of each as there is room for.

A list of empty items takes three bytes each where it is stored, and hundreds as models in memory.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import structlog

from gateway_components.kube.decoding import IncompleteObject, TrimmedObject, cut, readable
from gateway_components.kube.errors import MalformedAnswerError
from gateway_components.kube.resources import CUSTOM_RESOURCES, Resource

_MOST_VALUES = 20_000
"""Of one object: 6,000 models. Some megabytes in memory, and less than a second to read."""
_FREE_VALUES = 500
"""An object with so many counts for nothing in its namespace: how many there are is for a quota to bound."""
_NAMESPACE_VALUES = 100_000
"""Of all objects of one kind in a namespace that have more than those."""


class Allowance:
    """Reports the objects of one kind that are not kept, since they or their namespace hold too much."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, str], int] = {}
        self._sums: dict[str, int] = {}

    def refusal(self, name: tuple[str, str], content: Any) -> str:
        """Return why `content`, kept of an object, would be too much for it or its namespace; empty if it is not."""
        self.release(name)
        values = _values(content)
        if values > _MOST_VALUES:
            return f"it holds more than {_MOST_VALUES} values; shorten its lists, or spread them over several objects"
        if values <= _FREE_VALUES:
            return ""
        total = self._sums.get(name[0], 0) + values
        if total > _NAMESPACE_VALUES:
            return (
                f"it and the other large ones of its namespace hold more than {_NAMESPACE_VALUES} values; shorten the "
                "lists of some, and then write this one again"
            )
        self._taken[name], self._sums[name[0]] = values, total
        return ""

    def release(self, name: tuple[str, str]) -> None:
        """Record that nothing is kept of an object any more."""
        values = self._taken.pop(name, 0)
        if not values:
            return
        self._sums[name[0]] -= values
        if not self._sums[name[0]]:
            del self._sums[name[0]]


def _values(content: Any) -> int:
    """Return how many values there are inside of one another; one more than an object may have where there are more."""
    coming, count = [content], 0
    while coming and count <= _MOST_VALUES:
        value = coming.pop()
        count += 1
        if isinstance(value, dict):
            coming += value.values()
        elif isinstance(value, list):
            coming += value
    return count


T = TypeVar("T")

ObjectName = tuple[str, str]
"""Namespace (empty for objects of the cluster) and name."""

_TOO_DEEP = "it nests too deep to be read"
_TRIMMED = (
    "some of its managedFields nest too deep to be read, so who wrote what is not known; the rest is read"
)
_PARTIAL = "PartialObjectMetadata"


class Projector(Generic[T]):
    """Names and projects the objects of one resource in a namespace, or in all.

    `project` returns what is kept of an object, and `project_unreadable` what is kept of the outer levels of one that
    it failed on, given the reason.
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
        # Of other kinds little is kept, whatever they hold.
        self._allowance = Allowance() if resource.kind in CUSTOM_RESOURCES else None
        self._log = structlog.get_logger().bind(resource=resource.plural)

    def name(self, item: Mapping[str, Any]) -> ObjectName:
        """Return the name of an object, or raise a MalformedAnswerError if it was not requested."""
        metadata = item["metadata"]
        # Interned: names make up most of what is kept.
        name = sys.intern(metadata.get("namespace") or ""), metadata["name"]
        scope = name[0] if self._resource.namespaced else name[1]
        wanted = self._namespace is None or self._namespace == scope
        if not wanted or bool(name[0]) != self._resource.namespaced:
            raise MalformedAnswerError("an object is of a namespace that was not requested")
        if item.get("kind", self._resource.kind) not in (self._resource.kind, _PARTIAL):
            raise MalformedAnswerError("an object is of a kind that was not requested")
        return name

    def keep(self, name: ObjectName, item: dict[str, Any], before: T | None) -> T | None:
        """Return what is kept of an object; what was kept `before` if it cannot be read."""
        refusal = self._allowance.refusal(name, item.get("spec")) if self._allowance else ""
        if refusal:
            self._warn(name, item["metadata"], refusal)
            return self._outline(name, item, refusal, before)
        try:
            item, kept = self._projected(item)
        except Exception as error:  # noqa: BLE001  (one object must not hide the others)
            too_deep = isinstance(error, RecursionError)
            why = _TOO_DEEP if too_deep else f"it cannot be read ({type(error).__name__})"
            self._warn(name, item["metadata"], why)
            return self._outline(name, item, why, before)
        if isinstance(item, TrimmedObject):
            self._warn(name, item["metadata"], _TRIMMED)
        else:
            self._unreadable.pop(name, None)
        return kept

    def forget(self, name: ObjectName) -> None:
        """Record that an object is gone."""
        self._unreadable.pop(name, None)
        if self._allowance:
            self._allowance.release(name)

    def _projected(self, item: dict[str, Any]) -> tuple[dict[str, Any], T]:
        if isinstance(item, IncompleteObject):
            raise RecursionError
        try:
            return item, self._project(item)
        except RecursionError:
            # Mostly because of managedFields, which are dispensable.
            shallow = readable(item)
            if shallow is item or isinstance(shallow, IncompleteObject):
                raise
            return shallow, self._project(shallow)

    def _outline(self, name: ObjectName, item: dict[str, Any], why: str, before: T | None) -> T | None:
        try:
            if self._project_unreadable:
                return self._project_unreadable(cut(item), why)
        except Exception:  # noqa: BLE001  (as above; it is logged with its traceback)
            self._log.exception("unreadable object not kept", namespace=name[0], name=name[1])
        return before

    def _warn(self, name: ObjectName, metadata: Mapping[str, Any], why: str) -> None:
        state = f"{metadata['uid']} {metadata['resourceVersion']}"
        if self._unreadable.get(name) != state:
            self._unreadable[name] = state
            self._log.warning(
                "unreadable object", namespace=name[0], name=name[1], uid=metadata["uid"], why=why
            )
