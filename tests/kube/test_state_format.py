"""What a head Secret says is read within bounds, and leads nowhere but to parts of its own state."""

import base64
import contextlib
import hashlib
import hmac
import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_components.kube import state_format, state_reader
from gateway_components.kube.client import KubeClient
from gateway_components.kube.state_format import (
    PART_LABEL,
    STATE_SECRET,
    Signing,
    StateHead,
    base_of,
    digest_of,
    head_data,
    is_part,
    part_data,
    read_head,
    unpack,
    verify,
)
from gateway_components.kube.state_reader import StateDamagedError, StateReader

KEY = "a passphrase"
NAMESPACE = "team"
UID = "8f0b6b9a"
SIGNING = Signing(KEY, NAMESPACE, UID, 17)
PACKED = zlib.compress(b'{"version":3}')
DIGEST = hashlib.sha256(PACKED).hexdigest()
PART = f"{STATE_SECRET}-17-{'0' * 16}"


class Forged:
    """A cluster with these Secrets in each namespace."""

    def __init__(self, secrets: Mapping[str, Mapping[str, str]]) -> None:
        self.secrets = secrets
        self.asked: list[str] = []

    async def get(self, path: str) -> dict[str, Any] | None:
        self.asked.append(path.removeprefix(f"/api/v1/namespaces/{NAMESPACE}/secrets/"))
        found = self.secrets.get(self.asked[-1])
        return None if found is None else {"metadata": {"resourceVersion": "18", "uid": UID}, "data": found}


FIELDS = ("checkpoint", "parts", "sha256", "base", "signature", "doubts", "more")
VALUES = (b"[]", json.dumps([PART]).encode(), DIGEST.encode(), PACKED, b"17", b"9" * 30)


def data(**fields: str | bytes) -> dict[str, str]:
    return {
        name: base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()
        for name, value in fields.items()
    }


def listing(names: object) -> dict[str, str]:
    return data(parts=json.dumps(names), sha256=DIGEST)


FORGED: Mapping[str, dict[str, str]] = {
    "one name over and over": listing(["a"] * 170_000),
    "a part over and over": listing([PART] * 3),
    "more parts than are written": listing([f"{STATE_SECRET}-{number}-{'0' * 16}" for number in range(513)]),
    "another namespace": listing(["../../kube-system/secrets/x"]),
    "a watch": listing(["../../../secrets?watch=true"]),
    "another Secret": listing(["some-token"]),
    "the head itself": listing([STATE_SECRET]),
    "a name with more behind it": listing([f"{PART}/status"]),
    "a name with a line break": listing([f"{PART}\n"]),
    "no names": listing([7]),
    "no list": listing({PART: 1}),
    "lists in lists": data(parts="[" * 100_000, sha256=DIGEST),
    "a deep list of pending gateways": data(doubts="[" * 100_000, checkpoint=PACKED, sha256=DIGEST),
    "no checksum": data(checkpoint=PACKED),
    "half a checksum": data(checkpoint=PACKED, sha256=DIGEST[:32]),
    "no base64": {"checkpoint": "?", **data(sha256=DIGEST)},
    "no text": data(checkpoint=PACKED, sha256=b"\xff"),
    "nothing compressed": data(checkpoint=b"x", sha256=hashlib.sha256(b"x").hexdigest()),
    "cut off": data(checkpoint=PACKED[:-3], sha256=hashlib.sha256(PACKED[:-3]).hexdigest()),
}


@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.parametrize("key", [None, KEY], ids=["without the key", "with the key"])
async def test_a_forged_head_leads_nowhere(forged: str, key: str | None) -> None:
    cluster = Forged({STATE_SECRET: FORGED[forged]})

    with pytest.raises(StateDamagedError, match=f"{NAMESPACE}/{STATE_SECRET}"):
        await StateReader(cast("KubeClient", cluster), key=key).load(NAMESPACE)

    assert cluster.asked == [STATE_SECRET]


async def test_of_a_list_that_is_not_signed_nothing_is_read() -> None:
    cluster = Forged({STATE_SECRET: listing([PART]), PART: part_data(PACKED)})

    with pytest.raises(StateDamagedError, match="not written with the passphrase"):
        await StateReader(cast("KubeClient", cluster), key=KEY).load(NAMESPACE)

    assert cluster.asked == [STATE_SECRET]


async def test_parts_are_read_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_reader, "PACKED_BYTES", 100)
    names = [f"{STATE_SECRET}-17-{number:016}" for number in range(9)]
    cluster = Forged({STATE_SECRET: listing(names), **dict.fromkeys(names, part_data(bytes(60)))})

    with pytest.raises(StateDamagedError, match="more than 100 bytes"):
        await StateReader(cast("KubeClient", cluster)).load(NAMESPACE)

    assert cluster.asked == [STATE_SECRET, *names[:2]]


def in_head(packed: bytes) -> StateHead:
    """Return a head with all of a checkpoint."""
    return StateHead(frozenset(), packed, (), hashlib.sha256(packed).hexdigest(), 17, "")


def in_parts(*contents: bytes) -> StateHead:
    """Return a head with the first content, and the others in parts."""
    digest = digest_of(contents[0], (hashlib.sha256(content).digest() for content in contents[1:]))
    names = tuple(f"{STATE_SECRET}-17-{number:016}" for number in range(len(contents) - 1))
    return StateHead(frozenset(), contents[0], names, digest, 17, "")


def test_what_is_unpacked_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zlib.compress(bytes(2**22), 9)
    monkeypatch.setattr(state_format, "UNPACKED_BYTES", 2**20)

    with pytest.raises(ValueError, match="more than 1048576 bytes"):
        unpack(in_head(bomb), ())

    monkeypatch.setattr(state_format, "UNPACKED_BYTES", 2**22)
    assert unpack(in_head(bomb), ()) == bytes(2**22)
    for others in ([PACKED], [b"", PACKED], [bomb]):
        with pytest.raises(ValueError, match="more than 4194304 bytes"):
            unpack(in_parts(bomb, *others), others)


NO_PIECES = {
    "cut off": (PACKED, PACKED[:-1]),
    "cut off before the next": (PACKED[:-1], PACKED),
    "two in one part": (PACKED, PACKED + PACKED),
    "something behind": (PACKED, PACKED + b"x"),
    "nothing at all": (b"", b""),
    "not compressed": (PACKED, b"x" * 9),
}


@pytest.mark.parametrize("case", NO_PIECES)
def test_what_is_not_in_pieces_is_refused(case: str) -> None:
    contents = NO_PIECES[case]

    with pytest.raises(ValueError, match=r"truncated|more than its pieces|Error"):
        unpack(in_parts(*contents), contents[1:])


def test_what_is_written_is_read_and_believed() -> None:
    texts = [b"first", b"second", b"third"]
    contents = [zlib.compress(text) for text in texts]
    digests = {
        f"{STATE_SECRET}-17-{number:016}": hashlib.sha256(content).digest()
        for number, content in enumerate(contents[1:])
    }
    written = {name: value for name, value in head_data(contents[0], digests, SIGNING).items() if value}
    head = read_head(written)

    verify(head, SIGNING)
    assert head.base == SIGNING.base
    assert head.parts == tuple(digests)
    assert unpack(head, contents[1:]) == b"".join(texts)
    for others in (contents[:0:-1], contents[1:2], [*contents[1:], PACKED]):
        with pytest.raises(ValueError, match="checksum"):
            unpack(head, others)
    for other in ([*digests][::-1], [*digests][:1], []):
        swapped = {**written, "parts": listing(other)["parts"]}
        with pytest.raises(ValueError, match="passphrase"):
            verify(read_head(swapped), SIGNING)
    del written["checkpoint"]
    with pytest.raises(ValueError, match="passphrase"):
        verify(read_head(written), SIGNING)


def test_an_earlier_signature_holds_for_a_state_in_one_secret() -> None:
    signature = hmac.new(KEY.encode(), f"{NAMESPACE} {DIGEST}".encode(), "sha256").hexdigest()
    earlier = data(checkpoint=PACKED, sha256=DIGEST, signature=signature, doubts="[]")

    head = read_head(earlier)
    verify(head, Signing(KEY, NAMESPACE, UID, head.base))

    with pytest.raises(ValueError, match="list of parts"):
        read_head(listing([f"{STATE_SECRET}-{'0' * 16}"]))


NAMES = (
    (PART, True, "17"),
    (f"{STATE_SECRET}-{'0' * 16}", True, ""),
    (STATE_SECRET, False, ""),
    (f"{STATE_SECRET}-mine", False, ""),
    (f"{PART}-mine", False, ""),
)


@pytest.mark.parametrize(("name", "ours", "base"), NAMES)
def test_a_part_is_known_by_its_name_and_label(name: str, ours: bool, base: str) -> None:
    assert is_part({"name": name, "labels": {PART_LABEL: "true"}}) is ours
    assert not is_part({"name": name})
    assert base_of(name) == base


FOREIGN = (
    ({"key": "another"}, "another install"),
    ({"namespace": "other"}, "another namespace"),
    ({"uid": "another"}, "a Secret that was made anew"),
    ({"base": 16}, "an older base than it has"),
    ({"base": 0}, "the form of earlier versions"),
)


@pytest.mark.parametrize(("change", "why"), FOREIGN, ids=[case[1] for case in FOREIGN])
def test_a_state_is_signed_for_one_secret_and_one_version_of_it(change: Mapping[str, Any], why: str) -> None:
    data = {name: value for name, value in head_data(PACKED, {}, SIGNING).items() if value}

    with pytest.raises(ValueError, match="for this Secret"):
        verify(read_head(data), replace(SIGNING, **change))


@given(st.dictionaries(st.sampled_from(FIELDS), st.binary(max_size=40) | st.sampled_from(VALUES)))
def test_any_head_is_read_or_refused(fields: Mapping[str, bytes]) -> None:
    try:
        head = read_head({name: base64.b64encode(value).decode() for name, value in fields.items()})
    except ValueError:
        return
    assert all(base_of(part) for part in head.parts)
    if head.packed is not None or head.parts:
        with pytest.raises(ValueError, match="passphrase"):
            verify(head, Signing(KEY, NAMESPACE, UID, head.base))


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=40)))
def test_any_text_as_data_is_read_or_refused(fields: Mapping[str, str]) -> None:
    with contextlib.suppress(ValueError):
        read_head(fields)


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_unpacked_or_refused(packed: bytes, compressed: bool) -> None:
    content = zlib.compress(packed) if compressed else packed
    with contextlib.suppress(ValueError):
        assert unpack(in_head(content), ()) == packed
