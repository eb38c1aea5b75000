"""Edits of every field that the daemon owns of an object, made from the object's own account of who owns what."""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from gateway_components.plan.ownership import FIELD_MANAGER

_REVISION = "deployment.kubernetes.io/revision"

Raw = dict[str, Any]
Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class Edit:
    """A change of one field.

    Attributes
    ----------
    kind, path
        The kind of object, and the field as a JSON pointer.
    operations
        JSON patches; the first one that the API server takes is the one to use.
    """

    kind: str
    path: str
    operations: tuple[tuple[Raw, ...], ...]

    def __str__(self) -> str:
        """Return a name for it."""
        return f"{self.kind}{self.path}"


def edits(raw: Raw) -> Iterator[Edit]:
    """Yield an edit of each field that the daemon owns, to another value where the API server takes one, else away.

    Of the items of a list, the first one with a field stands for all.
    """
    seen = set()
    for steps in _leaves(_own(raw), raw, ()):
        shape = tuple("*" if isinstance(step, int) else step for step in steps)
        if shape in seen:
            continue
        seen.add(shape)
        value: Any = raw
        for step in steps:
            value = value[step]
        pointer = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)
        # One that names another owner belongs to that.
        others = () if "ownerReferences" in steps else _others(value)
        ways = [({"op": "replace", "path": pointer, "value": other},) for other in others]
        yield Edit(raw["kind"], pointer, (*ways, ({"op": "remove", "path": pointer},)))


def content(raw: Raw) -> Raw:
    """Return what people wrote of an object: neither its status nor what controllers keep account of."""
    metadata = {name: raw["metadata"].get(name) for name in ("labels", "annotations", "ownerReferences")}
    if metadata["annotations"]:
        metadata["annotations"] = {
            name: value for name, value in metadata["annotations"].items() if name != _REVISION
        }
    return {"metadata": metadata, **{name: deepcopy(raw.get(name)) for name in ("spec", "data")}}


def _own(raw: Raw) -> Mapping[str, Any]:
    (entry,) = (
        entry
        for entry in raw["metadata"]["managedFields"]
        if (entry["manager"], entry["operation"]) == (FIELD_MANAGER, "Apply")
    )
    fields: Mapping[str, Any] = entry["fieldsV1"]
    return fields


def _leaves(fields: Mapping[str, Any], value: Any, steps: Steps) -> Iterator[Steps]:
    for step, below in fields.items():
        kind, _, name = step.partition(":")
        if kind == ".":
            # The item of a list as a whole.
            yield steps
            continue
        place: str | int = name if kind == "f" else _place(value, json.loads(name))
        if below:
            yield from _leaves(below, value[place], (*steps, place))
        else:
            yield (*steps, place)


def _place(items: list[Raw], key: Raw) -> int:
    return next(place for place, item in enumerate(items) if {name: item.get(name) for name in key} == key)


def _others(value: Any) -> Iterator[Any]:
    match value:
        case bool():
            yield not value
        case int():
            yield value + 1
        case str():
            # Quantities, names and texts each take one of these; types of a Service and of seccomp the last two.
            yield from (f"{value}0", "123m", f"{value}-edited", "NodePort", "Unconfined")
        case list():
            if all(isinstance(item, str) for item in value):
                yield [*value, "--edited"]
        case dict():
            yield from (
                {**value, name: f"{old}-edited"} for name, old in value.items() if isinstance(old, str)
            )
