"""A reflector: keeps a local picture of a collection by listing it once and watching it from there."""

import asyncio
import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import structlog

from gateway_components.kube.backoff import Backoff
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.kube.resources import Resource

__all__ = ["Cause", "Change", "ObjectName", "Reflector"]

T = TypeVar("T")

ObjectName = tuple[str, str]
"""Namespace (empty for objects of the cluster) and name."""

_CURES: Mapping[int, str] = {
    HTTPStatus.NOT_FOUND: "install the CRDs: kubectl apply -f deploy/crds",
    HTTPStatus.UNAUTHORIZED: "renew the credentials, or set KUBECONFIG to others",
}
_PASSING = frozenset(
    (
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    )
)
"""Refusals that say nothing about where a watch was: it goes on from there, for a list is more work for all."""
_WATCH_SECONDS = (240, 480)
_SILENCE_SECONDS = 90.0
"""A watch that is silent for longer begins anew: it may be quiet, and its connection may be dead."""
_LONGEST_ASKED_SECONDS = 60.0
"""So long it waits at most because it was asked to."""
_SHORT_SECONDS = 1.0
"""One that ends sooner is followed by a pause, or whoever cuts it would be asked without end."""
_ABSENT_ANSWERS = 5
"""So often in a row a resource must not be found until that is believed: a proxy in the way may answer so too."""
_ABSENT_SECONDS = 3.0
"""Pause between looks for a resource that does not exist; the answer costs the API server nothing."""


class Cause(StrEnum):
    """Why a watch began anew."""

    ENDED = "ended"
    """The API server ended it, as it does from time to time."""
    SILENT = "silent"
    """Not even a bookmark came for long."""
    BROKEN = "broken"
    """The connection broke, or what came was no watch."""
    EXPIRED = "expired"
    """The API server has forgotten the version (410)."""
    REFUSED = "refused"
    """The API server refused it for another reason."""
    ABSENT = "absent"
    """The API server does not know the resource (404)."""
    DISORDERED = "disordered"
    """An event was older than the one before: the store went back in time, or something repeats answers."""


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """What a reflector saw: an object before and after; None where it did not exist."""

    resource: Resource
    name: ObjectName
    old: T | None
    new: T | None


class Reflector(Generic[T]):
    """Mirrors one resource.

    Parameters
    ----------
    client, resource
        What to watch.
    project
        Makes of each raw object what is kept; the rest is dropped, so memory follows what is kept.
    on_change
        Called for every object that came, changed or went; not for changes that `project` drops.
    metadata_only
        Whether the API server is to send no more than metadata.
    namespace
        The one namespace to look at; None for all. Of the namespaces themselves, the one of that name.
    on_restart
        Called whenever a watch or a list begins anew.

    Attributes
    ----------
    objects
        The current picture.
    namespace
        As given.
    synced
        Set once the first listing is in, or the resource is known not to exist.
    absent
        Whether the API server does not know the resource: there are no objects then, until its CRD is installed.
    """

    def __init__(
        self,
        client: KubeClient,
        resource: Resource,
        project: Callable[[dict[str, Any]], T],
        on_change: Callable[[Change[T]], None],
        *,
        metadata_only: bool = False,
        namespace: str | None = None,
        on_restart: Callable[[Resource, Cause], None] = lambda _resource, _cause: None,
    ) -> None:
        self._client = client
        self._resource = resource
        self.namespace = namespace
        self._path = resource.collection(namespace)
        named = namespace is not None and not resource.namespaced
        self._fields = f"metadata.name={namespace}" if named else ""
        self._project = project
        self._on_change = on_change
        self._on_restart = on_restart
        self._metadata_only = metadata_only
        self._objects: dict[ObjectName, T] = {}
        self._backoff = Backoff(first=0.2, longest=15.0)
        self._log = structlog.get_logger().bind(
            resource=resource.plural, **({"namespace": namespace} if namespace else {})
        )
        self._version: str | None = None
        self._not_found = 0
        self._trouble = "not listed yet"
        self.absent = False
        self.synced = asyncio.Event()

    @property
    def seen(self) -> int:
        """The version up to which the picture is known to be complete; 0 where that is not known."""
        version = self._version or ""
        return int(version) if version.isdecimal() else 0

    @property
    def missing(self) -> str:
        """What keeps the picture from being complete; empty where it is."""
        if self.synced.is_set() and not self.absent:
            return ""
        namespace = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self._resource.plural}{namespace}: {self._trouble}"

    @property
    def objects(self) -> Mapping[ObjectName, T]:
        """The current picture of the collection."""
        return self._objects

    async def run(self) -> None:
        """List and watch until cancelled; trouble is logged and tried again, ever more slowly."""
        while True:
            try:
                if self._version is None:
                    await self._list()
                else:
                    await self._watch(self._version)
            except _DisorderedError:
                await self._expired(Cause.DISORDERED)
            except ApiError as error:
                # A watch that cannot go on from where it was begins with a new list.
                if error.status not in _PASSING:
                    self._version = None
                if error.status == HTTPStatus.GONE:
                    await self._expired(Cause.EXPIRED)
                elif error.status == HTTPStatus.NOT_FOUND:
                    await self._absent(error)
                else:
                    self._on_restart(self._resource, Cause.REFUSED)
                    await self._wait(error)
            except ApiUnreachableError as error:
                self._on_restart(self._resource, Cause.BROKEN)
                await self._wait(error)

    async def _wait(self, error: Exception) -> None:
        delay, known = self._backoff.next(), None
        if isinstance(error, ApiError):
            known, delay = (
                _CURES.get(error.status),
                max(delay, min(error.retry_after, _LONGEST_ASKED_SECONDS)),
            )
        cure = {"cure": known} if known else {}
        self._trouble = f"{error} ({known})" if known else str(error)
        self._log.warning("watch broken", error=str(error), **cure, retry_seconds=round(delay, 1))
        await asyncio.sleep(delay)

    async def _expired(self, cause: Cause) -> None:
        self._version = None
        self._on_restart(self._resource, cause)
        self._log.info("watch expired, listing again", cause=str(cause))
        # The first time at once. Where a new list does not help, more of them would only add to the load.
        at_once = self._backoff.fresh
        delay = self._backoff.next()
        if not at_once:
            await asyncio.sleep(delay)

    async def _absent(self, error: ApiError) -> None:
        self._not_found += 1
        self._on_restart(self._resource, Cause.ABSENT)
        if self._not_found < _ABSENT_ANSWERS:
            await self._wait(error)
            return
        if not self.absent:
            self._log.warning("no such resource", cure=_CURES[HTTPStatus.NOT_FOUND], gone=len(self._objects))
            self.absent = True
            self._replace({})
        await asyncio.sleep(_ABSENT_SECONDS * random.uniform(0.8, 1.0))  # noqa: S311  (spreads the load)

    async def _list(self) -> None:
        listed: dict[ObjectName, T] = {}
        version = ""
        # Page by page, so that no more than one of them is in memory whole.
        async for items, page_version in self._client.pages(
            self._path, metadata_only=self._metadata_only, fields=self._fields
        ):
            listed.update((_name(item), self._project(item)) for item in items)
            version = page_version
        if self.absent:
            self._log.info("the resource has come")
        if self._not_found:
            self._not_found, self.absent = 0, False
            self._backoff.reset()
        self._replace(listed)
        self._version = version

    def _replace(self, listed: Mapping[ObjectName, T]) -> None:
        for name in self._objects.keys() - listed.keys():
            self._set(name, None)
        for name, item in listed.items():
            self._set(name, item)
        if not self.synced.is_set():
            self._log.debug("listed", objects=len(listed))
            self.synced.set()

    async def _watch(self, version: str) -> None:
        now = asyncio.get_running_loop().time
        began = heard = now()
        async for event in self._client.watch(
            self._path,
            version,
            seconds=random.randint(*_WATCH_SECONDS),  # noqa: S311  (spreads the load, guards nothing)
            silence=_SILENCE_SECONDS,
            metadata_only=self._metadata_only,
            fields=self._fields,
        ):
            self._take(event["type"], event["object"])
            self._backoff.reset()
            heard = now()
        # The timer of the connection began a little before the last event was taken.
        silent = now() - heard > _SILENCE_SECONDS * 0.9
        self._on_restart(self._resource, Cause.SILENT if silent else Cause.ENDED)
        if silent:
            # Whatever swallows the events of this watch may swallow those of the next one too.
            self._log.info("watch silent, listing again", seconds=round(now() - heard, 1))
            self._version = None
        elif now() - began < _SHORT_SECONDS:
            await asyncio.sleep(self._backoff.next())

    def _take(self, type_: str, item: dict[str, Any]) -> None:
        version = item["metadata"]["resourceVersion"]
        if _is_older(version, self._version):
            raise _DisorderedError
        if type_ != "BOOKMARK":
            self._set(_name(item), None if type_ == "DELETED" else self._project(item))
        self._version = version

    def _set(self, name: ObjectName, new: T | None) -> None:
        old = self._objects.get(name)
        if new is None:
            self._objects.pop(name, None)
        else:
            self._objects[name] = new
        if old != new:
            self._on_change(Change(self._resource, name, old, new))


class _DisorderedError(Exception):
    """An event is older than one that was taken before."""


def _is_older(version: str, than: str | None) -> bool:
    """Compare versions of one resource, which are growing numbers (Kubernetes API concepts, "Resource versions")."""
    return than is not None and version.isdecimal() and than.isdecimal() and int(version) < int(than)


def _name(item: Mapping[str, Any]) -> ObjectName:
    metadata = item["metadata"]
    # One text for all objects of a namespace: most of what is kept of many is their names.
    return sys.intern(metadata.get("namespace", "")), metadata["name"]
