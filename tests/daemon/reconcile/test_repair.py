"""Repairs are of the object that was seen, and all of them end before anything is told."""

import asyncio
from typing import Any, cast

import pytest

from gateway_components.daemon.reconcile.repair import Repairer
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.kube.fence import FencedClient
from gateway_components.plan.claims import wanted_objects
from gateway_components.plan.objects import GatewayObjects
from gateway_components.plan.plan import plan
from tests.daemon.reconcile.world import World, key


class Server:
    """Has one version of each object; `writers` come between a read and the write that follows."""

    def __init__(self, writers: int = 0) -> None:
        self.version = 1
        self.writers = writers
        self.applied: list[dict[str, Any]] = []
        self.silent: set[str] = set()
        self.others = asyncio.Event()
        self.steps: list[str] = []

    async def get(self, path: str) -> dict[str, Any]:
        self._note("get", path)
        if any(path.endswith(name) for name in self.silent):
            raise ApiUnreachableError(f"no answer about {path.rsplit('/', 1)[-1]}")
        seen = {"metadata": {"uid": "u", "resourceVersion": str(self.version), "managedFields": []}}
        if self.writers:
            self.writers -= 1
            self.version += 1
        return seen

    async def merge_patch(self, path: str, body: dict[str, Any], *, manager: str) -> dict[str, Any]:
        return await self._write(path, body)

    async def apply(self, path: str, body: dict[str, Any], *, manager: str, force: bool) -> dict[str, Any]:
        stored = await self._write(path, body)
        self._note("apply", path)
        self.applied.append(body["metadata"])
        return stored

    def _note(self, step: str, path: str) -> None:
        self.steps.append(f"{step} {'/'.join(path.split('/')[-2:])}")

    async def _write(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        await self.others.wait()
        if body["metadata"].get("resourceVersion") != str(self.version):
            raise ApiError(409, "Conflict", "the object has been modified")
        return {"metadata": {"uid": "u", "resourceVersion": str(self.version)}}


async def planned() -> GatewayObjects:
    (gateway,) = plan(await World("a").snapshot("ns")).gateways.values()
    assert gateway.objects is not None
    return gateway.objects


def repairer(server: Server) -> Repairer:
    return Repairer(cast("FencedClient", server))


async def test_what_was_written_meanwhile_is_checked_again() -> None:
    server = Server(writers=2)
    server.others.set()
    (service,) = (one for one in wanted_objects(key("a")) if one.kind == "Service")

    await repairer(server)(await planned(), {service})

    assert [(one["uid"], one["resourceVersion"]) for one in server.applied] == [("u", "3")]


async def test_a_service_is_repaired_before_pods_are_replaced() -> None:
    server = Server()
    server.others.set()

    await repairer(server)(await planned(), tuple(wanted_objects(key("a"))))

    assert server.steps[:2] == ["get services/a", "apply services/a"]
    assert set(server.steps[2:]) == {
        f"{step} {one}" for step in ("get", "apply") for one in ("configmaps/a-config", "deployments/a")
    }


async def test_a_repair_without_answer_ends_no_other() -> None:
    server = Server()
    server.silent = {"a-config"}
    going = asyncio.create_task(repairer(server)(await planned(), tuple(wanted_objects(key("a")))))
    await asyncio.sleep(0)
    server.others.set()

    with pytest.raises(ExceptionGroup) as raised:
        await asyncio.wait_for(going, 60)

    assert [str(error) for error in raised.value.exceptions] == ["no answer about a-config"]
    assert len(server.applied) == 2, "the Deployment and the Service, which went on"
