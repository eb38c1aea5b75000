"""States in Secrets of a real API server: what is read is what was written, or said to be damaged."""

import base64
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError
from gateway_components.kube.install_secrets import (
    PASSPHRASE_SECRET,
    PassphraseMissingError,
    install_passphrase,
    known_passphrase,
)
from gateway_components.kube.resources import NAMESPACES, SECRETS
from gateway_components.kube.state_format import PART_LABEL, STATE_SECRET, Known, lay_out, part_data, secret
from gateway_components.kube.state_reader import StateConflictError, StateDamagedError, StateReader
from gateway_components.kube.state_secrets import StateSecrets, StateWriter
from lab import ControlPlane
from tests.kube.hooked import leading

CHECKPOINT = b'{"version":3}' * 50
LARGE = random.Random(3).randbytes(5000)
"""Does not become smaller by compression."""
PART = 2000
KEY = "a passphrase"


@pytest.fixture
async def client(idle_lab: ControlPlane) -> AsyncIterator[KubeClient]:
    async with await KubeClient.connect(idle_lab.kubeconfig) as connected:
        yield connected


@pytest.fixture
def stored(client: KubeClient) -> StateSecrets:
    return leader(client)


def leader(client: KubeClient) -> StateSecrets:
    return StateSecrets(leading(client), PART, key=KEY)


async def names(client: KubeClient, namespace: str) -> list[str]:
    found, _ = await client.list(SECRETS.collection(namespace))
    return sorted(secret["metadata"]["name"] for secret in found)


async def test_what_was_saved_is_loaded(stored: StateSecrets, lab_namespace: str) -> None:
    assert await stored.load(lab_namespace) is None

    version = await stored.save(lab_namespace, CHECKPOINT, None)
    found = await stored.load(lab_namespace)

    assert found
    assert (found.version, found.checkpoint, found.pending) == (version, CHECKPOINT, frozenset())


async def test_an_intent_stands_beside_the_state_until_the_next_one(
    stored: StateSecrets, lab_namespace: str
) -> None:
    version = await stored.save(lab_namespace, CHECKPOINT, None)
    version = await stored.intend(lab_namespace, ["AiGateway ns/b", "AiGateway ns/a"], version)

    found = await stored.load(lab_namespace)
    assert found
    assert (found.checkpoint, found.pending) == (
        CHECKPOINT,
        frozenset(("AiGateway ns/a", "AiGateway ns/b")),
    )

    await stored.save(lab_namespace, CHECKPOINT, version)
    found = await stored.load(lab_namespace)
    assert found
    assert found.pending == frozenset()


async def test_the_first_intent_needs_no_state(stored: StateSecrets, lab_namespace: str) -> None:
    await stored.intend(lab_namespace, ["AiGateway ns/a"], None)

    found = await stored.load(lab_namespace)

    assert found
    assert (found.checkpoint, found.pending) == (None, frozenset(("AiGateway ns/a",)))


async def test_a_large_state_is_split_and_the_parts_go_with_it(
    client: KubeClient, stored: StateSecrets, lab_namespace: str
) -> None:
    version = await stored.save(lab_namespace, LARGE, None)
    assert len(await names(client, lab_namespace)) == 4, "the head and three parts"
    found = await stored.load(lab_namespace)
    assert found
    assert found.checkpoint == LARGE

    version = await stored.save(lab_namespace, LARGE[:3000], version)
    assert len(await names(client, lab_namespace)) == 3, "the head and two parts: the three are gone"
    found = await stored.load(lab_namespace)
    assert found
    assert found.checkpoint == LARGE[:3000]

    version = await stored.save(lab_namespace, CHECKPOINT, version)
    assert await names(client, lab_namespace) == [STATE_SECRET]
    await stored.remove(lab_namespace, version)
    assert await names(client, lab_namespace) == []


async def test_a_large_state_is_removed_with_its_parts(
    client: KubeClient, stored: StateSecrets, lab_namespace: str
) -> None:
    version = await stored.save(lab_namespace, LARGE, None)

    await stored.remove(lab_namespace, version)

    assert await names(client, lab_namespace) == []
    await stored.remove(lab_namespace, version)


async def test_parts_of_a_killed_daemon_go_when_the_state_is_read(
    client: KubeClient, stored: StateSecrets, lab_namespace: str
) -> None:
    version = await stored.save(lab_namespace, LARGE, None)
    head = SECRETS.item(lab_namespace, STATE_SECRET)
    await client.merge_patch(head, {"data": {"parts": None, "checkpoint": None, "sha256": None}})
    found = await leader(client).load(lab_namespace)
    assert found
    assert found.version != version

    assert await names(client, lab_namespace) == [STATE_SECRET]


async def test_a_part_that_was_changed_by_hand_is_rewritten(
    client: KubeClient, stored: StateSecrets, lab_namespace: str
) -> None:
    await stored.save(lab_namespace, LARGE, None)
    part = next(name for name in await names(client, lab_namespace) if name != STATE_SECRET)
    await client.merge_patch(SECRETS.item(lab_namespace, part), {"data": {"checkpoint": "eA=="}})
    with pytest.raises(StateDamagedError, match="checksum") as damaged:
        await stored.load(lab_namespace)

    await stored.save(lab_namespace, LARGE, damaged.value.version)

    found = await stored.load(lab_namespace)
    assert found
    assert found.checkpoint == LARGE


async def test_a_part_that_is_there_with_other_content_gets_its_own(
    client: KubeClient, stored: StateSecrets, lab_namespace: str
) -> None:
    version = await stored.save(lab_namespace, CHECKPOINT, None)
    (name, *_) = lay_out(LARGE, Known(version), PART).parts
    planted = secret(name, part_data(b"other"), {PART_LABEL: "true"})
    await client.create(SECRETS.collection(lab_namespace), planted)

    await stored.save(lab_namespace, LARGE, version)

    found = await stored.load(lab_namespace)
    assert found
    assert found.checkpoint == LARGE


CONFLICTS = ("changed", "deleted", "made")


@pytest.mark.parametrize("how", CONFLICTS)
async def test_whoever_writes_on_an_old_version_is_told_so(
    client: KubeClient, stored: StateSecrets, lab_namespace: str, how: str
) -> None:
    version: str | None = await stored.save(lab_namespace, CHECKPOINT, None)
    if how == "changed":
        await leader(client).intend(lab_namespace, ["AiGateway ns/a"], version)
    elif how == "deleted":
        await stored.remove(lab_namespace, version or "")
    else:
        version = None

    for write in (stored.intend(lab_namespace, [], version), stored.save(lab_namespace, b"{}", version)):
        with pytest.raises(StateConflictError, match=f"Secret {lab_namespace}/{STATE_SECRET}"):
            await write


DAMAGES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"checkpoint": base64.b64encode(b"cut").decode()}, "cut off"),
    (
        {"checkpoint": None, "parts": base64.b64encode(b'["litellm-gateways-state-gone"]').decode()},
        "no such part",
    ),
    ({"checkpoint": None, "parts": base64.b64encode(b"7").decode()}, "no list of parts"),
    ({"sha256": None}, "no checksum"),
    ({"doubts": base64.b64encode(b"{").decode()}, "pending gateways that are not JSON"),
    ({"doubts": base64.b64encode(b"7").decode()}, "pending gateways of the wrong type"),
)


@pytest.mark.parametrize(("damage", "why"), DAMAGES, ids=[case[1] for case in DAMAGES])
async def test_damage_is_noticed_and_can_be_written_over(
    client: KubeClient, stored: StateSecrets, lab_namespace: str, damage: dict[str, Any], why: str
) -> None:
    await stored.save(lab_namespace, CHECKPOINT, None)
    await client.merge_patch(SECRETS.item(lab_namespace, STATE_SECRET), {"data": damage})

    with pytest.raises(StateDamagedError, match=f"{lab_namespace}/{STATE_SECRET}") as damaged:
        await stored.load(lab_namespace)
    await stored.save(lab_namespace, CHECKPOINT, damaged.value.version)

    found = await stored.load(lab_namespace)
    assert found
    assert found.checkpoint == CHECKPOINT


@pytest.mark.parametrize("key", [None, "another passphrase"], ids=["unsigned", "signed by somebody else"])
@pytest.mark.parametrize("checkpoint", [CHECKPOINT, LARGE], ids=["small", "in parts"])
async def test_a_state_that_is_not_ours_is_not_believed(
    client: KubeClient, stored: StateSecrets, lab_namespace: str, key: str | None, checkpoint: bytes
) -> None:
    version = await StateWriter(client, PART, key=key).save(lab_namespace, checkpoint, None)

    with pytest.raises(StateDamagedError, match="not written with the passphrase of this install"):
        await stored.load(lab_namespace)

    await stored.save(lab_namespace, checkpoint, version)
    for reader in (stored, StateReader(client)):
        found = await reader.load(lab_namespace)
        assert found
        assert found.checkpoint == checkpoint, "ours can be read by anybody"


async def test_a_state_of_ours_is_not_believed_in_another_namespace(
    lab: ControlPlane, client: KubeClient, stored: StateSecrets, lab_namespace: str
) -> None:
    await stored.save(lab_namespace, CHECKPOINT, None)
    head = await client.get(SECRETS.item(lab_namespace, STATE_SECRET))
    assert head
    copy = {**head, "metadata": {"name": STATE_SECRET}}
    elsewhere = f"{lab_namespace}-copy"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": elsewhere}}
    await client.create(NAMESPACES.collection(), body)
    try:
        await client.create(SECRETS.collection(elsewhere), copy)
        with pytest.raises(StateDamagedError, match="not written with the passphrase of this install"):
            await stored.load(elsewhere)
    finally:
        lab.api.delete(NAMESPACES.item(None, elsewhere))


async def test_a_passphrase_that_is_looked_up_is_not_made_up(client: KubeClient, lab_namespace: str) -> None:
    with pytest.raises(
        PassphraseMissingError, match=f"{lab_namespace}/{PASSPHRASE_SECRET}.*--install-namespace"
    ):
        await known_passphrase(client, lab_namespace)
    assert await names(client, lab_namespace) == []

    made = await install_passphrase(client, lab_namespace)

    assert await known_passphrase(client, lab_namespace) == made


async def test_a_passphrase_is_made_up_once(client: KubeClient, lab_namespace: str) -> None:
    first = await install_passphrase(client, lab_namespace)

    assert len(first) > 30
    assert await install_passphrase(client, lab_namespace) == first


async def test_an_emptied_passphrase_is_replaced(client: KubeClient, lab_namespace: str) -> None:
    first = await install_passphrase(client, lab_namespace)
    path = SECRETS.item(lab_namespace, PASSPHRASE_SECRET)
    await client.merge_patch(path, {"data": {"passphrase": None}})

    second = await install_passphrase(client, lab_namespace)

    assert second not in {"", first}
    assert await install_passphrase(client, lab_namespace) == second


async def test_a_passphrase_needs_a_namespace(client: KubeClient) -> None:
    with pytest.raises(ApiError, match="nowhere"):
        await install_passphrase(client, "nowhere")
