"""Asks the API server whether it serves a kind, and whether an object exists.

A bare 404 proves nothing: a proxy may send it.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.kube.resources import API_GROUPS, Resource

_CERTAIN_ANSWERS = 5
_CERTAIN_SECONDS = 10.0
"""Before its objects are dropped, API discovery must report a kind as missing so often, and for so long."""
_CERTAIN_ANSWERS_EMPTY = 2
"""The same if there are no objects to lose."""
_CORE = "/api/v1"
_ALWAYS_SERVED = "apps"
"""Every API server lists this group."""


class Presence(StrEnum):
    """What the API server says about a kind or an object."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """It did not say, or a proxy answered."""


async def resource_presence(client: KubeClient, resource: Resource) -> Presence:
    """Query API discovery for a kind; those of the core group are always served."""
    if resource.group_path == _CORE:
        return Presence.PRESENT
    try:
        return _served(await client.document(resource.discovery), resource)
    except ApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            return Presence.UNKNOWN
    except ApiUnreachableError:
        return Presence.UNKNOWN
    # An unknown group is a plain 404, but the list of groups shows that it is missing.
    try:
        return _grouped(await client.document(API_GROUPS), resource)
    except (ApiError, ApiUnreachableError):
        return Presence.UNKNOWN


class AbsentKind:
    """The answers of API discovery about a kind whose collection was not found; `now` is monotonic, in seconds."""

    def __init__(self, resource: Resource, now: Callable[[], float]) -> None:
        self._resource = resource
        self._now = now
        self._answers = 0
        self._since = 0.0

    async def ask(self, client: KubeClient) -> bool:
        """Query discovery once more, and return whether it reports the kind as missing."""
        if await resource_presence(client, self._resource) is not Presence.ABSENT:
            self.reset()
            return False
        if not self._answers:
            self._since = self._now()
        self._answers += 1
        return True

    def is_certain(self, *, has_objects: bool) -> bool:
        """Return whether the kind is certainly missing, which takes longer if it `has_objects`."""
        if not has_objects:
            return self._answers >= _CERTAIN_ANSWERS_EMPTY
        lasted = self._now() - self._since >= _CERTAIN_SECONDS
        return lasted and self._answers >= _CERTAIN_ANSWERS

    def reset(self) -> None:
        """Start over, as the kind is or may be served."""
        self._answers = 0


async def object_presence(client: KubeClient, resource: Resource, namespace: str, name: str) -> Presence:
    """Look an object up; one that is being deleted counts as absent.

    Raises ApiError or ApiUnreachableError: it could not be read.
    """
    found = await client.get(resource.item(namespace, name))
    going = found is None or "deletionTimestamp" in found["metadata"]
    return Presence.ABSENT if going else Presence.PRESENT


def _served(document: Mapping[str, Any], resource: Resource) -> Presence:
    resources = _entries(document.get("resources"), "name")
    right = document.get("kind") == "APIResourceList" and resources is not None
    if not right or document.get("groupVersion") != resource.group_path.removeprefix(f"{API_GROUPS}/"):
        return Presence.UNKNOWN
    return Presence.PRESENT if resource.plural in (resources or ()) else Presence.ABSENT


def _grouped(document: Mapping[str, Any], resource: Resource) -> Presence:
    groups = _entries(document.get("groups"), "name")
    if document.get("kind") != "APIGroupList" or groups is None or _ALWAYS_SERVED not in groups:
        return Presence.UNKNOWN
    group_version = resource.group_path.removeprefix(f"{API_GROUPS}/")
    versions = _entries((groups.get(resource.group) or {}).get("versions", []), "groupVersion")
    # A listed group without a document is just being added or removed.
    return Presence.UNKNOWN if versions is None or group_version in versions else Presence.ABSENT


def _entries(entries: object, key: str) -> dict[str, dict[str, Any]] | None:
    if not isinstance(entries, list):
        return None
    if not all(isinstance(entry, dict) and isinstance(entry.get(key), str) for entry in entries):
        return None
    return {entry[key]: entry for entry in entries}
