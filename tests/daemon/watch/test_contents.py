"""What gateways refer to is read at the same time, and every refusal is told."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from gateway_components.daemon.watch.projections import ObjectState
from gateway_components.daemon.watch.reflectors import Contents
from gateway_components.identity import Identity
from gateway_components.kube.errors import ApiError
from gateway_components.kube.fence import FencedClient
from gateway_components.plan.snapshot import Content, content_digest

REFERENCES = [Identity("ConfigMap", "ns", name) for name in ("a", "b", "c")]


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
    found = await asyncio.wait_for(contents(Server(len(REFERENCES))).read(REFERENCES), 60)

    assert {reference.name: content.digest for reference, content in found.items()} == {
        name: content_digest({"name": name}) for name in "abc"
    }


async def test_every_one_that_cannot_be_read_is_reported() -> None:
    with pytest.raises(ExceptionGroup) as raised:
        await asyncio.wait_for(contents(Server(len(REFERENCES), "a", "c")).read(REFERENCES), 60)

    assert {str(error).split()[0] for error in raised.value.exceptions} == {"a", "c"}


async def test_only_a_digest_and_the_key_names_of_a_secret_are_kept() -> None:
    known = {"Secret": {("ns", "keys"): cast("ObjectState", _State())}, "ConfigMap": {}}
    reading = Contents(cast("FencedClient", _Keys({"OPENAI_API_KEY": "c2stMQ==", "BLANK": ""})), known)
    keys = Identity("Secret", "ns", "keys")

    content = (await reading.read([keys]))[keys]

    digest = content_digest({"OPENAI_API_KEY": b"sk-1", "BLANK": b""})
    names = frozenset({"OPENAI_API_KEY", "BLANK"})
    assert content == Content(digest, keys=names, empty=frozenset({"BLANK"}))


async def test_of_very_many_keys_the_names_are_not_kept() -> None:
    known = {"ConfigMap": {("ns", "a"): cast("ObjectState", _State())}, "Secret": {}}
    many = {f"KEY_{number}": "" for number in range(10_001)}

    content = (await Contents(cast("FencedClient", _Keys(many)), known).read(REFERENCES[:1]))[REFERENCES[0]]

    assert content == Content(content_digest(many), {}, None), "any of them may be there"


class _Keys:
    def __init__(self, data: Mapping[str, str]) -> None:
        self._data = data

    async def get(self, _: str) -> dict[str, Any]:
        return {"metadata": {"resourceVersion": "1"}, "data": self._data}


class _Patches:
    asked = 0

    async def get(self, _: str) -> dict[str, Any]:
        self.asked += 1
        data = {"patch.yaml": "a: 1", "LARGE": "x" * 1_000}
        return {"metadata": {"resourceVersion": "1"}, "data": data}


async def test_texts_are_kept_of_config_patches_alone() -> None:
    server, patch, other = _Patches(), *REFERENCES[:2]
    known = {(one.namespace, one.name): cast("ObjectState", _State()) for one in REFERENCES}
    reading = Contents(cast("FencedClient", server), {"ConfigMap": known, "Secret": {}})

    found = await reading.read([patch, other], {patch})
    assert (found[patch].data, found[other].data) == ({"patch.yaml": "a: 1"}, {})
    assert found[patch].digest == found[other].digest
    assert found[other].keys == frozenset(("patch.yaml", "LARGE"))

    # One that becomes a patch is read again, and then kept.
    assert (await reading.read([other], {other}))[other].data == {"patch.yaml": "a: 1"}
    assert (await reading.read([other]))[other].data == {"patch.yaml": "a: 1"}
    assert server.asked == 3
