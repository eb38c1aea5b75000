"""The cache of the cluster: reflectors of every kind as one table, and what is read of Secrets and ConfigMaps."""

import asyncio
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from gateway_components.concurrency import gather
from gateway_components.daemon.watch.projections import (
    OUTLINES,
    PROJECTIONS,
    ObjectState,
    deployment_state,
    is_leaving,
    object_state,
)
from gateway_components.identity import Identity
from gateway_components.kube import resources
from gateway_components.kube.errors import MalformedAnswerError
from gateway_components.kube.fence import FencedClient
from gateway_components.kube.projector import ObjectName
from gateway_components.kube.reflector import Cause, Change, Reflector
from gateway_components.kube.resources import CUSTOM_RESOURCES, Resource, object_path
from gateway_components.plan.patch import PATCH_KEY
from gateway_components.plan.snapshot import Content

_WHOLE: tuple[tuple[Resource, Callable[[Mapping[str, Any]], Any]], ...] = (
    *((CUSTOM_RESOURCES[kind], project) for kind, project in PROJECTIONS.items()),
    (resources.DEPLOYMENTS, deployment_state),
)
_METADATA: tuple[tuple[Resource, Callable[[Mapping[str, Any]], Any]], ...] = (
    (resources.NAMESPACES, is_leaving),
    (resources.CONFIG_MAPS, object_state),
    (resources.SECRETS, object_state),
    (resources.SERVICES, object_state),
)


class Mirror:
    """A local cache of the cluster, kind by kind.

    `on_change` is called for every object that was created, changed or deleted, once the cache has it, and `on_restart`
    whenever a watch restarts. Of given `namespaces`, nothing is asked about others, so no right in them is needed, and
    what is there cannot be referred to. Classes belong to the whole cluster.
    """

    def __init__(
        self,
        client: FencedClient,
        on_change: Callable[[Change[Any]], None],
        namespaces: tuple[str, ...] = (),
        on_restart: Callable[[Resource, Cause], None] = lambda _resource, _cause: None,
    ) -> None:
        self._reflectors: dict[str, tuple[Reflector[Any], ...]] = {
            resource.kind: tuple(
                Reflector(
                    client,
                    resource,
                    project,
                    on_change,
                    project_unreadable=OUTLINES.get(resource.kind),
                    metadata_only=table is _METADATA,
                    namespace=namespace,
                    on_restart=on_restart,
                )
                for namespace in _scopes(resource, namespaces)
            )
            for table in (_WHOLE, _METADATA)
            for resource, project in table
        }
        self._objects: dict[str, Mapping[ObjectName, Any]] = {
            kind: _Merged({reflector.namespace: reflector.objects for reflector in reflectors})
            if reflectors[0].namespace
            else reflectors[0].objects
            for kind, reflectors in self._reflectors.items()
        }

    def objects(self, kind: str) -> Mapping[ObjectName, Any]:
        """Return what is kept of the objects of a kind (`projections`), by namespace and name; it stays current."""
        return self._objects[kind]

    def get(self, key: Identity) -> Any:
        """Return what is kept of one object; None where there is none."""
        return self._objects[key.kind].get((key.namespace, key.name))

    def seen(self, kind: str, namespace: str) -> int:
        """Return the version up to which a kind in a namespace is mirrored; 0 where that is unknown."""
        reflectors = self._reflectors[kind]
        return next((one.seen for one in reflectors if one.namespace in {None, namespace}), 0)

    def relist(self, kind: str) -> None:
        """List a kind again, since its cache was found to be wrong."""
        for reflector in self._reflectors[kind]:
            reflector.relist()

    async def run(self) -> None:
        """Keep the cache current until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self._all():
                group.create_task(reflector.run())

    async def synced(self) -> None:
        """Wait until the cache is complete for the first time."""
        for reflector in self._all():
            await reflector.synced.wait()

    def missing(self) -> list[str]:
        """Return what the cache lacks, and why; empty where it is complete."""
        return [reflector.missing for reflector in self._all() if reflector.missing]

    def _all(self) -> Iterator[Reflector[Any]]:
        return chain.from_iterable(self._reflectors.values())


class _Merged(Mapping[ObjectName, Any]):
    """Several caches as one, each of a namespace; a look costs no more with many of them."""

    def __init__(self, caches: Mapping[str | None, Mapping[ObjectName, Any]]) -> None:
        self._caches = caches

    def __getitem__(self, name: ObjectName) -> Any:
        # A namespace itself is in none, and its cache is the one of its name.
        namespace, local = name
        return self._caches[namespace or local][name]

    def __iter__(self) -> Iterator[ObjectName]:
        return chain.from_iterable(self._caches.values())

    def __len__(self) -> int:
        return sum(map(len, self._caches.values()))


def _scopes(resource: Resource, namespaces: tuple[str, ...]) -> tuple[str | None, ...]:
    # Of cluster-scoped objects, only namespaces can be selected by a namespace.
    by_namespace = resource.namespaced or resource is resources.NAMESPACES
    return tuple(dict.fromkeys(namespaces)) if namespaces and by_namespace else (None,)


_AT_ONCE = 6
"""A gateway may refer to thousands; the reads of others need not wait behind them."""


@dataclass(frozen=True, slots=True)
class _Cached:
    version: str
    content: Content
    with_patch: bool


class Contents:
    """Reads what is referred to of the objects that are `known`, and keeps it until it changes or is forgotten."""

    def __init__(
        self, client: FencedClient, known: Mapping[str, Mapping[tuple[str, str], ObjectState]]
    ) -> None:
        self._client = client
        self._known = known
        self._cache: dict[Identity, _Cached] = {}

    async def read(
        self, wanted: Iterable[Identity], patches: Container[Identity] = ()
    ) -> dict[Identity, Content]:
        """Return those of `wanted` that exist; the texts of those in `patches` alone.

        Raises an ExceptionGroup of ApiError and ApiUnreachableError: some could not be read.
        """
        references = sorted(wanted)
        found = await gather(
            (self._content(reference, patch=reference in patches) for reference in references), _AT_ONCE
        )
        return {
            reference: content
            for reference, content in zip(references, found, strict=True)
            if content is not None
        }

    def forget(self, reference: Identity) -> None:
        """Drop what was read of an object that nobody refers to."""
        self._cache.pop(reference, None)

    async def _content(self, reference: Identity, *, patch: bool) -> Content | None:
        state = self._known[reference.kind].get((reference.namespace, reference.name))
        if state is None:
            self.forget(reference)
            return None
        cached = self._cache.get(reference)
        if cached is None or cached.version != state.version or cached.with_patch < patch:
            raw = await self._client.get(object_path(reference))
            if raw is None:
                return None
            try:
                # Of what only gives variables, no plan looks at the values.
                content = Content.of(reference.kind, raw, (PATCH_KEY,) if patch else ())
            except ValueError:
                raise MalformedAnswerError(f"{reference} came with data of another type") from None
            cached = _Cached(raw["metadata"]["resourceVersion"], content, patch)
            self._cache[reference] = cached
        return cached.content
