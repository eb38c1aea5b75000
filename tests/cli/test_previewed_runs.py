"""What a preview asks the engine for; the real engine does it in tests/cli."""

from collections.abc import Collection, Mapping
from typing import Any, cast

import pytest

from gateway_components.cli import states as module
from gateway_components.identity import Identity
from gateway_components.kube.client import KubeClient
from gateway_components.plan.snapshot import Policy
from tests.daemon.fake_cluster import FakeCluster
from tests.daemon.manifests import tool_gateway

MAIN = Identity("ToolGateway", "tools", "main")
HIDDEN = "/apis/runtime.agentic-layer.ai/v1alpha1/namespaces/tools/toolgateways/main"


class Engine:
    """Stands in for `Stacks`: its state holds the gateway, and a preview says what would be released."""

    def __init__(self, *_: Any) -> None:
        self.states = self

    def exported(self, _: str) -> bytes:
        return b""

    def open(self, *_: Any) -> Mapping[Identity, None]:
        return {MAIN: None}

    def preview(self, _: str, wanted: Mapping[Identity, Any], release: Collection[Identity]) -> str:
        return f"apply {len(wanted)}, release {len(release)}"

    def stop(self) -> None:
        """End what runs, which is nothing."""


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    async def passphrase(*_: Any) -> str:
        return "known"

    monkeypatch.setattr(module, "Stacks", Engine)
    monkeypatch.setattr(module, "known_passphrase", passphrase)
    monkeypatch.setattr(module, "FencedClient", lambda client, _: client)
    found = FakeCluster()
    found.add_namespace("tools")
    return found


async def previewed(cluster: FakeCluster) -> str:
    client = cast("KubeClient", cluster)
    said, _ = await module.preview_state(client, None, "tools", "install", "file:///elsewhere", Policy())
    return said


async def test_a_preview_keeps_a_gateway_that_only_a_list_lacks(cluster: FakeCluster) -> None:
    cluster.put("tools", tool_gateway("main"))
    cluster.hidden.add(HIDDEN)

    assert await previewed(cluster) == "apply 0, release 0"


async def test_a_preview_keeps_a_gateway_whose_class_is_missing(cluster: FakeCluster) -> None:
    cluster.put("tools", tool_gateway("main"))

    assert await previewed(cluster) == "apply 0, release 0"


async def test_a_preview_releases_a_gateway_that_is_gone(cluster: FakeCluster) -> None:
    assert await previewed(cluster) == "apply 0, release 1"
