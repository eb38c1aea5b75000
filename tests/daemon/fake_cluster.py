"""A cluster in memory, behind the part of the client that the view uses."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from gateway_components.kube import resources
from gateway_components.kube.resources import CUSTOM_RESOURCES, Resource

_RESOURCES = {
    **CUSTOM_RESOURCES,
    **{
        resource.kind: resource
        for resource in (
            resources.NAMESPACES,
            resources.SECRETS,
            resources.CONFIG_MAPS,
            resources.SERVICES,
            resources.DEPLOYMENTS,
        )
    },
}


class FakeCluster:
    """Objects as an API server has them; stands in for `KubeClient`.

    Attributes
    ----------
    read
        Paths of the objects that were read one by one.
    hidden
        Paths of objects that lists leave out.
    """

    def __init__(self) -> None:
        self.read: list[str] = []
        self.hidden: set[str] = set()
        self._objects: dict[str, dict[str, dict[str, Any]]] = {}
        self._events: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        self._version = 0

    def put(self, namespace: str, *manifests: dict[str, Any]) -> None:
        """Create or change objects."""
        for manifest in manifests:
            self._version += 1
            name = manifest["metadata"]["name"]
            metadata = {
                "uid": f"uid-{name}",
                "generation": self._version,
                "creationTimestamp": "2026-01-01T00:00:00Z",
                **manifest["metadata"],
                "resourceVersion": str(self._version),
                **({"namespace": namespace} if namespace else {}),
            }
            self._change(namespace, manifest["kind"], name, {**manifest, "metadata": metadata})

    def delete(self, namespace: str, kind: str, name: str) -> None:
        """Delete an object."""
        self._change(namespace, kind, name, None)

    def add_namespace(self, name: str, **metadata: Any) -> None:
        """Create or change a namespace."""
        self.put("", {"kind": "Namespace", "metadata": {"name": name, **metadata}})

    async def pages(
        self, path: str, *, metadata_only: bool, **_: Any
    ) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
        """Yield one page with all objects."""
        objects = self._objects.get(path, {})
        yield [raw for name, raw in objects.items() if name not in self.hidden], str(self._version)
        self._events[path] = asyncio.Queue()

    async def watch(self, path: str, version: str, **_: Any) -> AsyncIterator[dict[str, Any]]:
        """Yield what changes."""
        while True:
            event = await self._events[path].get()
            yield event
            self._events[path].task_done()

    async def get(self, path: str) -> dict[str, Any] | None:
        """Return an object."""
        self.read.append(path)
        return next((found[path] for found in self._objects.values() if path in found), None)

    async def document(self, path: str) -> dict[str, Any]:
        """Return what API discovery says: every kind is served."""
        resources = [{"name": kind.plural} for kind in _RESOURCES.values() if kind.group_path == path]
        group_version = path.removeprefix("/apis/")
        return {"kind": "APIResourceList", "groupVersion": group_version, "resources": resources}

    async def seen(self) -> None:
        """Wait until every change has been taken."""
        for queue in self._events.values():
            await queue.join()

    def _change(self, namespace: str, kind: str, name: str, new: dict[str, Any] | None) -> None:
        resource: Resource = _RESOURCES[kind]
        collection, path = resource.collection(), resource.item(namespace, name)
        objects = self._objects.setdefault(collection, {})
        old = objects.pop(path, None)
        if new is not None:
            objects[path] = new
        if new is None and old is not None:
            # A deletion is a change of its own.
            self._version += 1
            old = {**old, "metadata": {**old["metadata"], "resourceVersion": str(self._version)}}
        type_ = "DELETED" if new is None else "ADDED" if old is None else "MODIFIED"
        if collection in self._events:
            self._events[collection].put_nowait({"type": type_, "object": new or old})
