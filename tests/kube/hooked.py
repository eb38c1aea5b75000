"""A client with which something else happens right before a request."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway_components.daemon.leader import Unopposed
from gateway_components.kube.client import KubeClient
from gateway_components.kube.fence import Fence, FencedClient
from gateway_components.kube.resources import ApiPath

Hook = Callable[[str, str], Awaitable[None]]
"""Is given the name of a method of the client, and a path."""


def leading(client: KubeClient) -> FencedClient:
    """Return the client of a daemon that leads."""
    return FencedClient(client, Unopposed())


class HookedClient(FencedClient):
    """A client that awaits `before`, which may be replaced, before it gets, lists, patches or deletes.

    It notes what is asked.
    """

    asked: list[tuple[str, str]]
    before: Hook

    def __init__(self, client: KubeClient, fence: Fence) -> None:
        super().__init__(client, fence)
        self.asked = []

    async def get(self, path: ApiPath) -> dict[str, Any] | None:
        await self._hook("get", path)
        return await super().get(path)

    async def list(self, path: ApiPath, **options: Any) -> tuple[list[dict[str, Any]], str]:
        await self._hook("list", path)
        return await super().list(path, **options)

    async def merge_patch(
        self, path: ApiPath, body: Mapping[str, Any], *, manager: str | None = None
    ) -> dict[str, Any]:
        await self._hook("merge_patch", path)
        return await super().merge_patch(path, body, manager=manager)

    async def delete(self, path: ApiPath, *, uid: str, version: str) -> None:
        await self._hook("delete", path)
        await super().delete(path, uid=uid, version=version)

    async def _hook(self, method: str, path: ApiPath) -> None:
        self.asked.append((method, path))
        if hasattr(self, "before"):
            await self.before(method, path)
