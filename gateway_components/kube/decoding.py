"""Decodes answers; anything that no API server sends is a `MalformedAnswerError`.

The API server accepts JSON of up to 10,000 levels in fields that it does not validate, such as
``metadata.managedFields``. Python's parser stops at its recursion limit, as does any recursive function. So values that
nest deeper than `LEVELS` are cut off here.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway_components.kube.errors import MalformedAnswerError

LEVELS = 100
"""Deeper values are cut off; no kind of object comes near this."""
_TEXT_LEVELS = 2 * LEVELS
"""More than `LEVELS`, so that a value cut off here still counts as too deep."""
_KEPT_LEVELS = 20
"""Kept of an object that nests too deep: enough for its class and its conditions."""
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[][{}]', re.DOTALL)
"""A JSON string or bracket."""
_OPEN = b"[{"

EVENT_TYPES = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"})
"""Types of the events of a watch (Kubernetes API concepts, "Efficient detection of changes")."""
_VERSION_DIGITS = 20
"""Versions are 64-bit numbers."""
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
"""Types of optional fields; their content is checked by whoever reads it."""

Raw = dict[str, Any]


class IncompleteObject(dict[str, Any]):
    """The outer levels of an object that nests too deep."""


class TrimmedObject(dict[str, Any]):
    """An object without those of its ``managedFields`` that nest too deep."""


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list, and the version to watch from; `token` requests the next page, and is empty on the last one."""

    items: list[Raw]
    version: str
    token: str


def read_document(text: bytes) -> Raw:
    """Return a JSON object; MalformedAnswerError where it is none, as for all functions here."""
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
        raise MalformedAnswerError("the answer is not a list of these objects")
    if not isinstance(metadata, dict) or not is_version(metadata.get("resourceVersion")):
        raise MalformedAnswerError("a list has no version")
    token = metadata.get("continue") or ""
    # An empty list of the metadata of objects has null for its items.
    if not isinstance(items, list | None) or not isinstance(token, str):
        raise MalformedAnswerError("a list has no items")
    read = [item if whole or not isinstance(item, dict) else readable(item) for item in items or ()]
    for item in read:
        _check_identity(item)
    return Page(read, metadata["resourceVersion"], token)


def read_event(line: bytes) -> Raw:
    """Return an event of a watch; one of the type ``ERROR`` has a ``Status`` for its object."""
    event, whole = _loaded(line)
    type_, item = event.get("type"), event.get("object")
    if not isinstance(type_, str) or type_ not in EVENT_TYPES or not isinstance(item, dict):
        raise MalformedAnswerError("a watch sent something other than an event")
    if type_ == "ERROR":
        if item.get("kind") != "Status" or not _is_number(item.get("code")):
            raise MalformedAnswerError("a watch ended with an error that is not a Status")
    elif type_ == "BOOKMARK":
        _check_version(item)
    else:
        item = item if whole else readable(item)
        _check_identity(item)
    return {"type": type_, "object": item}


def is_version(version: object) -> bool:
    """Return whether this is the version of an object or list, which is a number."""
    return (
        isinstance(version, str)
        and version.isascii()
        and version.isdecimal()
        and len(version) <= _VERSION_DIGITS
    )


def _loaded(text: bytes) -> tuple[Raw, bool]:
    whole = True
    try:
        try:
            document = json.loads(text)
        except RecursionError:
            whole = False
            document = json.loads(shallow_text(text))
    # Includes UnicodeDecodeError.
    except (ValueError, RecursionError) as error:
        raise MalformedAnswerError(f"the answer is not JSON ({type(error).__name__})") from None
    if not isinstance(document, dict):
        raise MalformedAnswerError("the answer is not a JSON object")
    return document, whole


def _check_identity(item: object) -> None:
    metadata = _check_version(item)
    named = all(isinstance(metadata.get(key), str) and metadata[key] for key in ("name", "uid"))
    if not named or not _fits(metadata, _METADATA):
        raise MalformedAnswerError("an object has no name or UID, or malformed metadata")
    if not isinstance(item, dict) or not _fits(item, _CONTENT) or not _has_conditions(item):
        raise MalformedAnswerError("an object has fields of the wrong type")


def _check_version(item: object) -> Raw:
    metadata = item.get("metadata") if isinstance(item, dict) else None
    if not isinstance(metadata, dict) or not is_version(metadata.get("resourceVersion")):
        raise MalformedAnswerError("an object has no version")
    return metadata


def _has_conditions(item: Raw) -> bool:
    """Return whether the conditions of an object, if any, follow the API conventions."""
    conditions = (item.get("status") or {}).get("conditions") or []
    return isinstance(conditions, list) and all(
        isinstance(condition, dict) and isinstance(condition.get("type"), str) for condition in conditions
    )


def _fits(fields: Raw, types: Mapping[str, type]) -> bool:
    return all(fields.get(name) is None or isinstance(fields[name], type_) for name, type_ in types.items())


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def shallow_text(text: bytes) -> bytes:
    """Return JSON with ``null`` for values that nest too deep; invalid JSON stays invalid."""
    kept: list[bytes] = []
    begin = level = 0
    for token in _TOKEN.finditer(text):
        bracket = text[token.start()]
        if bracket == ord('"'):
            continue
        if bracket in _OPEN:
            level += 1
            if level == _TEXT_LEVELS + 1:
                kept += (text[begin : token.start()], b"null")
        else:
            if level == _TEXT_LEVELS + 1:
                begin = token.end()
            level -= 1
    return b"".join((*kept, text[begin:]))


def readable(raw: dict[str, Any]) -> dict[str, Any]:
    """Return an object without ``managedFields`` that nest too deep: nobody validates them.

    The result is a `TrimmedObject`, or an `IncompleteObject` if another field nests too deep.
    """
    metadata = raw.get("metadata")
    fields = metadata.get("managedFields") if isinstance(metadata, dict) else None
    if isinstance(metadata, dict) and isinstance(fields, list):
        kept = [entry for entry in fields if not _is_deeper(entry)]
        if len(kept) < len(fields):
            raw = TrimmedObject({**raw, "metadata": {**metadata, "managedFields": kept}})
    return IncompleteObject(cut(raw)) if _is_deeper(raw) else raw


def cut(value: Any, levels: int = _KEPT_LEVELS) -> Any:
    """Return a copy of a JSON value with None for values deeper than `levels`."""
    if not isinstance(value, dict | list):
        return value
    if levels == 0:
        return None
    if isinstance(value, dict):
        return {key: cut(below, levels - 1) for key, below in value.items()}
    return [cut(below, levels - 1) for below in value]


def _is_deeper(value: Any) -> bool:
    layer = [value]
    for _ in range(LEVELS):
        layer = [below for one in layer for below in _below(one)]
        if not layer:
            return False
    return True


def _below(value: Any) -> list[Any]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [below for below in inside if isinstance(below, dict | list)]
