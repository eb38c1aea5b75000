"""What a tenant puts beside a state costs the daemon little, however much it is."""

import tracemalloc
from typing import cast

from gateway_components.kube.fence import FencedClient
from gateway_components.kube.resources import SECRETS
from gateway_components.kube.state_format import PART_LABEL, STATE_LABELS, STATE_SECRET, secret
from gateway_components.kube.state_secrets import StateSecrets
from tests.kube.secret_store import SecretStore

NAMESPACE = SECRETS.collection("team")


def process(store: SecretStore) -> StateSecrets:
    return StateSecrets(cast("FencedClient", store), key="a passphrase")


async def test_of_many_secrets_beside_a_state_little_is_kept() -> None:
    store = SecretStore()
    for number in range(60):
        large = secret(f"mine-{number}", {}, STATE_LABELS)
        large["metadata"]["annotations"] = {"a": "x" * 200_000}
        await store.create(NAMESPACE, large)
    tracemalloc.start()
    try:
        found, _ = await store.list(NAMESPACE)
        whole = tracemalloc.get_traced_memory()[0]
        del found
        tracemalloc.reset_peak()
        await process(store).save("team", b"state", None)
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert held < whole / 10


async def test_of_many_forged_parts_some_are_deleted_at_a_time() -> None:
    store = SecretStore()
    daemon = process(store)
    await daemon.save("team", b"state", None)
    for number in range(1_100):
        await store.create(NAMESPACE, secret(f"{STATE_SECRET}-1-{number:016x}", {}, {PART_LABEL: "true"}))

    left = [1_100]
    for _ in range(2):
        await daemon.load("team")
        left.append(sum(f"{STATE_SECRET}-1-" in path for path in store.objects))

    assert left[1] > 0, "a reconcile does not wait for all of them"
    assert left[-1] == 0
