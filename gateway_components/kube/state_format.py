"""How a state stands in Secrets: names, data, signature, and the bounds within which it is read."""

import base64
import hashlib
import hmac
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway_components.plan.ownership import FIELD_MANAGER

__all__ = [
    "PACKED_BYTES",
    "PART_BYTES",
    "PART_LABEL",
    "STATE_LABELS",
    "STATE_SECRET",
    "StateHead",
    "base_of",
    "doubts_data",
    "head_data",
    "is_part",
    "part_content",
    "part_data",
    "parts_of",
    "read_head",
    "secret",
    "unpack",
    "verify",
]

STATE_SECRET = "litellm-gateways-state"  # noqa: S105  (a name)
"""Name of the head Secret; the names of its parts begin with it."""

STATE_LABELS = {"app.kubernetes.io/managed-by": FIELD_MANAGER}
"""Labels of the head and of its parts."""

PART_LABEL = "runtime.agentic-layer.ai/state-part"
PART_BYTES = 700_000
"""A Secret holds 1 MiB at most, all names and annotations among it."""

PACKED_BYTES = 2**26
"""What all parts of one state may hold together."""
_UNPACKED_BYTES = 2**28
"""What a state may become by decompression: deflate makes up to a thousand bytes of one."""
_PARTS = 256

_PART = re.compile(rf"{STATE_SECRET}-([0-9]{{1,20}})-[0-9a-f]{{16}}")
_EARLIER_PART = re.compile(rf"{STATE_SECRET}-[0-9a-f]{{16}}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_CONTENT = ("checkpoint", "parts", "sha256", "signature")


@dataclass(frozen=True, slots=True)
class StateHead:
    """What the head Secret says.

    Attributes
    ----------
    doubts
        Names of what an engine run was about when it was last heard of.
    packed
        The compressed checkpoint; None where it stands in parts, or where there is none.
    parts
        Names of the parts, in order.
    digest
        SHA-256 of the compressed checkpoint; empty where there is none.
    signature
        Binds namespace, digest and the names of the parts to the key of an install.
    """

    doubts: frozenset[str]
    packed: bytes | None
    parts: tuple[str, ...]
    digest: str
    signature: str


def read_head(data: Mapping[str, str]) -> StateHead:
    """Return what the data of a head Secret says; no name in it leads anywhere but to a part.

    Raises
    ------
    ValueError
        It says nothing that can be read.
    """
    fields = {name: base64.b64decode(value, validate=True) for name, value in data.items()}
    packed = fields.get("checkpoint")
    parts = () if packed is not None else _part_names(fields.get("parts", b"[]"))
    digest = fields.get("sha256", b"").decode()
    if (packed is not None or parts) and not _DIGEST.fullmatch(digest):
        raise ValueError("it has no checksum")
    doubts = frozenset(_names(fields.get("doubts", b"[]")))
    return StateHead(doubts, packed, parts, digest, fields.get("signature", b"").decode())


def head_data(
    namespace: str, packed: bytes | None, parts: Iterable[str], key: str | None
) -> dict[str, str | None]:
    """Return the data of a head Secret whose state is settled; None is a field that goes."""
    names = tuple(parts)
    data: dict[str, str | None] = {**doubts_data(()), **dict.fromkeys(_CONTENT)}
    if packed is None:
        return data
    digest = hashlib.sha256(packed).hexdigest()
    data["sha256"] = _encoded(digest)
    if names:
        data["parts"] = _encoded(json.dumps(names))
    else:
        data["checkpoint"] = base64.b64encode(packed).decode()
    if key:
        data["signature"] = _encoded(_signature(key, namespace, digest, names))
    return data


def doubts_data(names: Iterable[str]) -> dict[str, str]:
    """Return the field of a head Secret that notes what an engine run is about."""
    return {"doubts": _encoded(json.dumps(sorted(names)))}


def verify(head: StateHead, namespace: str, key: str) -> None:
    """Refuse a head that was signed with another key, or for another namespace or list of parts.

    Raises
    ------
    ValueError
        It is not ours.
    """
    if head.packed is None and not head.parts:
        return
    expected = _signature(key, namespace, head.digest, head.parts)
    if not hmac.compare_digest(expected.encode(), head.signature.encode()):
        raise ValueError("it was not written with the passphrase of this install")


def unpack(packed: bytes, digest: str) -> bytes:
    """Return the checkpoint that was compressed.

    Raises
    ------
    ValueError
        It is another one than `digest` says, cut off, or too large.
    """
    if hashlib.sha256(packed).hexdigest() != digest:
        raise ValueError("its checksum is another")
    decompressor = zlib.decompressobj()
    try:
        checkpoint = decompressor.decompress(packed, _UNPACKED_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not decompressor.eof:
        raise ValueError(f"it is cut off, or holds more than {_UNPACKED_BYTES} bytes")
    return checkpoint


def parts_of(packed: bytes, base: str, part_bytes: int) -> dict[str, bytes]:
    """Split what one Secret does not take, for a head that is written on version `base`; names and contents in order.

    A name is used for one content and by one version of the head. So a part that no head names, and that was made on
    a version which is no longer the current one, is never named again: see `StateSecrets`.
    """
    chunks = [packed[at : at + part_bytes] for at in range(0, len(packed), part_bytes)]
    return {f"{STATE_SECRET}-{base}-{hashlib.sha256(chunk).hexdigest()[:16]}": chunk for chunk in chunks}


def is_part(metadata: Mapping[str, Any]) -> bool:
    """Tell whether a Secret is a part of a state, of this form or of an earlier one."""
    labelled = PART_LABEL in (metadata.get("labels") or {})
    return labelled and any(form.fullmatch(metadata["name"]) for form in (_PART, _EARLIER_PART))


def base_of(part: str) -> str:
    """Return the version of the head that a part was made on; empty for a part of an earlier form."""
    match = _PART.fullmatch(part)
    return match[1] if match else ""


def part_data(content: bytes) -> dict[str, str]:
    """Return the data of the Secret of a part."""
    return {"checkpoint": base64.b64encode(content).decode()}


def part_content(data: Mapping[str, str]) -> bytes:
    """Return what the data of the Secret of a part holds.

    Raises
    ------
    ValueError
        It holds nothing that can be read.
    """
    return base64.b64decode(data.get("checkpoint", ""), validate=True)


def secret(name: str, data: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, Any]:
    """Return the Secret of a head or of a part."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "runtime.agentic-layer.ai/state",
        "metadata": {"name": name, "labels": {**STATE_LABELS, **labels}},
        "data": dict(data),
    }


def _part_names(text: bytes) -> tuple[str, ...]:
    names = tuple(_names(text))
    if len(names) > _PARTS:
        raise ValueError(f"it names {len(names)} parts, which is more than {_PARTS}")
    if len(set(names)) < len(names) or not all(map(_PART.fullmatch, names)):
        raise ValueError("its list of parts is not of the form that is written here")
    return names


def _names(text: bytes) -> list[str]:
    try:
        names = json.loads(text)
    except RecursionError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("a list of names is none")
    return names


def _signature(key: str, namespace: str, digest: str, parts: Iterable[str]) -> str:
    # Of a state without parts this is what earlier versions signed.
    return hmac.new(key.encode(), " ".join((namespace, digest, *parts)).encode(), "sha256").hexdigest()


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
