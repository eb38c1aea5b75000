"""Reclaims list items whose key somebody edited, so that applying removes them.

Server-side apply identifies items by a key: a port of a Service by its number, a container by its name. Whoever edits
the key of an item of ours leaves an unplanned item. Applying the planned one beside it would give two containers, or
two ports of one name, which the API server refuses. An item belongs to whoever wrote it last; once it is made ours
again, applying removes it.

The same holds for the operator that this project replaces. It updates objects instead of applying them, so all that it
wrote would stay for ever, such as its port beside ours.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from gateway_components.plan.ownership import FIELD_MANAGER, is_applied, is_ours

PREDECESSOR_PREFIX = "gateway.agentic-layer.ai/"
"""What the hashes on pod templates begin with that the Go operator ``ai-gateway-litellm-operator`` writes."""

_OUR_PREFIX = "runtime.agentic-layer.ai/"
_DEFAULTS = {"protocol": "TCP"}
"""Values of keys that a plan leaves out."""

_MOST_COMPARED = 20_000
"""Pairs of items of one list that are compared by their content; beyond it an item counts as somebody else's."""

Object = Mapping[str, Any]


def is_rivalled(hashes: Iterable[str]) -> bool:
    """Return whether the Go operator wrote a pod template after us, by the names of its hashes: both have theirs."""
    predecessors = ours = False
    for name in hashes:
        predecessors = predecessors or name.startswith(PREDECESSOR_PREFIX)
        ours = ours or name.startswith(_OUR_PREFIX)
    return predecessors and ours


def reclaimed(wanted: Object, live: Object) -> list[dict[str, Any]] | None:
    """Return the new ``metadata.managedFields`` of the `live` object; None where they are good as they are.

    With them, applying the planned object removes what took an item's place.
    """
    entries: list[dict[str, Any]] = deepcopy(live["metadata"].get("managedFields") or [])
    inherited = _inherit(entries, wanted)
    own = next((entry for entry in entries if is_applied(entry)), None)
    if own is None:
        return None
    found = [
        path
        for entry in entries
        if not is_applied(entry) and not entry.get("subresource")
        for path in _renamed(entry.get("fieldsV1") or {}, wanted, live)
    ]
    for path in found:
        taken: dict[str, Any] = {}
        for entry in entries:
            if not entry.get("subresource"):
                _take(entry.get("fieldsV1") or {}, path, taken)
        _give(own.setdefault("fieldsV1", {}), path, taken)
    return [entry for entry in entries if entry.get("fieldsV1")] if found or inherited else None


def _inherit(entries: list[dict[str, Any]], wanted: Object) -> bool:
    """Make ours what the operator wrote that went before; return whether there was anything."""
    owners = wanted["metadata"].get("ownerReferences") or ()
    theirs = [entry for entry in entries if any(_is_predecessor(entry, owner["uid"]) for owner in owners)]
    for entry in theirs:
        fields = entry.pop("fieldsV1")
        spec = fields.get("f:spec", {})
        if "f:replicas" in spec:
            # Nobody plans them; without an owner they would become one.
            entry["fieldsV1"] = {"f:spec": {"f:replicas": spec.pop("f:replicas")}}
        own = next((other for other in entries if is_applied(other)), None)
        if own is None:
            kept: dict[str, Any] = {
                name: entry[name] for name in ("apiVersion", "fieldsType", "time") if name in entry
            }
            own = {**kept, "manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": {}}
            entries.append(own)
        _merge(own.setdefault("fieldsV1", {}), fields)
    return bool(theirs)


def _is_predecessor(entry: Object, uid: str) -> bool:
    """Return whether an operator wrote this entry that made the object for the gateway of this UID, or updates it."""
    if entry.get("operation") != "Update" or entry.get("subresource") or is_ours(entry):
        return False
    fields = entry.get("fieldsV1") or {}
    controls = f'k:{{"uid":"{uid}"}}' in _below(fields, "f:metadata", "f:ownerReferences")
    made = "f:data" in fields or "f:selector" in _below(fields, "f:spec")
    annotations = _below(fields, "f:spec", "f:template", "f:metadata", "f:annotations")
    return (controls and made) or any(name.startswith(f"f:{PREDECESSOR_PREFIX}") for name in annotations)


def _below(fields: Object, *steps: str) -> Object:
    for step in steps:
        fields = fields.get(step) or {}
    return fields


def _renamed(fields: Object, wanted: Any, live: Any) -> Iterator[tuple[str, ...]]:
    """Yield the paths of items among `fields` that took the place of an item of `wanted`."""
    lists: dict[tuple[str, ...], _Lists] = {}
    for step, below in fields.items():
        kind, _, name = step.partition(":")
        inside: tuple[Any, Any] | None = None
        if kind == "f" and isinstance(wanted, Mapping) and isinstance(live, Mapping):
            inside = wanted.get(name), live.get(name)
        elif kind == "k" and isinstance(wanted, Sequence) and isinstance(live, Sequence):
            key = _read_key(name)
            if key is None:
                continue
            names = tuple(sorted(key))
            if names not in lists:
                lists[names] = _Lists(wanted, live, names)
            both = lists[names]
            identity = _identity(key, names)
            inside = both.wanted.get(identity), both.live.get(identity)
            if inside[0] is None and both.has_missing_like(inside[1], key):
                yield (step,)
                continue
        if inside and inside[0] is not None:
            yield from ((step, *path) for path in _renamed(below, *inside))


class _Lists:
    """The items of a list as planned and as they are, by the same key; linear, since a list may hold thousands."""

    def __init__(self, wanted: Sequence[Any], live: Sequence[Any], names: tuple[str, ...]) -> None:
        self.wanted = _by_key(wanted, names)
        self.live = _by_key(live, names)
        self._missing = [item for identity, item in self.wanted.items() if identity not in self.live]
        self._left = _MOST_COMPARED

    def has_missing_like(self, live: Any, key: Object) -> bool:
        """Return whether an item that is planned and not there resembles a live one."""
        self._left -= len(self._missing)
        return self._left >= 0 and any(_resembles(live, one, key) for one in self._missing)


def _read_key(name: str) -> dict[str, Any] | None:
    try:
        key = json.loads(name)
    except (ValueError, RecursionError):
        return None
    return key if isinstance(key, dict) else None


def _by_key(items: Sequence[Any], names: tuple[str, ...]) -> dict[str, Any]:
    # The first of several counts.
    return {_identity(item, names): item for item in reversed(items) if isinstance(item, Mapping)}


def _identity(item: Object, names: tuple[str, ...]) -> str:
    return json.dumps([item.get(name, _DEFAULTS.get(name)) for name in names], sort_keys=True)


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
