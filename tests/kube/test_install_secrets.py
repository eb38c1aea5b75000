"""An older state that somebody puts back is none, whatever he does with the Secrets that he may write."""

import asyncio
import hashlib
import hmac
import json
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from structlog.testing import capture_logs

from gateway_components.kube.client import KubeClient
from gateway_components.kube.fence import FencedClient
from gateway_components.kube.install_secrets import Latest, LatestStates, record_name
from gateway_components.kube.resources import SECRETS
from gateway_components.kube.state_format import STATE_SECRET, part_content, part_data
from gateway_components.kube.state_reader import StateDamagedError, StateReader
from gateway_components.kube.state_secrets import StateSecrets, StateWriter
from tests.kube.secret_store import SecretStore

HEAD = SECRETS.item("team", STATE_SECRET)
NOTE = SECRETS.item("home", record_name("team"))
KEY = "a passphrase"
OLDER = "it is older than the last one that was written"


@pytest.fixture
def store() -> SecretStore:
    return SecretStore()


def notes(store: SecretStore) -> LatestStates:
    return LatestStates(cast("KubeClient", store), "home")


def process(store: SecretStore, part_bytes: int = 700_000) -> StateSecrets:
    """Return what a daemon has that was just started."""
    return StateSecrets(cast("FencedClient", store), part_bytes, key=KEY, latest=notes(store))


def copy_of(store: SecretStore) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(store.objects[HEAD]["data"]))
    return copied


async def put_back(store: SecretStore, data: dict[str, Any]) -> None:
    present = store.objects[HEAD]["data"]
    await store.merge_patch(HEAD, {"data": {**dict.fromkeys(present), **data}})


@pytest.mark.parametrize("restarted", [False, True], ids=["the same process", "a new process"])
async def test_an_older_state_that_is_restored_is_none(store: SecretStore, restarted: bool) -> None:
    daemon = process(store)
    version = await daemon.save("team", b"first", None)
    old = copy_of(store)
    await daemon.save("team", b"second", version)
    await put_back(store, old)

    with pytest.raises(StateDamagedError, match=OLDER) as damaged:
        await (process(store) if restarted else daemon).load("team")

    assert damaged.value.uid == store.objects[HEAD]["metadata"]["uid"]
    await daemon.save("team", b"third", damaged.value.version)
    found = await process(store).load("team")
    assert found
    assert found.checkpoint == b"third"


async def test_an_older_state_in_parts_is_none(store: SecretStore) -> None:
    daemon = process(store, 5)
    version = await daemon.save("team", b"a large state", None)
    old = copy_of(store)
    parts = {
        path: json.loads(json.dumps(one))
        for path, one in store.objects.items()
        if one is not store.objects[HEAD]
    }
    await daemon.save("team", b"another one", version)
    await put_back(store, old)
    store.objects.update({path: one for path, one in parts.items() if path != NOTE})

    with pytest.raises(StateDamagedError, match=OLDER):
        await process(store, 5).load("team")


async def test_a_state_is_none_in_a_secret_that_was_recreated(store: SecretStore) -> None:
    daemon = process(store)
    await daemon.save("team", b"first", None)
    old = copy_of(store)
    del store.objects[HEAD]
    await store.create(SECRETS.collection("team"), {"metadata": {"name": STATE_SECRET}, "data": old})

    for latest in (notes(store), None):
        with pytest.raises(StateDamagedError, match="for this Secret"):
            await StateReader(cast("KubeClient", store), key=KEY, latest=latest).load("team")


async def test_a_state_that_was_removed_does_not_come_back(store: SecretStore) -> None:
    daemon = process(store)
    version = await daemon.save("team", b"first", None)
    old = copy_of(store)
    await daemon.remove("team", version)
    assert store.objects == {}, "nothing is left of it, nor in the namespace of the daemon"
    await store.create(SECRETS.collection("team"), {"metadata": {"name": STATE_SECRET}, "data": old})

    with pytest.raises(StateDamagedError, match="for this Secret"):
        await process(store).load("team")


async def test_the_next_daemon_records_an_unrecorded_state(
    store: SecretStore,
) -> None:
    daemon = process(store)
    version = await daemon.save("team", b"first", None)
    store.refused = {record_name("team")}
    with capture_logs() as logs:
        await daemon.save("team", b"second", version)
    store.refused = set()
    old = store.objects[NOTE]

    found = await process(store).load("team")

    assert found
    assert found.checkpoint == b"second"
    assert store.objects[NOTE] != old
    assert [line["secret"] for line in logs] == [f"home/{record_name('team')}"]


async def test_a_process_knows_what_it_wrote_without_any_note(store: SecretStore) -> None:
    store.refused = {record_name("team")}
    daemon = process(store)
    version = await daemon.save("team", b"first", None)
    old = copy_of(store)
    await daemon.save("team", b"second", version)
    await put_back(store, old)

    with pytest.raises(StateDamagedError, match=OLDER):
        await daemon.load("team")


async def test_a_note_only_grows(store: SecretStore) -> None:
    late, current = notes(store), notes(store)
    await late.note("team", Latest("a", 5))
    await current.read("team")
    await current.note("team", Latest("a", 9))

    await late.note("team", Latest("a", 7))

    assert await notes(store).read("team") == (Latest("a", 9),)
    await late.note("team", Latest("b", 3))
    assert await notes(store).read("team") == (Latest("b", 3),), "of another Secret"


async def test_a_note_that_says_nothing_is_none(store: SecretStore) -> None:
    await notes(store).note("team", Latest("a", 5))
    for data in (
        {},
        {"uid": "!", "base": "!"},
        {"uid": "YQ=="},
        {"uid": "YQ==", "base": "LTU="},
        {"uid": "/w==", "base": "NQ=="},
    ):
        store.objects[NOTE]["data"] = data
        assert await notes(store).read("team") == ()


async def test_an_earlier_form_counts_until_the_first_write(
    store: SecretStore,
) -> None:
    await process(store).save("team", b"first", None)
    earlier = copy_of(store)
    del earlier["base"]
    digest = hashlib.sha256(part_content(earlier)).hexdigest()
    signature = hmac.new(KEY.encode(), f"team {digest}".encode(), "sha256").hexdigest()
    earlier["signature"] = part_data(signature.encode())["checkpoint"]
    del store.objects[NOTE]
    await put_back(store, earlier)

    daemon = process(store)
    found = await daemon.load("team")
    assert found
    assert found.checkpoint == b"first"
    await daemon.save("team", b"second", found.version)
    await put_back(store, earlier)
    with pytest.raises(StateDamagedError, match=OLDER):
        await process(store).load("team")

    del store.objects[HEAD]
    await store.create(SECRETS.collection("team"), {"metadata": {"name": STATE_SECRET}, "data": earlier})
    with pytest.raises(StateDamagedError, match=OLDER):
        await process(store).load("team")


async def test_a_write_costs_one_request_more(store: SecretStore) -> None:
    daemon = process(store)
    version = await daemon.save("team", b"first", None)
    await daemon.load("team")
    store.requests.clear()

    version = await daemon.intend("team", ["AiGateway team/chat"], version)
    await daemon.save("team", b"second", version)

    assert store.requests == [("patch", HEAD), ("patch", HEAD), ("patch", NOTE)]


class Tenant(RuleBasedStateMachine):
    """A daemon that writes states and is killed, and a tenant who puts back whatever there was."""

    def __init__(self) -> None:
        super().__init__()
        self.store = SecretStore()
        self.daemon = process(self.store)
        self.seen: list[dict[str, Any]] = []
        self.believed: set[bytes] = set()
        self.number = 0

    def run(self, work: Any) -> Any:
        return asyncio.run(work)

    @rule(noted=st.booleans(), large=st.booleans())
    def save(self, noted: bool, large: bool) -> None:
        self.number += 1
        content = b"%d" % self.number * (40 if large else 1)
        version = self.version()
        # A daemon that is killed right after the write of the head notes nothing, and knows nothing any more.
        self.store.refused = set() if noted else {f"patch {NOTE}", f"create {SECRETS.collection('home')}"}
        with capture_logs():
            self.run(self.daemon.save("team", content, version))
        self.store.refused = set()
        self.believed = {content} if noted else self.believed | {content}
        if not noted:
            self.daemon = process(self.store, 30)
        self.seen.append(copy_of(self.store))

    @rule()
    def start_again(self) -> None:
        self.daemon = process(self.store, 30)

    @rule(data=st.data())
    @precondition(lambda self: self.seen and HEAD in self.store.objects)
    def put_back(self, data: st.DataObject) -> None:
        self.run(put_back(self.store, data.draw(st.sampled_from(self.seen))))

    @rule(data=st.data())
    @precondition(lambda self: self.seen)
    def make_anew(self, data: st.DataObject) -> None:
        self.store.objects.pop(HEAD, None)
        body = {"metadata": {"name": STATE_SECRET}, "data": data.draw(st.sampled_from(self.seen))}
        self.run(self.store.create(SECRETS.collection("team"), body))

    @rule()
    @precondition(lambda self: HEAD in self.store.objects)
    def remove(self) -> None:
        version = self.store.objects[HEAD]["metadata"]["resourceVersion"]
        self.run(self.daemon.remove("team", version))
        self.believed = set()

    @invariant()
    def nothing_older_is_believed(self) -> None:
        reader = StateReader(cast("KubeClient", self.store), key=KEY, latest=notes(self.store))
        try:
            found = self.run(reader.load("team"))
        except StateDamagedError:
            return
        assert found is None or found.checkpoint is None or found.checkpoint in self.believed

    def version(self) -> str | None:
        """Return the version that the daemon writes on, once it has read what is there."""
        try:
            found = self.run(self.daemon.load("team"))
        except StateDamagedError as damaged:
            return damaged.version
        if found and found.checkpoint is not None:
            # It is noted by now.
            self.believed &= {found.checkpoint}
        return found.version if found else None


Tenant.TestCase.settings = settings(max_examples=settings().max_examples // 3, stateful_step_count=15)
test_a_tenant_makes_no_older_state_believed = Tenant.TestCase


async def test_an_import_is_later_than_what_was_there(store: SecretStore) -> None:
    daemon = process(store)
    version = await daemon.save("team", b"first", None)
    old = copy_of(store)
    person = StateWriter(cast("KubeClient", store), key=KEY, latest=notes(store))
    stored = await person.load("team")
    assert stored
    assert stored.version == version
    await person.save("team", b"imported", stored.version)

    found = await daemon.load("team")
    assert found
    assert found.checkpoint == b"imported"
    await put_back(store, old)
    with pytest.raises(StateDamagedError, match=OLDER):
        await daemon.load("team")
