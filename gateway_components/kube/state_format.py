"""The form of a state in Secrets: names, data, signature, limits, and which parts of the one before stay."""

import base64
import hashlib
import hmac
import json
import re
import zlib
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gateway_components.plan.ownership import FIELD_MANAGER

STATE_SECRET = "litellm-gateways-state"  # noqa: S105  (a name)
"""Name of the head Secret, and prefix of its parts' names."""

STATE_TYPE = "runtime.agentic-layer.ai/state"
"""Type of these Secrets."""

STATE_LABELS = {"app.kubernetes.io/managed-by": FIELD_MANAGER}
"""Labels of the head and of its parts."""

PART_LABEL = "runtime.agentic-layer.ai/state-part"
PART_BYTES = 700_000
"""The limit of a Secret is 1 MiB, with names and annotations."""

PACKED_BYTES = 2**26
"""Limit of all parts of one state together."""
UNPACKED_BYTES = 2**28
"""Limit after decompression, which may expand a thousandfold."""
_PARTS = 512

PART_NAMES = rf"{STATE_SECRET}-([0-9]{{1,20}}-)?[0-9a-f]{{16}}"
"""Matches the name of a part, of this or an earlier form."""
_PART = re.compile(rf"{STATE_SECRET}-([0-9]{{1,20}})-[0-9a-f]{{16}}")
_EARLIER_PART = re.compile(rf"{STATE_SECRET}-[0-9a-f]{{16}}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[0-9]{1,20}")
_PENDING = "doubts"
"""Field of the pending gateways, named as in the states that are stored already."""
_CONTENT = ("checkpoint", "parts", "sha256", "base", "signature")


@dataclass(frozen=True, slots=True)
class StateHead:
    """The content of a head Secret.

    Attributes
    ----------
    pending
        Names of the gateways in an engine run whose outcome was not recorded.
    packed
        The compressed checkpoint, or its beginning where there are parts; None if it is missing, or of an earlier form
        in parts.
    parts
        Names of the parts, in order.
    digest
        Of the compressed checkpoint, as of `digest_of`; empty without one.
    base
        Version of the Secret that the state was written on; 0 in the earlier form.
    signature
        Binds namespace, Secret, base, form, digest and the names of the parts to the key of an install.
    """

    pending: frozenset[str]
    packed: bytes | None
    parts: tuple[str, ...]
    digest: str
    base: int
    signature: str

    @property
    def in_pieces(self) -> bool:
        """Whether head and parts hold pieces that are compressed one by one; in the earlier form they are one."""
        return self.packed is not None and bool(self.parts)


def read_head(data: Mapping[str, str]) -> StateHead:
    """Decode the data of a head Secret; it can name nothing but parts.

    Raises ValueError: it is malformed.
    """
    fields = {name: base64.b64decode(value, validate=True) for name, value in data.items()}
    packed = fields.get("checkpoint")
    parts = _part_names(fields.get("parts", b"[]"))
    digest = fields.get("sha256", b"").decode()
    if (packed is not None or parts) and not _DIGEST.fullmatch(digest):
        raise ValueError("it has no checksum")
    pending = frozenset(_names(fields.get(_PENDING, b"[]")))
    base = fields.get("base", b"0").decode()
    if not _NUMBER.fullmatch(base):
        raise ValueError("the version that it was written on is malformed")
    return StateHead(pending, packed, parts, digest, int(base), fields.get("signature", b"").decode())


@dataclass(frozen=True, slots=True)
class Signing:
    """What a signature binds a state to: the install's key, its Secret, and the version it is written on."""

    key: str = field(repr=False)
    namespace: str
    uid: str
    base: int

    def signature(self, digest: str, parts: Iterable[str], *, in_pieces: bool) -> str:
        """Return the signature of a state with this digest, in these parts."""
        if in_pieces:
            # No digest is this word, so no signature of one form holds for the other.
            return self._of(json.dumps([self.namespace, self.uid, self.base, "pieces", digest, *parts]))
        if not self.base:
            # The earlier form, which counts as older than any state of today.
            return self._of(" ".join((self.namespace, digest, *parts)))
        return self._of(json.dumps([self.namespace, self.uid, self.base, digest, *parts]))

    def _of(self, text: str) -> str:
        return hmac.new(self.key.encode(), text.encode(), "sha256").hexdigest()


def head_data(
    packed: bytes | None, parts: Mapping[str, bytes], signing: Signing | None
) -> dict[str, str | None]:
    """Return the data of a head Secret without pending gateways; None as a value removes that field.

    It gets the compressed checkpoint, or its beginning where there are parts, or None for no state; and SHA-256 of each
    part by its name, in order. Without `signing` nothing is signed.
    """
    data: dict[str, str | None] = {**pending_data(()), **dict.fromkeys(_CONTENT)}
    if packed is None:
        return data
    digest = digest_of(packed, parts.values())
    data["sha256"] = _encoded(digest)
    data["checkpoint"] = base64.b64encode(packed).decode()
    if parts:
        data["parts"] = _encoded(json.dumps([*parts]))
    if signing:
        data["base"] = _encoded(str(signing.base))
        data["signature"] = _encoded(signing.signature(digest, parts, in_pieces=bool(parts)))
    return data


def digest_of(packed: bytes, parts: Iterable[bytes]) -> str:
    """Return the digest of a head's content; with parts, the digest of their digests, so that none has to be read."""
    digest, others = hashlib.sha256(packed), [*parts]
    return hashlib.sha256(b"".join((digest.digest(), *others))).hexdigest() if others else digest.hexdigest()


def pending_data(names: Iterable[str]) -> dict[str, str]:
    """Return the data that record the gateways of an engine run."""
    return {_PENDING: _encoded(json.dumps(sorted(names)))}


def verify(head: StateHead, signing: Signing) -> None:
    """Refuse a head that was signed with another key, or for another Secret or list of parts.

    Raises ValueError: the signature is not ours.
    """
    if head.packed is None and not head.parts:
        return
    expected = signing.signature(head.digest, head.parts, in_pieces=head.in_pieces)
    if not hmac.compare_digest(expected.encode(), head.signature.encode()):
        raise ValueError("it was not written with the passphrase of this install, for this Secret")


def unpack(head: StateHead, parts: Sequence[bytes]) -> bytes:
    """Decompress the checkpoint of a head with one, given the content of its parts in order.

    Raises ValueError: it does not match the digest, is truncated, or is too large.
    """
    contents = [*parts] if head.packed is None else [head.packed, *parts]
    if head.in_pieces:
        digest = digest_of(contents[0], (hashlib.sha256(part).digest() for part in parts))
    else:
        contents = [b"".join(contents)]
        digest = digest_of(contents[0], ())
    if digest != head.digest:
        raise ValueError("its checksum is wrong")
    return _decompressed(contents)


def _decompressed(contents: Iterable[bytes]) -> bytes:
    """Decompress pieces, each of which begins with a content of its own."""
    found, decompressor, ended = bytearray(), None, False
    for content in filter(None, contents):
        decompressor = decompressor or zlib.decompressobj()
        try:
            found += decompressor.decompress(content, UNPACKED_BYTES - len(found) + 1)
        except zlib.error as error:
            raise ValueError(str(error)) from None
        if len(found) > UNPACKED_BYTES:
            raise ValueError(f"it holds more than {UNPACKED_BYTES} bytes")
        if decompressor.unused_data or decompressor.unconsumed_tail:
            raise ValueError("it holds more than its pieces")
        ended = decompressor.eof
        if ended:
            decompressor = None
    if not ended:
        raise ValueError("it is truncated")
    return bytes(found)


def is_part(metadata: Mapping[str, Any]) -> bool:
    """Return whether a Secret is a part of a state, of this or an earlier form."""
    labelled = PART_LABEL in (metadata.get("labels") or {})
    return labelled and any(form.fullmatch(metadata["name"]) for form in (_PART, _EARLIER_PART))


def base_of(part: str) -> str:
    """Return the version of the head that a part belongs to; empty in an earlier form."""
    match = _PART.fullmatch(part)
    return match[1] if match else ""


def part_data(content: bytes) -> dict[str, str]:
    """Return the data of the Secret of a part."""
    return {"checkpoint": base64.b64encode(content).decode()}


def part_content(data: Mapping[str, str]) -> bytes:
    """Decode the data of the Secret of a part; ValueError if it is malformed."""
    return base64.b64decode(data.get("checkpoint", ""), validate=True)


def secret(name: str, data: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, Any]:
    """Return the Secret of a head or of a part."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": STATE_TYPE,
        "metadata": {"name": name, "labels": {**STATE_LABELS, **labels}},
        "data": dict(data),
    }


def _part_names(text: bytes) -> tuple[str, ...]:
    names = tuple(_names(text))
    if len(names) > _PARTS:
        raise ValueError(f"it names {len(names)} parts, which is more than {_PARTS}")
    if len(set(names)) < len(names) or not all(map(_PART.fullmatch, names)):
        raise ValueError("its list of parts is malformed")
    return names


def _names(text: bytes) -> list[str]:
    try:
        names = json.loads(text)
    except RecursionError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("a list of names is malformed")
    return names


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


Piece = tuple[Hashable, Callable[[], bytes]]
"""What identifies the content of a piece within one process, and what reads it."""

Checkpoint = bytes | Sequence[Piece]
"""The engine's own file, as a whole or in pieces: storing it again reads and writes only the changed ones."""

_LEVEL = 6
_SMALL = 2
"""So many pieces go into the head together: one write takes less than those of head and part."""
_MOST_PIECES = 400
"""Pieces have a part at least, and no head may name more than 512. A state of more pieces is one again."""


@dataclass(frozen=True, slots=True)
class Part:
    """A Secret with a part of a state, and SHA-256 of its content.

    UID and version are those last read or written; empty for one that is not written yet.
    """

    name: str
    digest: bytes
    uid: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the state at one version of the head: the parts that it names, by name.

    `marks` has the names of the parts that hold a piece, by its mark.
    """

    version: str
    parts: Mapping[str, Part] = field(default_factory=dict)
    marks: Mapping[Hashable, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a state is to lie: what the head holds, and the parts by name, in order.

    The head holds the whole, or the beginning where there are parts. `fresh` has the content of those that are to be
    written, and `marks` is as for `Known`.
    """

    packed: bytes
    parts: Mapping[str, Part] = field(default_factory=dict)
    fresh: Mapping[str, bytes] = field(default_factory=dict)
    marks: Mapping[Hashable, tuple[str, ...]] = field(default_factory=dict)


def lay_out(checkpoint: Checkpoint, known: Known, part_bytes: int) -> Layout:
    """Lay a state out, to be written on the version `known`.

    Each piece is compressed by itself, and lies in parts of its own. So an edit writes what it changed: a piece that is
    as it was keeps its parts. A part is named after its content and the version that it was made on. One that stays is
    one that the head of `known` names: see `StateSecrets` for what follows of that.
    """
    pieces: list[Piece] = [(None, lambda: checkpoint)] if isinstance(checkpoint, bytes) else list(checkpoint)
    if len(pieces) <= _SMALL:
        packed = zlib.compress(_joined(pieces), _LEVEL)
        if len(packed) <= part_bytes:
            return Layout(packed)
    if len(pieces) > _MOST_PIECES:
        pieces = [(None, partial(_joined, pieces))]
    # It is read and written with each run anyway, and the beginning of a state changes with each run.
    first = zlib.compress(pieces[0][1](), _LEVEL)
    if len(first) <= part_bytes:
        return _parted(first, pieces[1:], known, part_bytes)
    return _parted(b"", pieces, known, part_bytes)


def _parted(packed: bytes, pieces: Iterable[Piece], known: Known, part_bytes: int) -> Layout:
    by_digest = {part.digest: part for part in known.parts.values()}
    parts: dict[str, Part] = {}
    fresh: dict[str, bytes] = {}
    marks: dict[Hashable, tuple[str, ...]] = {}
    for mark, read in pieces:
        names = known.marks.get(mark)
        if names is None:
            chunks = _chunks(zlib.compress(read(), _LEVEL), part_bytes)
            found = [_part(chunk, by_digest, known.version) for chunk in chunks]
            names = tuple(part.name for part in found)
            fresh |= {part.name: chunk for part, chunk in zip(found, chunks, strict=True) if not part.version}
        else:
            found = [known.parts[name] for name in names]
        parts |= {part.name: part for part in found}
        if mark is not None:
            marks[mark] = names
    return Layout(packed, parts, fresh, marks)


def _joined(pieces: Iterable[Piece]) -> bytes:
    return b"".join(read() for _, read in pieces)


def _chunks(packed: bytes, part_bytes: int) -> list[bytes]:
    return [packed[at : at + part_bytes] for at in range(0, len(packed), part_bytes)]


def _part(chunk: bytes, known: Mapping[bytes, Part], version: str) -> Part:
    digest = hashlib.sha256(chunk).digest()
    return known.get(digest) or Part(f"{STATE_SECRET}-{version}-{digest.hex()[:16]}", digest)
