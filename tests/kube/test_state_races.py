"""States in Secrets of a real API server that are read, written and removed at the same time."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gateway_components.daemon.leader import Unopposed
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import FencedError
from gateway_components.kube.fence import FencedClient, ReadOnly
from gateway_components.kube.resources import SECRETS
from gateway_components.kube.state_format import PART_LABEL, STATE_SECRET, base_of, secret
from gateway_components.kube.state_reader import StateConflictError, StateDamagedError, StateReader
from gateway_components.kube.state_secrets import StateSecrets, StateWriter
from lab import ControlPlane
from tests.kube.hooked import HookedClient, leading

SMALL = b'{"version":3}'
LARGE, OTHER = (random.Random(seed).randbytes(5000) for seed in (3, 4))
"""Neither becomes smaller by compression."""
PART = 2000
KEY = "a passphrase"
SAVES = 60


@pytest.fixture
async def client(idle_lab: ControlPlane) -> AsyncIterator[KubeClient]:
    async with await KubeClient.connect(idle_lab.kubeconfig) as connected:
        yield connected


@pytest.fixture
def hooked(client: KubeClient) -> HookedClient:
    return HookedClient(client, Unopposed())


@pytest.fixture
def successor(client: KubeClient) -> StateSecrets:
    """Return the states of the daemon that leads."""
    return StateSecrets(leading(client), PART, key=KEY)


def frozen(
    client: HookedClient, method: str, name: str, act: Callable[[], Awaitable[object]]
) -> StateSecrets:
    """Return the states of a daemon that stands still before a request while others act, and then goes on."""
    acted = False

    async def before(asked: str, path: str) -> None:
        nonlocal acted
        if not acted and asked == method and name in path:
            acted = True
            await act()

    client.before = before
    # It does not know that its time is over.
    return StateSecrets(client, PART, key=KEY)


async def parts(client: KubeClient, namespace: str) -> list[str]:
    found, _ = await client.list(SECRETS.collection(namespace), labels={PART_LABEL: "true"})
    return sorted(one["metadata"]["name"] for one in found)


async def version_of(client: KubeClient, namespace: str) -> str:
    head = await client.get(SECRETS.item(namespace, STATE_SECRET))
    assert head
    version: str = head["metadata"]["resourceVersion"]
    return version


async def assert_holds(client: KubeClient, namespace: str, checkpoint: bytes) -> None:
    found = await StateReader(client, key=KEY).load(namespace)
    assert found
    assert found.checkpoint == checkpoint
    assert set(found.parts) <= set(await parts(client, namespace))


async def test_a_state_can_be_read_while_it_is_written(
    client: KubeClient, successor: StateSecrets, lab_namespace: str
) -> None:
    states = (LARGE, OTHER, SMALL)
    version = await successor.save(lab_namespace, LARGE, None)
    done = asyncio.Event()
    read = 0

    async def look() -> None:
        nonlocal read
        while not done.is_set():
            found = await StateReader(client).load(lab_namespace)
            assert found
            assert found.checkpoint in states
            read += 1

    async with asyncio.TaskGroup() as group:
        group.create_task(look())
        for number in range(SAVES):
            version = await successor.intend(lab_namespace, ["AiGateway ns/a"], version)
            version = await successor.save(lab_namespace, states[number % 3], version)
        done.set()
    assert read > 1
    await assert_holds(client, lab_namespace, states[(SAVES - 1) % 3])


@pytest.mark.parametrize("times", [1, 3])
async def test_parts_that_go_while_they_are_read_are_looked_up_again(
    client: KubeClient, hooked: HookedClient, successor: StateSecrets, lab_namespace: str, times: int
) -> None:
    version = await successor.save(lab_namespace, LARGE, None)
    left = times

    async def before(_: str, path: str) -> None:
        nonlocal version, left
        if left and base_of(path.rpartition("/")[2]):
            left -= 1
            # Each time another: what stays as it is keeps its parts.
            version = await successor.save(lab_namespace, LARGE if left % 2 else OTHER, version)

    hooked.before = before
    found = await StateReader(hooked, key=KEY).load(lab_namespace)

    assert found
    assert (found.version, found.checkpoint) == (version, OTHER)


async def test_a_state_that_never_stands_still_is_given_up(
    hooked: HookedClient, successor: StateSecrets, lab_namespace: str
) -> None:
    version = await successor.save(lab_namespace, LARGE, None)
    contents = itertools.cycle((OTHER, LARGE))

    async def before(_: str, path: str) -> None:
        nonlocal version
        if base_of(path.rpartition("/")[2]):
            version = await successor.save(lab_namespace, next(contents), version)

    hooked.before = before
    with pytest.raises(StateConflictError, match="more often than it can be read"):
        await StateReader(hooked).load(lab_namespace)


async def test_a_part_that_is_missing_for_good_is_damage(
    client: KubeClient, successor: StateSecrets, lab_namespace: str
) -> None:
    await successor.save(lab_namespace, LARGE, None)
    (name, *_) = await parts(client, lab_namespace)
    part = await client.get(SECRETS.item(lab_namespace, name))
    assert part
    metadata = part["metadata"]
    await client.delete(
        SECRETS.item(lab_namespace, name), uid=metadata["uid"], version=metadata["resourceVersion"]
    )

    with pytest.raises(StateDamagedError, match=f"its part {name} is missing"):
        await successor.load(lab_namespace)


async def test_a_reader_only_gets(
    hooked: HookedClient, client: KubeClient, successor: StateSecrets, lab_namespace: str
) -> None:
    await successor.save(lab_namespace, LARGE, None)
    left = secret(f"{STATE_SECRET}-1-{'0' * 16}", {}, {PART_LABEL: "true"})
    await client.create(SECRETS.collection(lab_namespace), left)

    await StateReader(hooked, key=KEY).load(lab_namespace)

    assert {method for method, _ in hooked.asked} == {"get"}
    assert left["metadata"]["name"] in await parts(client, lab_namespace)
    await successor.load(lab_namespace)
    assert left["metadata"]["name"] not in await parts(client, lab_namespace), "who leads removes it"


@pytest.mark.parametrize("method", ["list", "delete"])
async def test_a_sweep_of_long_ago_removes_nothing_of_a_successor(
    client: KubeClient, hooked: HookedClient, successor: StateSecrets, lab_namespace: str, method: str
) -> None:
    version = await successor.save(lab_namespace, LARGE, None)

    async def take_over() -> None:
        # The content that the other is about to remove the parts of.
        held = await version_of(client, lab_namespace)
        noted = await successor.intend(lab_namespace, ["AiGateway ns/a"], held)
        await successor.save(lab_namespace, LARGE, noted)

    daemon = frozen(hooked, method, "secrets", take_over)
    await daemon.save(lab_namespace, OTHER, version)

    await assert_holds(client, lab_namespace, LARGE)
    with pytest.raises(StateConflictError):
        await daemon.save(lab_namespace, SMALL, version)
    await assert_holds(client, lab_namespace, LARGE)


async def test_a_late_removal_of_parts_spares_those_of_a_successor(
    client: KubeClient, hooked: HookedClient, successor: StateSecrets, lab_namespace: str
) -> None:
    async def take_over() -> None:
        # The content that the other is about to remove the parts of.
        await successor.load(lab_namespace)
        held = await version_of(client, lab_namespace)
        await successor.save(lab_namespace, LARGE, held)

    daemon = StateSecrets(hooked, PART, key=KEY)
    version = await daemon.save(lab_namespace, LARGE, None)
    frozen_at_its_deletes = frozen(hooked, "delete", "secrets", take_over)
    await frozen_at_its_deletes.load(lab_namespace)
    hooked.asked.clear()
    await frozen_at_its_deletes.save(lab_namespace, OTHER, version)

    assert "list" not in {method for method, _ in hooked.asked}, "it knows what it replaced"
    await assert_holds(client, lab_namespace, LARGE)
    await successor.load(lab_namespace)
    assert len(await parts(client, lab_namespace)) == 3


STEPS = ("merge_patch", STATE_SECRET), ("delete", f"{STATE_SECRET}-"), ("delete", STATE_SECRET)


@pytest.mark.parametrize(("method", "name"), STEPS, ids=["emptying", "a part", "the head"])
@pytest.mark.parametrize("checkpoint", [LARGE, SMALL], ids=["in parts", "small"])
async def test_a_removal_of_long_ago_removes_nothing_of_a_successor(
    client: KubeClient,
    hooked: HookedClient,
    successor: StateSecrets,
    lab_namespace: str,
    method: str,
    name: str,
    checkpoint: bytes,
) -> None:
    version = await successor.save(lab_namespace, LARGE, None)

    async def take_over() -> None:
        await successor.save(lab_namespace, checkpoint, await version_of(client, lab_namespace))

    daemon = frozen(hooked, method, name, take_over)
    with pytest.raises(StateConflictError, match="by somebody else"):
        await daemon.remove(lab_namespace, version)

    await assert_holds(client, lab_namespace, checkpoint)


async def test_a_state_recreated_is_not_removed(
    client: KubeClient, hooked: HookedClient, successor: StateSecrets, lab_namespace: str
) -> None:
    version = await successor.save(lab_namespace, SMALL, None)

    async def take_over() -> None:
        await successor.remove(lab_namespace, await version_of(client, lab_namespace))
        await successor.save(lab_namespace, LARGE, None)

    daemon = frozen(hooked, "delete", STATE_SECRET, take_over)
    with pytest.raises(StateConflictError, match="by somebody else"):
        await daemon.remove(lab_namespace, version)

    await assert_holds(client, lab_namespace, LARGE)


async def test_an_import_under_way_keeps_its_parts(
    client: KubeClient, hooked: HookedClient, successor: StateSecrets, lab_namespace: str
) -> None:
    version = await successor.save(lab_namespace, OTHER, None)

    async def before(method: str, path: str) -> None:
        if method == "merge_patch" and path.endswith(STATE_SECRET):
            # Whoever leads starts again right before the head names the new parts.
            leader = StateSecrets(leading(client), PART, key=KEY)
            await leader.load(lab_namespace)

    hooked.before = before
    await StateWriter(hooked, PART, key=KEY).save(lab_namespace, LARGE, version)

    await assert_holds(client, lab_namespace, LARGE)
    await successor.load(lab_namespace)
    assert len(await parts(client, lab_namespace)) == 3, "those of the state before are gone"


async def test_who_does_not_lead_writes_nothing(
    client: KubeClient, successor: StateSecrets, lab_namespace: str
) -> None:
    version = await successor.save(lab_namespace, LARGE, None)
    left = secret(f"{STATE_SECRET}-1-{'0' * 16}", {}, {PART_LABEL: "true"})
    await client.create(SECRETS.collection(lab_namespace), left)
    before = await parts(client, lab_namespace)
    standby = StateSecrets(FencedClient(client, ReadOnly()), PART, key=KEY)

    for write in (
        standby.load(lab_namespace),
        standby.intend(lab_namespace, [], version),
        standby.save(lab_namespace, SMALL, version),
        standby.save(lab_namespace, OTHER, version),
        standby.remove(lab_namespace, version),
    ):
        with pytest.raises(FencedError):
            await write

    assert await parts(client, lab_namespace) == before
    assert await version_of(client, lab_namespace) == version
