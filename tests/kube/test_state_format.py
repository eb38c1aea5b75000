"""What a head Secret says is read within bounds, and leads nowhere but to parts of its own state."""

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Mapping
from typing import Any, cast

import pytest

from gateway_components.kube import state_format, state_reader
from gateway_components.kube.client import KubeClient
from gateway_components.kube.state_format import (
    PART_LABEL,
    STATE_SECRET,
    base_of,
    head_data,
    is_part,
    part_data,
    parts_of,
    read_head,
    unpack,
    verify,
)
from gateway_components.kube.state_reader import StateDamagedError, StateReader

KEY = "a passphrase"
NAMESPACE = "team"
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
        return None if found is None else {"metadata": {"resourceVersion": "18"}, "data": found}


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
    "more parts than are written": listing([f"{STATE_SECRET}-{number}-{'0' * 16}" for number in range(257)]),
    "another namespace": listing(["../../kube-system/secrets/x"]),
    "a watch": listing(["../../../secrets?watch=true"]),
    "another Secret": listing(["some-token"]),
    "the head itself": listing([STATE_SECRET]),
    "a name with more behind it": listing([f"{PART}/status"]),
    "a name with a line break": listing([f"{PART}\n"]),
    "no names": listing([7]),
    "no list": listing({PART: 1}),
    "lists in lists": data(parts="[" * 100_000, sha256=DIGEST),
    "doubts in doubts": data(doubts="[" * 100_000, checkpoint=PACKED, sha256=DIGEST),
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


def test_what_is_unpacked_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zlib.compress(bytes(2**22), 9)
    monkeypatch.setattr(state_format, "_UNPACKED_BYTES", 2**20)

    with pytest.raises(ValueError, match="more than 1048576 bytes"):
        unpack(bomb, hashlib.sha256(bomb).hexdigest())

    monkeypatch.setattr(state_format, "_UNPACKED_BYTES", 2**22)
    assert unpack(bomb, hashlib.sha256(bomb).hexdigest()) == bytes(2**22)


def test_what_is_written_is_read_and_believed() -> None:
    parts = parts_of(PACKED, "17", 8)
    written = {name: value for name, value in head_data(NAMESPACE, PACKED, parts, KEY).items() if value}
    head = read_head(written)

    verify(head, NAMESPACE, KEY)
    assert head.parts == tuple(parts)
    assert unpack(b"".join(parts.values()), head.digest) == b'{"version":3}'
    for other in (parts_of(PACKED, "18", 8), dict(reversed(parts.items())), {}):
        swapped = {**written, "parts": listing(list(other))["parts"]}
        if not other:
            swapped["checkpoint"] = base64.b64encode(PACKED).decode()
        with pytest.raises(ValueError, match="passphrase"):
            verify(read_head(swapped), NAMESPACE, KEY)


def test_the_signature_of_earlier_versions_holds_for_a_state_in_one_secret() -> None:
    signature = hmac.new(KEY.encode(), f"{NAMESPACE} {DIGEST}".encode(), "sha256").hexdigest()
    earlier = data(checkpoint=PACKED, sha256=DIGEST, signature=signature, doubts="[]")

    verify(read_head(earlier), NAMESPACE, KEY)

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
