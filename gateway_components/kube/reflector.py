"""A reflector: keeps a local picture of a collection by listing it once and watching it from there."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import structlog

from gateway_components.kube.backoff import Backoff
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.kube.resources import Resource

__all__ = ["Change", "ObjectName", "Reflector"]

T = TypeVar("T")

ObjectName = tuple[str, str]
"""Namespace (empty for objects of the cluster) and name."""

_CURES: Mapping[int, str] = {
    HTTPStatus.NOT_FOUND: "install the CRDs: kubectl apply -f deploy/crds",
    HTTPStatus.FORBIDDEN: "give these credentials the right to list and watch this resource in all namespaces",
    HTTPStatus.UNAUTHORIZED: "renew the credentials, or set KUBECONFIG to others",
}
_WATCH_SECONDS = (240, 480)
_SILENCE_SECONDS = 90.0
"""A watch that is silent for longer begins anew: it may be quiet, and its connection may be dead."""


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

    Attributes
    ----------
    objects
        The current picture.
    synced
        Set once the first listing is in.
    """

    def __init__(
        self,
        client: KubeClient,
        resource: Resource,
        project: Callable[[dict[str, Any]], T],
        on_change: Callable[[Change[T]], None],
        *,
        metadata_only: bool = False,
    ) -> None:
        self._client = client
        self._resource = resource
        self._project = project
        self._on_change = on_change
        self._metadata_only = metadata_only
        self._objects: dict[ObjectName, T] = {}
        self._backoff = Backoff(first=0.2, longest=15.0)
        self._log = structlog.get_logger().bind(resource=resource.plural)
        self._version: str | None = None
        self.synced = asyncio.Event()

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
            except ApiError as error:
                # A watch that cannot go on from where it was begins with a new list.
                self._version = None
                if error.status == HTTPStatus.GONE:
                    self._log.info("watch expired, listing again")
                    continue
                await self._wait(error)
            except ApiUnreachableError as error:
                await self._wait(error)

    async def _wait(self, error: Exception) -> None:
        delay = self._backoff.next()
        known = _CURES.get(error.status) if isinstance(error, ApiError) else None
        cure = {"cure": known} if known else {}
        self._log.warning("watch broken", error=str(error), **cure, retry_seconds=round(delay, 1))
        await asyncio.sleep(delay)

    async def _list(self) -> None:
        listed: dict[ObjectName, T] = {}
        version = ""
        # Page by page, so that no more than one of them is in memory whole.
        async for items, page_version in self._client.pages(
            self._resource.collection(), metadata_only=self._metadata_only
        ):
            listed.update((_name(item), self._project(item)) for item in items)
            version = page_version
        for name in self._objects.keys() - listed.keys():
            self._set(name, None)
        for name, item in listed.items():
            self._set(name, item)
        if not self.synced.is_set():
            self._log.debug("listed", objects=len(listed))
            self.synced.set()
        self._version = version
        self._backoff.reset()

    async def _watch(self, version: str) -> None:
        async for event in self._client.watch(
            self._resource.collection(),
            version,
            seconds=random.randint(*_WATCH_SECONDS),  # noqa: S311  (spreads the load, guards nothing)
            silence=_SILENCE_SECONDS,
            metadata_only=self._metadata_only,
        ):
            item = event["object"]
            if event["type"] != "BOOKMARK":
                self._set(_name(item), None if event["type"] == "DELETED" else self._project(item))
            self._version = item["metadata"]["resourceVersion"]
            self._backoff.reset()

    def _set(self, name: ObjectName, new: T | None) -> None:
        old = self._objects.get(name)
        if new is None:
            self._objects.pop(name, None)
        else:
            self._objects[name] = new
        if old != new:
            self._on_change(Change(self._resource, name, old, new))


def _name(item: Mapping[str, Any]) -> ObjectName:
    metadata = item["metadata"]
    return metadata.get("namespace", ""), metadata["name"]
