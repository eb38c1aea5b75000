"""The client on a real API server."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, ApiUnreachableError, CredentialsError, ObjectChangedError
from gateway_components.kube.recorder import Event, owned_fields, publish, write_status
from gateway_components.kube.resources import AI_GATEWAYS, CONFIG_MAPS, EVENTS, SECRETS
from lab import ControlPlane

CONDITION = {
    "type": "AiGatewayReady",
    "status": "True",
    "reason": "Fine",
    "message": "",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}


@pytest.fixture
async def client(lab: ControlPlane) -> AsyncIterator[KubeClient]:
    async with await KubeClient.connect(lab.kubeconfig) as connected:
        yield connected


def config_map(name: str) -> dict[str, object]:
    return {"metadata": {"name": name}, "data": {"key": "value"}}


def gateway(name: str) -> dict[str, object]:
    return {
        "apiVersion": "runtime.agentic-layer.ai/v1alpha1",
        "kind": "AiGateway",
        "metadata": {"name": name},
        "spec": {"aiGatewayClassName": "nobodys", "aiModels": [{"name": "m", "provider": "p"}]},
    }


async def test_what_is_created_can_be_read_changed_and_listed(client: KubeClient, lab_namespace: str) -> None:
    await client.create(CONFIG_MAPS.collection(lab_namespace), config_map("one"))
    path = CONFIG_MAPS.item(lab_namespace, "one")

    changed = await client.merge_patch(path, {"data": {"key": "other"}})
    items, version = await client.list(CONFIG_MAPS.collection(lab_namespace))

    names, _ = await client.list(
        CONFIG_MAPS.collection(lab_namespace), keep=lambda item: {"name": item["metadata"]["name"]}
    )

    assert names == [{"name": "one"}]
    assert changed["data"] == {"key": "other"}
    assert await client.get(path) == changed
    assert [item["metadata"]["name"] for item in items] == ["one"]
    assert int(version) > 0
    assert await client.get(CONFIG_MAPS.item(lab_namespace, "none")) is None


TEXTS = {
    "beyond": "🚀 and 𝄞",
    "escaped": r"\ud83d\ude80 \U0001f680 \n",
    "lines": "a\u2028b\u0085c\r\n\t\ufeff",
}


async def test_any_text_that_is_applied_arrives(client: KubeClient, lab_namespace: str) -> None:
    path = CONFIG_MAPS.item(lab_namespace, "texts")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "texts"}, "data": TEXTS}

    applied = await client.apply(path, body, manager="test")

    assert applied["data"] == TEXTS


async def test_what_was_read_is_deleted_and_nothing_else(client: KubeClient, lab_namespace: str) -> None:
    path = CONFIG_MAPS.item(lab_namespace, "one")

    async def made() -> tuple[str, str]:
        metadata = (await client.create(CONFIG_MAPS.collection(lab_namespace), config_map("one")))["metadata"]
        return metadata["uid"], metadata["resourceVersion"]

    uid, version = await made()
    written = await client.merge_patch(path, {"data": {"key": "other"}})
    for stale in ((uid, version), ("another", written["metadata"]["resourceVersion"])):
        with pytest.raises(ObjectChangedError):
            await client.delete(path, uid=stale[0], version=stale[1])
        assert await client.get(path) == written

    await client.delete(path, uid=uid, version=written["metadata"]["resourceVersion"])
    assert await client.get(path) is None
    await client.delete(path, uid=uid, version=version)


async def test_a_long_list_comes_in_pages_and_whole(client: KubeClient, lab_namespace: str) -> None:
    path = CONFIG_MAPS.collection(lab_namespace)
    names = [f"page-{number:03}" for number in range(510)]
    for start in range(0, len(names), 30):
        await asyncio.gather(*(client.create(path, config_map(name)) for name in names[start : start + 30]))

    items, _ = await client.list(path, metadata_only=True)

    assert sorted(item["metadata"]["name"] for item in items) == names
    assert not [item for item in items if "data" in item]


async def test_secrets_are_watched_without_their_values(client: KubeClient, lab_namespace: str) -> None:
    path = SECRETS.collection(lab_namespace)
    _, version = await client.list(path)
    value = secrets.token_hex(16)
    await client.create(path, {"metadata": {"name": "quiet"}, "stringData": {"key": value}})

    async for event in client.watch(path, version, seconds=30, silence=30, metadata_only=True):
        assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "quiet")
        assert "data" not in event["object"]
        break


async def test_a_silent_watch_ends(client: KubeClient, lab_namespace: str) -> None:
    path = CONFIG_MAPS.collection(lab_namespace)
    _, version = await client.list(path)

    events = [event async for event in client.watch(path, version, seconds=300, silence=0.5)]

    assert {event["type"] for event in events} <= {"BOOKMARK"}


async def test_an_ancient_version_is_expired(client: KubeClient) -> None:
    async def refusal() -> int:
        with pytest.raises(ApiError) as raised:
            await anext(client.watch(AI_GATEWAYS.collection(), "1", seconds=5, silence=5))
        return raised.value.status

    async with asyncio.timeout(30):
        # An API server that has just started asks for some patience: "storage is (re)initializing".
        while (status := await refusal()) == 429:
            pass

    assert status == 410


async def test_a_refusal_names_verb_and_resource(lab: ControlPlane) -> None:
    async with await KubeClient.connect(lab.user_kubeconfig("nobody")) as client:
        with pytest.raises(ApiError, match='cannot list resource "secrets"') as raised:
            await client.list(SECRETS.collection())

    assert (raised.value.status, raised.value.reason) == (403, "Forbidden")


async def test_an_absent_api_server_is_unreachable(lab: ControlPlane, tmp_path: Path) -> None:
    elsewhere = tmp_path / "kubeconfig"
    elsewhere.write_text(lab.kubeconfig.read_text().replace(lab.url, "https://127.0.0.1:9"))

    async with await KubeClient.connect(elsewhere) as client:
        with pytest.raises(ApiUnreachableError, match="gave no answer"):
            await client.list(CONFIG_MAPS.collection())


BAD_FILES = [
    ("missing", None),
    ("empty", ""),
    ("no yaml", "{"),
    ("no context", "apiVersion: v1\nkind: Config\n"),
]


@pytest.mark.parametrize(("case", "text"), BAD_FILES, ids=[case[0] for case in BAD_FILES])
async def test_unusable_credentials_are_named(case: str, text: str | None, tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    if text is not None:
        file.write_text(text)

    with pytest.raises(CredentialsError, match="set KUBECONFIG"):
        await KubeClient.connect(file)


async def test_conditions_are_written_only_to_their_own_version(
    client: KubeClient, lab_namespace: str
) -> None:
    created = await client.create(AI_GATEWAYS.collection(lab_namespace), gateway("conditioned"))

    assert await write_status(client, AI_GATEWAYS, created["metadata"], {"conditions": [CONDITION]})
    assert not await write_status(client, AI_GATEWAYS, created["metadata"], {"conditions": []})

    stored = await client.get(AI_GATEWAYS.item(lab_namespace, "conditioned"))
    assert stored is not None
    assert stored["status"]["conditions"] == [CONDITION]


async def test_a_long_note_of_an_event_is_cut_at_a_whole_character(
    client: KubeClient, lab_namespace: str
) -> None:
    about = await client.create(AI_GATEWAYS.collection(lab_namespace), gateway("noted"))
    event = Event("Warning", "TooLong", "Test", "é" * 2000)

    await publish(client, "example.com/controller", about, event, "2026-01-01T00:00:00.000000Z")

    (stored,), _ = await client.list(EVENTS.collection(lab_namespace))
    assert stored["note"] == "é" * 512
    assert stored["regarding"]["uid"] == about["metadata"]["uid"]


async def test_a_status_knows_who_wrote_it_last(client: KubeClient, lab_namespace: str) -> None:
    path = AI_GATEWAYS.item(lab_namespace, "reported")
    status = AI_GATEWAYS.item(lab_namespace, "reported", "status")
    created = await client.create(AI_GATEWAYS.collection(lab_namespace), gateway("reported"))
    assert not owned_fields(created["metadata"])

    await write_status(client, AI_GATEWAYS, created["metadata"], {"conditions": [CONDITION]})
    ours = await client.merge_patch(path, {"metadata": {"labels": {"team": "red"}}}, manager="somebody")
    assert owned_fields(ours["metadata"]) == {"conditions"}, "another part of the object is no matter"

    theirs = {"status": {"conditions": [{**CONDITION, "message": "theirs"}]}}
    foreign = await client.merge_patch(status, theirs, manager="somebody")
    assert not owned_fields(foreign["metadata"])


async def test_an_event_that_is_reported_again_is_counted(client: KubeClient, lab_namespace: str) -> None:
    about = await client.create(AI_GATEWAYS.collection(lab_namespace), gateway("repeated"))
    times = [f"2026-01-0{day}T00:00:00.000000Z" for day in (1, 2, 3)]

    for time in times:
        await publish(client, "example.com/c", about, Event("Warning", "Odd", "Test", "the same"), time)
    await publish(client, "example.com/c", about, Event("Warning", "Odd", "Test", "another"), times[0])

    events, _ = await client.list(EVENTS.collection(lab_namespace))
    counts = {event["note"]: event.get("series") for event in events}
    assert counts == {"the same": {"count": 3, "lastObservedTime": times[2]}, "another": None}
