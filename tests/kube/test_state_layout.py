"""A state in pieces: a change writes the pieces that changed, and what is read was written, whoever dies when."""

import asyncio
import base64
import hashlib
import hmac
import json
import random
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_components.engine.entries import Piece
from gateway_components.kube.client import KubeClient
from gateway_components.kube.fence import FencedClient
from gateway_components.kube.resources import SECRETS
from gateway_components.kube.state_format import (
    PART_LABEL,
    STATE_SECRET,
    Known,
    Signing,
    lay_out,
    part_data,
    secret,
)
from gateway_components.kube.state_reader import StateDamagedError, StateReader
from gateway_components.kube.state_secrets import StateSecrets, StateWriter
from tests.kube.secret_store import SecretStore

KEY = "a passphrase"
HEAD = SECRETS.item("team", STATE_SECRET)
Texts = Mapping[int, bytes]


class KilledError(Exception):
    """The process is gone."""


class Fatal(SecretStore):
    """A cluster whose client dies after as many requests as are `left`, if any; the last of them may be `answered`."""

    left: int | None = None
    answered = False

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self._count()
        stored = await super().create(path, body)
        return self._end(stored)

    async def merge_patch(
        self, path: str, body: Mapping[str, Any], *, manager: str | None = None
    ) -> dict[str, Any]:
        self._count()
        stored = await super().merge_patch(path, body, manager=manager)
        return self._end(stored)

    async def delete(self, path: str, *, uid: str, version: str) -> None:
        self._count()
        await super().delete(path, uid=uid, version=version)
        self._end({})

    def _count(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0 and not self.answered:
                raise KilledError

    def _end(self, stored: dict[str, Any]) -> dict[str, Any]:
        if self.left is not None and self.left < 0:
            raise KilledError
        return stored


@pytest.fixture
def store() -> SecretStore:
    return SecretStore()


def process(store: SecretStore, part_bytes: int = 700_000) -> StateSecrets:
    """Return what a daemon has that was just started."""
    return StateSecrets(cast("FencedClient", store), part_bytes, key=KEY)


def pieces(texts: Texts, read: list[int] | None = None) -> list[Piece]:
    """Return a state with these texts; `read` hears of those that are read."""

    def reading(number: int) -> bytes:
        if read is not None:
            read.append(number)
        return texts[number]

    return [
        Piece((number, texts[number]), lambda number=number: reading(number))  # type: ignore[misc]
        for number in sorted(texts)
    ]


def crowd(count: int, seed: int = 3) -> dict[int, bytes]:
    chance = random.Random(seed)
    return {number: chance.randbytes(2000) for number in range(count)}


def whole(texts: Texts) -> bytes:
    return b"".join(texts[number] for number in sorted(texts))


def parts(store: SecretStore) -> set[str]:
    return {path for path in store.objects if path != HEAD}


async def loaded(store: SecretStore, part_bytes: int = 700_000) -> bytes | None:
    found = await process(store, part_bytes).load("team")
    return found.checkpoint if found else None


def sent(store: SecretStore, before: Iterable[str]) -> int:
    """Return the bytes of the head, and of the parts that are new."""
    fresh = [store.objects[HEAD], *(store.objects[path] for path in parts(store) - {*before})]
    return sum(len(json.dumps(one)) for one in fresh)


@pytest.mark.parametrize("restarted", [False, True], ids=["the same process", "a new process"])
async def test_an_edit_writes_its_piece_and_the_head(store: SecretStore, restarted: bool) -> None:
    daemon, texts = process(store), crowd(100)
    version = await daemon.save("team", pieces(texts), None)
    assert len(parts(store)) == 99, "the first is in the head"
    if restarted:
        daemon = process(store)
        await daemon.load("team")
        # Once: nobody knows yet in which parts they are.
        version = await daemon.save("team", pieces(texts), version)
    before, read = parts(store), list[int]()
    store.requests.clear()

    version = await daemon.intend("team", ["AiGateway team/chat"], version)
    texts[7] = b"edited" * 400
    await daemon.save("team", pieces(texts, read), version)

    assert read == [0, 7], "the others are not even read"
    (fresh,), (gone,) = parts(store) - before, before - parts(store)
    collection = SECRETS.collection("team")
    assert store.requests == [
        ("patch", HEAD),
        ("create", collection),
        ("patch", HEAD),
        ("delete", gone),
    ]
    assert sent(store, before) < 16_000
    assert fresh in store.objects
    assert await loaded(store) == whole(texts)


async def test_a_state_of_few_pieces_takes_one_secret(store: SecretStore) -> None:
    daemon, texts = process(store), crowd(2)

    await daemon.save("team", pieces(texts), None)

    assert parts(store) == set()
    assert await loaded(store) == whole(texts)


async def test_a_state_of_too_many_pieces_is_one(store: SecretStore) -> None:
    texts = {number: b"%d" % number for number in range(401)}

    await process(store, 500).save("team", pieces(texts), None)

    assert 1 < len(parts(store)) < 10
    assert await loaded(store) == whole(texts)


@pytest.mark.parametrize("count", [1, 2, 7])
async def test_pieces_that_are_too_large_take_several_parts(store: SecretStore, count: int) -> None:
    daemon, texts = process(store, 900), crowd(count)
    version = await daemon.save("team", pieces(texts), None)
    assert await loaded(store, 900) == whole(texts)

    texts[0] = b"edited"
    await daemon.save("team", pieces(texts), version)
    assert await loaded(store, 900) == whole(texts)


async def test_a_state_of_the_earlier_form_is_read_and_rewritten(store: SecretStore) -> None:
    texts = crowd(9)
    packed = zlib.compress(whole(texts))
    chunks = [packed[at : at + 3000] for at in range(0, len(packed), 3000)]
    empty = await store.create(SECRETS.collection("team"), secret(STATE_SECRET, {}, {}))
    uid, base = empty["metadata"]["uid"], empty["metadata"]["resourceVersion"]
    names = [f"{STATE_SECRET}-{base}-{hashlib.sha256(chunk).hexdigest()[:16]}" for chunk in chunks]
    for name, chunk in zip(names, chunks, strict=True):
        body = secret(name, part_data(chunk), {PART_LABEL: "true"})
        await store.create(SECRETS.collection("team"), body)
    digest = hashlib.sha256(packed).hexdigest()
    signed = json.dumps(["team", uid, int(base), digest, *names])
    fields = {
        "parts": json.dumps(names),
        "sha256": digest,
        "base": base,
        "signature": hmac.new(KEY.encode(), signed.encode(), "sha256").hexdigest(),
    }
    data = {name: base64.b64encode(value.encode()).decode() for name, value in fields.items()}
    await store.merge_patch(HEAD, {"data": data})

    daemon = process(store)
    found = await daemon.load("team")
    assert found
    assert found.checkpoint == whole(texts)
    earlier = parts(store)
    assert len(earlier) == len(chunks)

    await daemon.save("team", pieces(texts), found.version)
    assert not parts(store) & earlier
    assert len(parts(store)) == 8
    assert await loaded(store) == whole(texts)


TAMPERED = ("changed", "exchanged", "swapped in the list", "left out of the list", "the beginning")


@pytest.mark.parametrize("how", TAMPERED)
async def test_pieces_that_were_tampered_with_are_no_state(store: SecretStore, how: str) -> None:
    daemon, texts = process(store), crowd(5)
    version = await daemon.save("team", pieces(texts), None)
    first, second, *_ = (store.objects[path] for path in sorted(parts(store)))
    data = store.objects[HEAD]["data"]
    names = json.loads(base64.b64decode(data["parts"]))
    if how == "changed":
        first["data"] = part_data(zlib.compress(b"another"))
    elif how == "exchanged":
        first["data"], second["data"] = second["data"], first["data"]
    elif how == "swapped in the list":
        data["parts"] = base64.b64encode(json.dumps(names[::-1]).encode()).decode()
    elif how == "left out of the list":
        data["parts"] = base64.b64encode(json.dumps(names[:-1]).encode()).decode()
    else:
        data["checkpoint"] = base64.b64encode(zlib.compress(b"another")).decode()

    with pytest.raises(StateDamagedError) as damaged:
        await daemon.load("team")

    await daemon.save("team", pieces(texts), damaged.value.version)
    assert damaged.value.version == version
    assert await loaded(store) == whole(texts), "all of it is written anew"


def test_no_signature_of_one_form_holds_for_the_other() -> None:
    signing = Signing(KEY, "team", "uid", 17)

    for base in (0, 17):
        signing = Signing(KEY, "team", "uid", base)
        assert signing.signature("0" * 64, ["a"], in_pieces=True) != signing.signature(
            "0" * 64, ["a"], in_pieces=False
        )
    assert Signing(KEY, "team", "uid", 0).signature("0" * 64, ["pieces"], in_pieces=False) != Signing(
        KEY, "team", "uid", 0
    ).signature("0" * 64, [], in_pieces=True)


def test_parts_stay_only_from_the_version_that_is_written_on() -> None:
    texts = crowd(5)
    layout = lay_out(pieces(texts), Known("17"), 700_000)
    assert all(name.startswith(f"{STATE_SECRET}-17-") for name in layout.parts)

    unknown = lay_out(pieces(texts), Known("18"), 700_000)

    assert not unknown.parts.keys() & layout.parts.keys()
    assert unknown.fresh.keys() == unknown.parts.keys()


async def test_whoever_imports_beside_a_daemon_keeps_its_parts(store: SecretStore) -> None:
    daemon, texts = process(store), crowd(30)
    version = await daemon.save("team", pieces(texts), None)
    person = StateWriter(cast("KubeClient", store), key=KEY)
    found = await person.load("team")
    assert found
    imported = {**texts, 3: b"imported"}
    await person.save("team", pieces(imported), found.version)

    assert await loaded(store) == whole(imported)
    assert len(parts(store)) == 29, "who leads has removed the part of before"
    with pytest.raises(Exception, match="by somebody else"):
        await daemon.save("team", pieces(texts), version)
    assert await loaded(store) == whole(imported)


EDITS = st.lists(
    st.tuples(
        st.dictionaries(st.integers(0, 6), st.sampled_from((b"", b"a", b"b", b"c" * 50)), max_size=4),
        st.none() | st.integers(0, 12),
        st.booleans(),
    ),
    max_size=8,
)


@given(edits=EDITS, part_bytes=st.sampled_from((12, 700_000)))
def test_what_is_read_was_written_whoever_dies_when(
    edits: list[tuple[dict[int, bytes], int | None, bool]], part_bytes: int
) -> None:
    asyncio.run(edited(edits, part_bytes))


async def edited(edits: list[tuple[dict[int, bytes], int | None, bool]], part_bytes: int) -> None:
    store, texts, believed = Fatal(), dict[int, bytes](), None
    daemon, version = process(store, part_bytes), None
    for number, (changes, left, answered) in enumerate(edits):
        store.left, store.answered = left, answered
        # The first piece changes with each run, as the time of a state does, and none holds what another does.
        fresh = {**texts, **changes, -1: b"run %d;" % number}
        texts = {key: text for key, text in fresh.items() if text}
        written = {key: b"%d=%b;" % (key, text) for key, text in texts.items()}
        try:
            version = await daemon.intend("team", ["AiGateway team/chat"], version)
            version = await daemon.save("team", pieces(written), version)
        except KilledError:
            store.left = None
            daemon = process(store, part_bytes)
            found = await daemon.load("team")
            version = found.version if found else None
            held = found.checkpoint if found else None
            assert held in {believed, whole(written)}
            believed = held
        else:
            believed = whole(written)
        store.left = None
        reader = StateReader(cast("KubeClient", store), key=KEY)
        found = await reader.load("team")
        assert (found.checkpoint if found else None) == believed
        named = {SECRETS.item("team", name) for name in found.parts} if found else set()
        assert named <= parts(store)
    daemon = process(store, part_bytes)
    found = await daemon.load("team")
    version = await daemon.intend("team", [], found.version if found else None)
    # The parts of the version that was current may have been those of a write under way.
    version = await daemon.save("team", pieces({0: b"0", 1: b"1", 2: b"2"}), version)
    version = await daemon.save("team", pieces({0: b"3", 1: b"1", 2: b"2"}), version)
    found = await process(store).load("team")
    assert found
    assert found.checkpoint == b"312"
    assert parts(store) == {SECRETS.item("team", name) for name in found.parts}, "the rest was swept"
    await daemon.remove("team", version)
    assert store.objects == {}
