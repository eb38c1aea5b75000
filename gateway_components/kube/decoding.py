"""Reads what came as an answer. What no API server sends is one typed error, whatever is wrong with it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway_components.kube.depth import readable, shallow_text
from gateway_components.kube.errors import MalformedAnswerError

__all__ = ["Page", "is_version", "read_document", "read_event", "read_object", "read_page"]

EVENT_TYPES = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"})
"""Types of the events of a watch (Kubernetes API concepts, "Efficient detection of changes")."""
_VERSION_DIGITS = 20
"""Versions are numbers of 64 bits."""
_METADATA: Mapping[str, type] = {
    "namespace": str,
    "generation": int,
    "annotations": dict,
    "labels": dict,
    "ownerReferences": list,
    "managedFields": list,
}
_CONTENT: Mapping[str, type] = {
    "spec": dict,
    "status": dict,
    "data": dict,
    "binaryData": dict,
    "series": dict,
}
"""Types of fields that may be missing; what is inside of them is up to whoever reads it."""

Raw = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list.

    Attributes
    ----------
    items
        Its objects.
    version
        The version to watch from.
    token
        Asks for the next page; empty where this is the last.
    """

    items: list[Raw]
    version: str
    token: str


def read_document(text: bytes) -> Raw:
    """Return a JSON object.

    Raises
    ------
    MalformedAnswerError
        It is none; the same holds for all functions here.
    """
    return _loaded(text)[0]


def read_object(text: bytes) -> Raw:
    """Return an object of a collection, with name, UID and version."""
    raw = readable(read_document(text))
    _check_identity(raw)
    return raw


def read_page(text: bytes, kind: str = "") -> Page:
    """Return a page of a list, which must be of `kind` if one is given."""
    document, whole = _loaded(text)
    metadata, items, found = document.get("metadata"), document.get("items", ""), document.get("kind")
    if not isinstance(found, str) or not found.endswith("List") or found != (kind or found):
        raise MalformedAnswerError("what came is no list of these objects")
    if not isinstance(metadata, dict) or not is_version(metadata.get("resourceVersion")):
        raise MalformedAnswerError("a list came without its version")
    token = metadata.get("continue") or ""
    # An empty list of the metadata of objects has null for its items.
    if not isinstance(items, list | None) or not isinstance(token, str):
        raise MalformedAnswerError("a list came without a list of items")
    read = [item if whole or not isinstance(item, dict) else readable(item) for item in items or ()]
    for item in read:
        _check_identity(item)
    return Page(read, metadata["resourceVersion"], token)


def read_event(line: bytes) -> Raw:
    """Return an event of a watch; one of the type ``ERROR`` has a ``Status`` for its object."""
    event, whole = _loaded(line)
    type_, item = event.get("type"), event.get("object")
    if not isinstance(type_, str) or type_ not in EVENT_TYPES or not isinstance(item, dict):
        raise MalformedAnswerError("a watch brought what is no event")
    if type_ == "ERROR":
        if item.get("kind") != "Status" or not _is_number(item.get("code")):
            raise MalformedAnswerError("a watch ended with an error that is no Status")
    elif type_ == "BOOKMARK":
        _check_version(item)
    else:
        item = item if whole else readable(item)
        _check_identity(item)
    return {"type": type_, "object": item}


def is_version(version: object) -> bool:
    """Tell whether this is a version of an object or a list: they are growing numbers."""
    return (
        isinstance(version, str)
        and version.isascii()
        and version.isdecimal()
        and len(version) <= _VERSION_DIGITS
    )


def _loaded(text: bytes) -> tuple[Raw, bool]:
    """Return a JSON object, and whether all of it was read."""
    whole = True
    try:
        try:
            document = json.loads(text)
        except RecursionError:
            whole = False
            document = json.loads(shallow_text(text))
    # Bytes that are no text are among them.
    except (ValueError, RecursionError) as error:
        raise MalformedAnswerError(f"what came is no JSON ({type(error).__name__})") from None
    if not isinstance(document, dict):
        raise MalformedAnswerError("what came is no JSON object")
    return document, whole


def _check_identity(item: object) -> None:
    metadata = _check_version(item)
    named = all(isinstance(metadata.get(key), str) and metadata[key] for key in ("name", "uid"))
    if not named or not _fits(metadata, _METADATA):
        raise MalformedAnswerError("an object came without a name, a UID or other metadata as it must be")
    if not isinstance(item, dict) or not _fits(item, _CONTENT) or not _has_conditions(item):
        raise MalformedAnswerError("an object came with content of another type")


def _check_version(item: object) -> Raw:
    metadata = item.get("metadata") if isinstance(item, dict) else None
    if not isinstance(metadata, dict) or not is_version(metadata.get("resourceVersion")):
        raise MalformedAnswerError("an object came without its version")
    return metadata


def _has_conditions(item: Raw) -> bool:
    """Tell whether the conditions of an object, if it has any, are as API conventions have them."""
    conditions = (item.get("status") or {}).get("conditions") or []
    return isinstance(conditions, list) and all(
        isinstance(condition, dict) and isinstance(condition.get("type"), str) for condition in conditions
    )


def _fits(fields: Raw, types: Mapping[str, type]) -> bool:
    return all(fields.get(name) is None or isinstance(fields[name], type_) for name, type_ in types.items())


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
