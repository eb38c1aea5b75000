"""What leaves a folder is deleted as it was seen, or looked at again."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import pytest

from gateway_components.daemon.clock import Clock
from gateway_components.daemon.reconcile.ports import Batch
from gateway_components.dev.engine import Companions, FolderEngine
from gateway_components.engine.stacks import Stacks
from gateway_components.identity import Identity
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError
from gateway_components.plan.ownership import FIELD_MANAGER

T = TypeVar("T")
CHAT = Identity("AiGateway", "ns", "chat")
SERVICE = "/api/v1/namespaces/ns/services/chat"
SETTINGS = "/api/v1/namespaces/ns/configmaps/settings"
OURS = [{"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": {"f:spec": {"f:type": {}}}}]


class Server:
    """Has objects; before the first write, somebody else does what `meanwhile` says."""

    def __init__(self, objects: dict[str, dict[str, Any]], meanwhile: Callable[["Server"], None]) -> None:
        self.objects = objects
        self.asked: list[str] = []
        self._meanwhile: Callable[[Server], None] | None = meanwhile

    def put(self, path: str, version: str, **metadata: Any) -> None:
        self.objects[path] = {"metadata": {"uid": "u", "resourceVersion": version, **metadata}}

    async def get(self, path: str) -> dict[str, Any] | None:
        return self.objects.get(path)

    async def delete(self, path: str, *, uid: str, version: str) -> None:
        self._write(path, {"uid": uid, "resourceVersion": version})
        self.objects.pop(path, None)
        self.asked.append("deleted")

    async def apply(self, path: str, body: Mapping[str, Any], *, manager: str) -> dict[str, Any]:
        self._write(path, body["metadata"])
        self.asked.append("applied")
        return self.objects.setdefault(path, {})

    def _write(self, path: str, seen: Mapping[str, Any]) -> None:
        if self._meanwhile:
            meanwhile, self._meanwhile = self._meanwhile, None
            meanwhile(self)
        metadata = self.objects.get(path, {}).get("metadata", {})
        if any(metadata.get(name) != seen.get(name) for name in ("uid", "resourceVersion")):
            raise ApiError(409, "Conflict", "the object has been modified")


class Place(Clock):
    """Threads, and an engine that knows one gateway."""

    def __init__(self) -> None:
        self.states = self
        self.interruptible = False

    async def in_thread(self, work: Callable[..., T], *args: object) -> T:
        return work(*args)

    def held(self, namespace: str) -> Mapping[Identity, None]:
        return {CHAT: None}

    def forget(self, namespace: str) -> None:
        """Nothing is kept."""

    def release(self, namespace: str, keys: Collection[Identity]) -> None:
        """Nothing is kept."""

    @contextmanager
    def beginning(self, namespace: str) -> Iterator[None]:
        self.interruptible = True
        yield
        self.interruptible = False


async def removed(server: Server) -> None:
    place = Place()
    engine = FolderEngine(cast("Stacks", place), cast("KubeClient", server), place, lambda _: None)
    await engine.forget("ns")


async def test_an_object_that_was_written_meanwhile_is_read_again() -> None:
    server = Server({}, lambda server: server.put(SERVICE, "2", managedFields=OURS))
    server.put(SERVICE, "1", managedFields=OURS)

    await removed(server)

    assert (server.objects, server.asked) == ({}, ["deleted"])


async def test_an_object_that_got_an_owner_meanwhile_stays() -> None:
    owner = {"kind": "AiGateway", "apiVersion": "v1", "name": "chat", "controller": True}
    server = Server({}, lambda server: server.put(SERVICE, "2", managedFields=OURS, ownerReferences=[owner]))
    server.put(SERVICE, "1", managedFields=OURS)

    await removed(server)

    assert SERVICE in server.objects
    assert not server.asked


async def test_a_run_can_be_interrupted_while_it_deletes() -> None:
    place, asked = Place(), []
    server = Server({}, lambda _: asked.append(place.interruptible))
    server.put(SERVICE, "1", managedFields=OURS)
    engine = FolderEngine(cast("Stacks", place), cast("KubeClient", server), place, lambda _: None)

    await engine.apply("ns", Batch(release=[CHAT]))

    assert (asked, server.objects) == ([True], {})
    assert not place.interruptible


LEFT = {
    "others have a part in it, and delete it": (
        [{"manager": "kubectl"}],
        lambda server: server.objects.clear(),
        [],
    ),
    "others come to have a part in it": (
        [{"manager": "gatewayctl-dev"}],
        lambda server: server.put(SETTINGS, "2", managedFields=[{"manager": "kubectl"}]),
        ["applied"],
    ),
}


@pytest.mark.parametrize("case", LEFT)
async def test_a_companion_follows_what_others_do_meanwhile(case: str, tmp_path: Any) -> None:
    managers, meanwhile, asked = LEFT[case]
    server = Server({}, meanwhile)
    server.put(SETTINGS, "1", managedFields=managers)
    record = tmp_path / "companions.json"
    record.write_text('[["ConfigMap", "ns", "settings"]]')

    await Companions(cast("KubeClient", server), record).remove([Identity("ConfigMap", "ns", "settings")])

    assert server.asked == asked
