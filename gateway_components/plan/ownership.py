"""Ownership of fields: which are ours, and which of them somebody changed."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gateway_components.errors import listed
from gateway_components.identity import Identity

FIELD_MANAGER = "litellm-gateways"
"""Owner of the fields that are applied: fixed, so that a daemon that lost its state still owns them."""


_LARGEST_SHARED = 16_384
"""Characters of the account of our fields up to which objects share it; that of a plain gateway has 2,000."""
_LONGEST_PATH = 512
"""Characters of a path. A longer one is cut and ends in its digest, or nested ones would grow with the square."""
_MOST_FIELDS = 50_000
_MOST_CHARACTERS = 4 * 1024 * 1024
"""Fields, and characters of their paths, up to which they are kept apart; a Deployment of 10,000 variables has less."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Shows whether an object is still as it was applied.

    Attributes
    ----------
    uid, version
        Which object of that name it is, and its resource version as a number, which grows with each change.
    fields
        The fields that we own, as paths. Whoever changes or removes one takes it from us, which the API server records
        in ``metadata.managedFields``.
    time
        When they were last applied, as the API server noted it.
    """

    uid: str
    version: int
    fields: frozenset[str]
    time: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """What was applied of a gateway: the UID of its owner, and the digest and marks of its objects."""

    uid: str | None
    digest: str
    marks: Mapping[Identity, Mark]


@dataclass(frozen=True, slots=True, order=True)
class Drift:
    """An object that somebody changed or deleted, and the outermost fields that were changed.

    There are none where it was deleted or recreated. One that is `rewritten` was applied in our name by somebody else,
    such as a run that outlived its daemon.
    """

    object: Identity
    fields: tuple[str, ...] = ()
    rewritten: bool = False

    def __str__(self) -> str:
        """Return a sentence about it."""
        where = f"{self.object.kind} {self.object.name}"
        if self.fields:
            return f"{listed(self.fields)} of {where} {'was' if len(self.fields) == 1 else 'were'} changed"
        return f"{where} was written by another run" if self.rewritten else f"{where} was deleted"


def is_ours(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry of ``managedFields`` names our field manager."""
    return bool(entry.get("manager") == FIELD_MANAGER)


def is_applied(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry of ``managedFields`` holds what we applied, and not what we merged into a status."""
    return is_ours(entry) and entry.get("operation") == "Apply"


def managed_fields(metadata: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the entries of ``managedFields``, without those that were cut off or are of another type."""
    entries = metadata.get("managedFields")
    yield from (
        entry for entry in (entries if isinstance(entries, list) else ()) if isinstance(entry, Mapping)
    )


def mark_of(metadata: Mapping[str, Any]) -> Mark:
    """Return the mark of an object with this ``metadata``, ``managedFields`` among it."""
    entries = list(filter(is_applied, managed_fields(metadata)))
    owned = [entry.get("fieldsV1") or {} for entry in entries]
    times = [entry.get("time") or "" for entry in entries]
    return Mark(
        metadata["uid"], _number(metadata["resourceVersion"]), _fields_of(owned), max(times, default="")
    )


def drift(key: Identity, applied: Mark, live: Mark | None, seen: int) -> Drift | None:
    """Compare an object with what was applied: its mark at that time, and now, or None where it does not exist.

    The cluster was `seen` up to that version: what is older than `applied` says nothing about it.
    """
    if live is None:
        return Drift(key) if seen >= applied.version else None
    if live.version < applied.version:
        return None
    if live.uid != applied.uid:
        return Drift(key)
    # Most objects share one set of fields (`shared`).
    if live.fields is not applied.fields and (taken := applied.fields - live.fields):
        return Drift(key, _outermost(taken))
    return Drift(key, rewritten=True) if live.time > applied.time else None


def _outermost(paths: Iterable[str]) -> tuple[str, ...]:
    known = frozenset(paths)
    return tuple(sorted(path for path in known if known.isdisjoint(_around(path))))


def _around(path: str) -> Iterator[str]:
    return (path[:end] for end, character in enumerate(path) if character in ".[")


def _number(version: str) -> int:
    # No API server sends a version that is not a number; 0 causes the fewest looks.
    return int(version) if version.isdecimal() else 0


@lru_cache(maxsize=256)
def shared(fields: frozenset[str]) -> frozenset[str]:
    """Return one set for all equal ones: most gateways own the same fields."""
    return fields


@lru_cache(maxsize=128)
def _known_fields(texts: tuple[str, ...]) -> frozenset[str]:
    return shared(_paths_or_digest(map(json.loads, texts), texts))


def _fields_of(owned: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    texts = tuple(json.dumps(fields, sort_keys=True) for fields in owned)
    # An entry in our name may be forged and hold a megabyte: do not cache it for others.
    if sum(map(len, texts)) <= _LARGEST_SHARED:
        return _known_fields(texts)
    return _paths_or_digest(owned, texts)


def _paths_or_digest(owned: Iterable[Mapping[str, Any]], texts: Iterable[str]) -> frozenset[str]:
    found = _fields(owned)
    if found is None:
        # One field that stands for all of them: any change is seen still.
        digest = hashlib.sha256(" ".join(texts).encode()).hexdigest()
        return frozenset((f"everything (SHA-256 {digest})",))
    return found


def _fields(owned: Iterable[Mapping[str, Any]]) -> frozenset[str] | None:
    """Return the paths of owned fields without partly owned parents; None where they are too many."""
    found: list[str] = []
    characters = 0
    within: list[tuple[str, Mapping[str, Any]]] = [("", fields) for fields in owned]
    while within:
        outer, fields = within.pop()
        begin = f"{outer}." if outer else ""
        for key, below in fields.items():
            kind, _, name = key.partition(":")
            path = outer if key == "." else _short(begin + name if kind == "f" else f"{outer}[{_item(name)}]")
            if below and key != ".":
                within.append((path, below))
                continue
            found.append(path)
            characters += len(path)
            if len(found) > _MOST_FIELDS or characters > _MOST_CHARACTERS:
                return None
    return frozenset(found)


def _short(path: str) -> str:
    if len(path) <= _LONGEST_PATH:
        return path
    digest = hashlib.sha256(path.encode(errors="surrogatepass")).hexdigest()[:16]
    return f"{path[: _LONGEST_PATH // 2]}…{digest}"


def _item(key: str) -> str:
    """Return what identifies an item of a list; without the UID of an owner, so that owners compare equal."""
    try:
        read = json.loads(key)
    except (ValueError, RecursionError):
        return key
    if not isinstance(read, dict):
        return str(read)
    return ",".join(name if name == "uid" else f"{name}={value}" for name, value in read.items())
