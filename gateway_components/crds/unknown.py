"""Fields of a manifest that its kind does not have.

``kubectl apply`` refuses them (strict field validation); clients that do not ask for that get them pruned.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from gateway_components.crds.problem import FieldProblem, Path
from gateway_components.crds.schema import Schema

__all__ = ["nearest", "unknown_fields"]

LISTED = 8


def unknown_fields(value: Any, schema: Schema, path: Path = ()) -> Iterator[FieldProblem]:
    """Name the unknown fields in a value.

    Parameters
    ----------
    value : object
        A manifest or part of one, of any shape; what does not have the shape of the schema is passed over.
    schema : dict
        The structural schema it should have.
    path : tuple
        Way to the value, which the problems carry.

    Yields
    ------
    FieldProblem
        One for each unknown field, with the nearest known name as the cure.
    """
    if isinstance(value, list) and "items" in schema:
        for position, item in enumerate(value):
            yield from unknown_fields(item, schema["items"], (*path, position))
    known: Mapping[str, Schema] = schema.get("properties", {})
    if not isinstance(value, Mapping) or not known:
        return
    for name, item in value.items():
        if name in known:
            yield from unknown_fields(item, known[name], (*path, name))
        else:
            yield FieldProblem((*path, str(name)), "is not a field of this kind", _cure(str(name), known))


def nearest(name: str, known: Mapping[str, object]) -> str | None:
    """Return the known name that `name` is most likely meant to be, or nothing where none is near."""
    folded = {_folded(candidate): candidate for candidate in known}
    matches = get_close_matches(_folded(name), folded, n=1)
    return folded[matches[0]] if matches else None


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _cure(name: str, known: Mapping[str, Schema]) -> str:
    meant = nearest(name, known)
    if meant is not None:
        return f"Did you mean {meant}?"
    if len(known) > LISTED:
        return "Remove it."
    return f"Remove it; the fields here are {', '.join(sorted(known))}."
