"""Which fields of an object are ours, and whether somebody took one away."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gateway_components.plan.keys import ObjectKey

__all__ = ["FIELD_MANAGER", "Applied", "Drift", "Mark", "drift", "mark_of"]

FIELD_MANAGER = "litellm-gateways"
"""Owner of the fields that are applied: fixed, so that a daemon that lost its state still owns them."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells whether an object is still as it was applied.

    Attributes
    ----------
    uid
        Which object of that name it is.
    version
        Its resource version as a number, which grows with each change.
    fields
        The fields that we own, as paths. Whoever gives one another value, or removes it, takes it from us: the API
        server keeps account of that in ``metadata.managedFields``.
    time
        When they were last applied, as the API server noted it.
    """

    uid: str
    version: int
    fields: frozenset[str]
    time: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """What was applied of a gateway.

    Attributes
    ----------
    uid
        UID of the gateway that owns the objects.
    digest
        Of its objects, as `GatewayObjects.digest`.
    marks
        Of each object as the API server returned it.
    """

    uid: str | None
    digest: str
    marks: Mapping[ObjectKey, Mark]


@dataclass(frozen=True, slots=True, order=True)
class Drift:
    """An object that somebody changed or deleted.

    Attributes
    ----------
    object
        Which one.
    fields
        The fields that were changed, without those inside of others; none where the object was deleted, or made anew
        by somebody.
    rewritten
        Whether it was applied in our name by somebody else, such as a run that outlived its daemon.
    """

    object: ObjectKey
    fields: tuple[str, ...] = ()
    rewritten: bool = False

    def __str__(self) -> str:
        """Return a sentence about it."""
        where = f"{self.object.kind} {self.object.name}"
        if self.fields:
            return f"{', '.join(self.fields)} of {where} {'was' if len(self.fields) == 1 else 'were'} changed"
        return f"{where} was written by another run" if self.rewritten else f"{where} was deleted"


def mark_of(metadata: Mapping[str, Any]) -> Mark:
    """Return the mark of an object with this ``metadata``, ``managedFields`` among it."""
    entries = [
        entry
        for entry in metadata.get("managedFields") or ()
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"
    ]
    texts = tuple(json.dumps(entry.get("fieldsV1") or {}, sort_keys=True) for entry in entries)
    times = [entry.get("time") or "" for entry in entries]
    return Mark(metadata["uid"], _number(metadata["resourceVersion"]), _fields(texts), max(times, default=""))


def drift(key: ObjectKey, applied: Mark, live: Mark | None, seen: int) -> Drift | None:
    """Compare an object with what was applied.

    Parameters
    ----------
    key, applied
        The object, and its mark when it was applied.
    live
        Its mark now; None where it does not exist.
    seen
        Version up to which the cluster was seen: what is older than `applied` says nothing about it.
    """
    if live is None:
        return Drift(key) if seen >= applied.version else None
    if live.version < applied.version:
        return None
    if live.uid != applied.uid:
        return Drift(key)
    taken = applied.fields - live.fields
    if taken:
        return Drift(key, _outermost(taken))
    return Drift(key, rewritten=True) if live.time > applied.time else None


def _outermost(paths: Iterable[str]) -> tuple[str, ...]:
    found: list[str] = []
    for path in sorted(paths, key=len):
        if not any(path.startswith((f"{outer}.", f"{outer}[")) for outer in found):
            found.append(path)
    return tuple(sorted(found))


def _number(version: str) -> int:
    # What is no number was given by no API server; as 0 it is looked at as seldom as can be.
    return int(version) if version.isdecimal() else 0


# Most gateways own the same fields: one set of them serves all.
@lru_cache(maxsize=1024)
def _shared(fields: frozenset[str]) -> frozenset[str]:
    return fields


@lru_cache(maxsize=256)
def _fields(texts: tuple[str, ...]) -> frozenset[str]:
    return _shared(frozenset(path for text in texts for path in _paths("", json.loads(text))))


def _paths(prefix: str, fields: Mapping[str, Any]) -> Iterator[str]:
    for key, below in fields.items():
        if key == ".":
            yield prefix
            continue
        kind, _, name = key.partition(":")
        path = f"{prefix}.{name}".removeprefix(".") if kind == "f" else f"{prefix}[{_item(name)}]"
        if below:
            yield from _paths(path, below)
        else:
            yield path


def _item(key: str) -> str:
    """Return what identifies an item of a list, short; the UID of an owner is left out, so that owners are alike."""
    try:
        read = json.loads(key)
    except (ValueError, RecursionError):
        return key
    if not isinstance(read, dict):
        return str(read)
    return ",".join(name if name == "uid" else f"{name}={value}" for name, value in read.items())
