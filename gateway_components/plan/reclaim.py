"""Items of lists that somebody gave another key: ours to remove, though they are no longer ours by name.

Server-side apply tells items apart by a key: a port of a Service by its number, a container by its name. Whoever
edits the key of an item of ours leaves an item that nobody planned; applying the planned one beside it would end in
two ports of one name, which the API server refuses, or in two containers. An item belongs to whoever wrote it last;
once it is made ours again, applying removes it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from gateway_components.plan.ownership import FIELD_MANAGER

__all__ = ["reclaimed"]

_DEFAULTS = {"protocol": "TCP"}
"""Values of keys that a plan leaves out."""

Object = Mapping[str, Any]


def reclaimed(wanted: Object, live: Object) -> list[dict[str, Any]] | None:
    """Return who is to own which fields of an object, so that applying `wanted` removes what took an item's place.

    Parameters
    ----------
    wanted
        The planned object.
    live
        As it is, ``metadata.managedFields`` among it.

    Returns
    -------
    list or None
        The new ``metadata.managedFields``; None where they are good as they are.
    """
    entries: list[dict[str, Any]] = deepcopy(live["metadata"].get("managedFields") or [])
    own = next((entry for entry in entries if _is_own(entry)), None)
    if own is None:
        return None
    found = [
        path
        for entry in entries
        if not _is_own(entry) and not entry.get("subresource")
        for path in _renamed(entry.get("fieldsV1") or {}, wanted, live)
    ]
    for path in found:
        taken: dict[str, Any] = {}
        for entry in entries:
            if not entry.get("subresource"):
                _take(entry.get("fieldsV1") or {}, path, taken)
        _give(own.setdefault("fieldsV1", {}), path, taken)
    return [entry for entry in entries if entry.get("fieldsV1")] if found else None


def _is_own(entry: Object) -> bool:
    return entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"


def _renamed(fields: Object, wanted: Any, live: Any) -> Iterator[tuple[str, ...]]:
    """Yield the paths of items among `fields` that took the place of an item of `wanted`."""
    for step, below in fields.items():
        kind, _, name = step.partition(":")
        inside: tuple[Any, Any] | None = None
        if kind == "f" and isinstance(wanted, Mapping) and isinstance(live, Mapping):
            inside = wanted.get(name), live.get(name)
        elif kind == "k" and isinstance(wanted, Sequence) and isinstance(live, Sequence):
            key = json.loads(name)
            inside = _item(wanted, key), _item(live, key)
            missing = [one for one in wanted if _item(live, _key(one, key)) is None]
            if inside[0] is None and any(_resembles(inside[1], one, key) for one in missing):
                yield (step,)
                continue
        if inside and inside[0] is not None:
            yield from ((step, *path) for path in _renamed(below, *inside))


def _item(items: Sequence[Any], key: Object) -> Any:
    return next((item for item in items if isinstance(item, Mapping) and _key(item, key) == key), None)


def _key(item: Object, like: Object) -> dict[str, Any]:
    return {name: item.get(name, _DEFAULTS.get(name)) for name in like}


def _resembles(live: Any, wanted: Object, key: Object) -> bool:
    if not isinstance(live, Mapping):
        return False
    if "name" in wanted and "name" not in key and "mountPath" not in key:
        # Of ports that bear one name there can be but one.
        return bool(live.get("name") == wanted["name"])
    return _contains(live, {name: value for name, value in wanted.items() if name not in key})


def _contains(live: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(_contains(live.get(k), value) for k, value in wanted.items())
    if isinstance(wanted, list) and wanted and isinstance(wanted[0], Mapping):
        # Items have keys of their own, which may have been edited too.
        return True
    return bool(live == wanted)


def _take(fields: dict[str, Any], path: tuple[str, ...], taken: dict[str, Any]) -> None:
    step, *rest = path
    if step not in fields:
        return
    if rest:
        _take(fields[step], tuple(rest), taken)
        if not fields[step]:
            del fields[step]
    else:
        _merge(taken, fields.pop(step))


def _give(fields: dict[str, Any], path: tuple[str, ...], given: dict[str, Any]) -> None:
    for step in path[:-1]:
        fields = fields.setdefault(step, {})
    _merge(fields.setdefault(path[-1], {}), given)


def _merge(into: dict[str, Any], fields: Object) -> None:
    for step, below in fields.items():
        _merge(into.setdefault(step, {}), below)
