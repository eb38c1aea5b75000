"""Documents that nest deeper than can be read: how deep they are, and what is left of them.

The API server takes JSON of up to 10,000 levels in fields that it does not look into, such as
``metadata.managedFields``. Python's reader ends at its recursion limit, and so does all that follows nested values by
calling itself. Nothing here does.
"""

import re
from typing import Any

__all__ = ["LEVELS", "IncompleteObject", "cut", "readable", "shallow_text"]

LEVELS = 100
"""What nests deeper is not looked into; no kind of object comes near it."""
_TEXT_LEVELS = 2 * LEVELS
"""More than `LEVELS`, by which what was cut off here is still known as too deep afterwards."""
_KEPT_LEVELS = 20
"""Of an object that nests too deep, enough to tell its class and to keep its conditions."""
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[][{}]', re.DOTALL)
"""A text or a bracket of JSON."""
_OPEN = b"[{"


class IncompleteObject(dict[str, Any]):
    """An object of which only the outer levels were read, for it nests too deep."""


def shallow_text(text: bytes) -> bytes:
    """Return JSON with ``null`` for everything that nests too deep to be read; what is no JSON stays none."""
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
    """Return an object without those ``managedFields`` that nest too deep: nobody checks them, and they say little.

    Returns
    -------
    dict
        An `IncompleteObject` where something else nests too deep.
    """
    metadata = raw.get("metadata")
    fields = metadata.get("managedFields") if isinstance(metadata, dict) else None
    if isinstance(metadata, dict) and isinstance(fields, list):
        kept = [entry for entry in fields if not _is_deeper(entry)]
        if len(kept) < len(fields):
            raw = {**raw, "metadata": {**metadata, "managedFields": kept}}
    return IncompleteObject(cut(raw)) if _is_deeper(raw) else raw


def cut(value: Any, levels: int = _KEPT_LEVELS) -> Any:
    """Return a copy of a JSON value with None for what nests deeper than `levels`."""
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
