"""What the mirror asks for, and the cache it makes of the answers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

from gateway_components.daemon.watch.reflectors import Mirror
from gateway_components.kube.fence import FencedClient

SECRETS = "/api/v1/namespaces/{}/secrets"


class Lists:
    """Stands in for a client whose collections never change.

    Attributes
    ----------
    asked
        Path and field selector of each list and watch.
    """

    def __init__(self, objects: dict[str, list[dict[str, Any]]]) -> None:
        self._objects = objects
        self.asked: set[tuple[str, str]] = set()

    async def pages(
        self, path: str, *, fields: str = "", **_: Any
    ) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
        self.asked.add((path, fields))
        yield self._objects.get(path + fields, []), "7"

    async def watch(
        self, path: str, version: str, *, fields: str = "", **_: Any
    ) -> AsyncIterator[dict[str, Any]]:
        self.asked.add((path, fields))
        await asyncio.Event().wait()
        yield {}


def item(name: str, namespace: str = "") -> dict[str, Any]:
    scope = {"namespace": namespace} if namespace else {}
    return {"metadata": {"name": name, "resourceVersion": "5", "uid": name, **scope}}


async def synced_mirror(lists: Lists, *namespaces: str) -> Mirror:
    mirror = Mirror(cast("FencedClient", lists), lambda _: None, namespaces)
    running = asyncio.create_task(mirror.run())
    await asyncio.wait_for(mirror.synced(), 60)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return mirror


async def test_only_chosen_namespaces_are_listed_and_make_one_view() -> None:
    objects = {
        SECRETS.format("a"): [item("one", "a"), item("two", "a")],
        SECRETS.format("b"): [item("one", "b")],
        "/api/v1/namespacesmetadata.name=a": [item("a")],
    }
    lists = Lists(objects)

    mirror = await synced_mirror(lists, "a", "b", "a")

    secrets = mirror.objects("Secret")
    assert sorted(secrets) == [("a", "one"), ("a", "two"), ("b", "one")]
    assert len(secrets) == 3
    assert ("c", "one") not in secrets
    assert secrets.get(("b", "two")) is None
    assert sorted(mirror.objects("Namespace")) == [("", "a")]
    assert ("", "b") not in mirror.objects("Namespace"), "one that does not exist yet"
    group = "/apis/runtime.agentic-layer.ai/v1alpha1"
    everywhere = {asked for asked in lists.asked if "/namespaces/" not in asked[0]}
    assert everywhere == {
        (f"{group}/aigatewayclasses", ""),
        (f"{group}/toolgatewayclasses", ""),
        ("/api/v1/namespaces", "metadata.name=a"),
        ("/api/v1/namespaces", "metadata.name=b"),
    }
    assert {path.split("/namespaces/")[1].split("/")[0] for path, _ in lists.asked - everywhere} == {"a", "b"}


async def test_by_default_each_kind_is_listed_once_for_all() -> None:
    lists = Lists(
        {"/api/v1/secrets": [item("one", "a"), item("one", "b")], "/api/v1/namespaces": [item("a")]}
    )

    mirror = await synced_mirror(lists)

    assert sorted(mirror.objects("Secret")) == [("a", "one"), ("b", "one")]
    assert sorted(mirror.objects("Namespace")) == [("", "a")]
    assert not [path for path, fields in lists.asked if "/namespaces/" in path or fields]
