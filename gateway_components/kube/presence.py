"""Whether a kind is served and an object exists, as far as the API server itself says so.

A 404 by itself says nothing: whatever stands in the way may answer so.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.kube.resources import Resource

__all__ = ["AbsentKind", "Presence", "object_presence", "resource_presence"]

_CERTAIN_ANSWERS = 5
_CERTAIN_SECONDS = 10.0
"""So often, and for so long, API discovery must say that a kind is missing until its objects are given up."""
_CERTAIN_ANSWERS_EMPTY = 2
"""So often where there are no objects to lose: nobody need wait long for kinds that are not installed."""
_CORE = "/api/v1"
_GROUPS = "/apis"
_ALWAYS_SERVED = "apps"
"""A list of groups without this one is not that of an API server."""


class Presence(StrEnum):
    """What the API server says of a kind or an object."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """It did not say, or somebody else answered."""


async def resource_presence(client: KubeClient, resource: Resource) -> Presence:
    """Ask API discovery whether a kind is served; those of the core group always are."""
    if resource.group_path == _CORE:
        return Presence.PRESENT
    try:
        return _served(await client.document(resource.group_path), resource)
    except ApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            return Presence.UNKNOWN
    except ApiUnreachableError:
        return Presence.UNKNOWN
    # The API server has no more to say of a group that it does not know, but it lists those that it knows.
    try:
        return _grouped(await client.document(_GROUPS), resource)
    except (ApiError, ApiUnreachableError):
        return Presence.UNKNOWN


class AbsentKind:
    """What API discovery has said of a kind since its collection was not found.

    Parameters
    ----------
    resource
        Which kind.
    now
        Returns seconds that go on evenly.
    """

    def __init__(self, resource: Resource, now: Callable[[], float]) -> None:
        self._resource = resource
        self._now = now
        self._answers = 0
        self._since = 0.0

    async def ask(self, client: KubeClient) -> bool:
        """Ask discovery once more, and return whether it says that the kind is missing."""
        if await resource_presence(client, self._resource) is not Presence.ABSENT:
            self.reset()
            return False
        if not self._answers:
            self._since = self._now()
        self._answers += 1
        return True

    def is_certain(self, *, has_objects: bool) -> bool:
        """Tell whether the kind is missing beyond doubt, which takes longer where it `has_objects`."""
        if not has_objects:
            return self._answers >= _CERTAIN_ANSWERS_EMPTY
        lasted = self._now() - self._since >= _CERTAIN_SECONDS
        return lasted and self._answers >= _CERTAIN_ANSWERS

    def reset(self) -> None:
        """Hear that the kind is there, or may be."""
        self._answers = 0


async def object_presence(client: KubeClient, resource: Resource, namespace: str, name: str) -> Presence:
    """Read an object directly; one that is being deleted counts as absent.

    Raises
    ------
    ApiError, ApiUnreachableError
        It could not be read.
    """
    found = await client.get(resource.item(namespace, name))
    going = found is None or "deletionTimestamp" in found["metadata"]
    return Presence.ABSENT if going else Presence.PRESENT


def _served(document: Mapping[str, Any], resource: Resource) -> Presence:
    resources = _entries(document.get("resources"), "name")
    right = document.get("kind") == "APIResourceList" and resources is not None
    if not right or document.get("groupVersion") != resource.group_path.removeprefix(f"{_GROUPS}/"):
        return Presence.UNKNOWN
    return Presence.PRESENT if resource.plural in (resources or ()) else Presence.ABSENT


def _grouped(document: Mapping[str, Any], resource: Resource) -> Presence:
    groups = _entries(document.get("groups"), "name")
    if document.get("kind") != "APIGroupList" or groups is None or _ALWAYS_SERVED not in groups:
        return Presence.UNKNOWN
    group_version = resource.group_path.removeprefix(f"{_GROUPS}/")
    versions = _entries((groups.get(resource.group) or {}).get("versions", []), "groupVersion")
    # One that is listed while its own document is not found is about to come or to go.
    return Presence.UNKNOWN if versions is None or group_version in versions else Presence.ABSENT


def _entries(entries: object, key: str) -> dict[str, dict[str, Any]] | None:
    """Return the entries of a list by what each has for `key`; None where it is no such list."""
    if not isinstance(entries, list):
        return None
    if not all(isinstance(entry, dict) and isinstance(entry.get(key), str) for entry in entries):
        return None
    return {entry[key]: entry for entry in entries}
