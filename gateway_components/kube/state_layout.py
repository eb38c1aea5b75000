"""The layout of a state in Secrets: what the head holds, and which parts of the previous state are reused."""

import hashlib
import zlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from gateway_components.kube.state_format import STATE_SECRET
from gateway_components.pieces import Piece

Checkpoint = bytes | Sequence[Piece]
"""The engine's own file, as a whole or in pieces."""

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
    """What is known of the state at one version of the head.

    Attributes
    ----------
    parts
        The parts that the head names, by name.
    marks
        Names of the parts that hold a piece, by its mark.
    """

    version: str
    parts: Mapping[str, Part] = field(default_factory=dict)
    marks: Mapping[Hashable, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a state is to lie.

    Attributes
    ----------
    packed
        What the head holds: the whole, or the beginning where there are parts.
    parts
        The parts by name, in order.
    fresh
        Content of those that are to be written.
    marks
        As for `Known`.
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
    pieces = [Piece(None, lambda: checkpoint)] if isinstance(checkpoint, bytes) else list(checkpoint)
    if len(pieces) <= _SMALL:
        packed = zlib.compress(_joined(pieces), _LEVEL)
        if len(packed) <= part_bytes:
            return Layout(packed)
    if len(pieces) > _MOST_PIECES:
        pieces = [Piece(None, partial(_joined, pieces))]
    # It is read and written with each run anyway, and the beginning of a state changes with each run.
    first = zlib.compress(pieces[0].read(), _LEVEL)
    if len(first) <= part_bytes:
        return _parted(first, pieces[1:], known, part_bytes)
    return _parted(b"", pieces, known, part_bytes)


def _parted(packed: bytes, pieces: Iterable[Piece], known: Known, part_bytes: int) -> Layout:
    by_digest = {part.digest: part for part in known.parts.values()}
    parts: dict[str, Part] = {}
    fresh: dict[str, bytes] = {}
    marks: dict[Hashable, tuple[str, ...]] = {}
    for piece in pieces:
        names = known.marks.get(piece.mark)
        if names is None:
            chunks = _chunks(zlib.compress(piece.read(), _LEVEL), part_bytes)
            found = [_part(chunk, by_digest, known.version) for chunk in chunks]
            names = tuple(part.name for part in found)
            fresh |= {part.name: chunk for part, chunk in zip(found, chunks, strict=True) if not part.version}
        else:
            found = [known.parts[name] for name in names]
        parts |= {part.name: part for part in found}
        if piece.mark is not None:
            marks[piece.mark] = names
    return Layout(packed, parts, fresh, marks)


def _joined(pieces: Iterable[Piece]) -> bytes:
    return b"".join(piece.read() for piece in pieces)


def _chunks(packed: bytes, part_bytes: int) -> list[bytes]:
    return [packed[at : at + part_bytes] for at in range(0, len(packed), part_bytes)]


def _part(chunk: bytes, known: Mapping[bytes, Part], version: str) -> Part:
    digest = hashlib.sha256(chunk).digest()
    return known.get(digest) or Part(f"{STATE_SECRET}-{version}-{digest.hex()[:16]}", digest)
