"""What the daemon holds in memory does not follow the Secrets of the cluster."""

import asyncio
import base64
import secrets
from pathlib import Path

import psutil
import pytest

from gateway_components.kube.client import KubeClient
from gateway_components.kube.resources import SECRETS
from lab import wait_until
from tests.daemon.harness import SECONDS, Daemon, Namespace, alone
from tests.daemon.manifests import gateway, secret

NUMBER = 500
BYTES = 100_000
AT_ONCE = 8
MARGIN_MIB = 10
"""The values alone are 48 MiB."""


def resident_mib(daemon: Daemon) -> float:
    return psutil.Process(daemon.process.pid).memory_info().rss / 2**20


async def fill(kubeconfig: Path, namespace: str) -> None:
    value = base64.b64encode(secrets.token_bytes(BYTES)).decode()
    names = iter(range(NUMBER))

    async def create(client: KubeClient) -> None:
        for number in names:
            body = {"metadata": {"name": f"unrelated-{number}"}, "data": {"value": value}}
            await client.create(SECRETS.collection(namespace), body)

    async with await KubeClient.connect(kubeconfig) as client:
        await asyncio.gather(*(create(client) for _ in range(AT_ONCE)))


@pytest.mark.soak
def test_unrelated_secrets_take_no_memory(place: Namespace, tmp_path: Path) -> None:
    with Daemon(place.lab, tmp_path / "watching", *alone(place)) as daemon:
        place.apply(gateway("small"))
        place.wait_ready("small")
        before, hashes = resident_mib(daemon), place.hashes("small")

        asyncio.run(fill(place.lab.kubeconfig, place.name))
        # The watch tells of this one last, so whoever has acted on it has seen all of them.
        place.apply(secret("api-key-secrets", OPENAI_API_KEY="sk-new"))
        wait_until(lambda: place.hashes("small") != hashes, timeout=SECONDS, what="a new secret-hash")
        watched = resident_mib(daemon)

    with Daemon(place.lab, tmp_path / "listing", *alone(place)) as daemon:
        daemon.wait_for("watching")
        place.apply(gateway("small", "another-model"))
        place.wait_config("small", "another-model")
        place.wait_ready("small")
        listed = resident_mib(daemon)

    assert watched - before < MARGIN_MIB
    assert listed - before < MARGIN_MIB
