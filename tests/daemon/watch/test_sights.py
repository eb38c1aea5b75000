"""Snapshots that reuse what was seen before are those of a view that sees all for the first time."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_components.identity import Identity
from tests.daemon.fake_cluster import FakeCluster
from tests.daemon.manifests import gateway, tool_gateway
from tests.daemon.watch.test_view import Watched, watching

MAIN = Identity("AiGateway", "team", "main")
NAMES = ("main", "other")

Manifest = dict[str, Any]


def service(name: str, number: int) -> Manifest:
    owners = [
        {"apiVersion": "v1", "kind": kind, "name": name, "uid": "u", "controller": True}
        for kind in ("AiGateway", "ToolGateway")[:number]
    ]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "ownerReferences": owners}}


def config_map(name: str, number: int) -> Manifest:
    return {**service(f"{name}-config", number), "kind": "ConfigMap"}


def deployment(name: str, number: int) -> Manifest:
    prefix = ("gateway.agentic-layer.ai", "runtime.agentic-layer.ai")[number > 0]
    template = {"metadata": {"annotations": {f"{prefix}/config-hash": str(number)}}}
    return {
        **service(name, number),
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {"template": template},
    }


def ai(name: str, number: int) -> Manifest:
    return gateway(name, f"model-{number}")


def tools(name: str, number: int) -> Manifest:
    return tool_gateway(name, port=1000 + number)


def unreadable(name: str, number: int) -> Manifest:
    return {**gateway(name), "spec": {"aiModels": number}}


MAKERS: tuple[Callable[[str, int], Manifest], ...] = (service, config_map, deployment, ai, tools, unreadable)
changes = st.tuples(st.sampled_from(MAKERS), st.sampled_from(NAMES), st.integers(0, 2), st.booleans())


@settings(max_examples=settings().max_examples // 6)
@given(script=st.lists(changes, max_size=12))
async def test_a_snapshot_is_that_of_a_view_that_knew_nothing(
    script: list[tuple[Callable[[str, int], Manifest], str, int, bool]],
) -> None:
    watched = Watched()
    watched.cluster.add_namespace("team")
    async with watching(watched):
        for make, name, number, stays in script:
            manifest = make(name, number)
            watched.cluster.put("team", manifest)
            if not stays:
                watched.cluster.delete("team", manifest["kind"], manifest["metadata"]["name"])
            await watched.settle()
            fresh = Watched(deepcopy_of(watched.cluster))
            async with watching(fresh):
                assert await watched.view.snapshot("team") == await fresh.view.snapshot("team")


def deepcopy_of(cluster: FakeCluster) -> FakeCluster:
    copied = FakeCluster()
    copied._objects, copied._version = deepcopy(cluster._objects), cluster._version
    return copied


@pytest.mark.parametrize("make", [service, config_map, deployment, ai])
async def test_a_gateway_is_seen_anew_once_one_of_its_objects_is_written(
    make: Callable[[str, int], Manifest],
) -> None:
    watched = Watched()
    watched.cluster.add_namespace("team")
    for name in NAMES:
        watched.cluster.put("team", *(made(name, 1) for made in (service, config_map, deployment, ai)))
    other = MAIN._replace(name="other")
    async with watching(watched):
        await watched.view.snapshot("team")
        before = [watched.view.stamp(key) for key in (MAIN, other)]
        assert None not in before
        await watched.view.snapshot("team")
        assert [watched.view.stamp(key) for key in (MAIN, other)] == before

        # Without a difference but its version.
        watched.cluster.put("team", make("main", 1))
        await watched.settle()
        await watched.view.snapshot("team")

        assert watched.view.stamp(MAIN) != before[0]
        assert watched.view.stamp(other) == before[1]


async def test_what_is_gone_is_forgotten() -> None:
    watched = Watched()
    watched.cluster.add_namespace("team")
    watched.cluster.put("team", ai("main", 1))
    async with watching(watched):
        await watched.view.snapshot("team")
        assert watched.view.stamp(MAIN)

        watched.cluster.delete("team", "AiGateway", "main")
        await watched.settle()
        await watched.view.snapshot("team")

        assert watched.view.stamp(MAIN) is None
