"""What gateways refer to is read at the same time, and every refusal is told."""

import asyncio
from typing import Any, cast

import pytest

from gateway_components.daemon.contents import Contents
from gateway_components.daemon.projections import ObjectState
from gateway_components.kube.errors import ApiError
from gateway_components.kube.fence import FencedClient
from gateway_components.plan.keys import Reference

REFERENCES = [Reference("ConfigMap", "ns", name) for name in ("a", "b", "c")]


class Server:
    """Answers once as many requests have come as it waits for; refuses what it does not have."""

    def __init__(self, together: int, *missing: str) -> None:
        self._all = asyncio.Barrier(together)
        self._missing = missing

    async def get(self, path: str) -> dict[str, Any]:
        await self._all.wait()
        name = path.rsplit("/", 1)[-1]
        if name in self._missing:
            raise ApiError(403, "Forbidden", f"{name} is forbidden")
        return {"metadata": {"resourceVersion": "1"}, "data": {"name": name}}


def contents(server: Server) -> Contents:
    known = {(one.namespace, one.name): cast("ObjectState", _State()) for one in REFERENCES}
    return Contents(cast("FencedClient", server), {"ConfigMap": known, "Secret": {}})


class _State:
    version = "1"


async def test_all_are_read_at_once() -> None:
    found = await asyncio.wait_for(contents(Server(len(REFERENCES))).read(REFERENCES), 5)

    assert {reference.name: content.data for reference, content in found.items()} == {
        name: {"name": name} for name in "abc"
    }


async def test_every_one_that_cannot_be_read_is_told() -> None:
    with pytest.raises(ExceptionGroup) as raised:
        await asyncio.wait_for(contents(Server(len(REFERENCES), "a", "c")).read(REFERENCES), 5)

    assert {str(error).split()[0] for error in raised.value.exceptions} == {"a", "c"}
