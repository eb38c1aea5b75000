"""What LiteLLM does not know in a configuration (spec, "Config patch": a warning, never a refusal).

The known keys come from the pinned LiteLLM package; ``make schema`` writes them into the JSON file beside
this module, `tools/litellm_schema.py` says how.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from typing import Any

from gateway_components.crds.problem import Path
from gateway_components.crds.schema import Schema
from gateway_components.crds.unknown import nearest
from gateway_components.plan.misspelling import Spellings

__all__ = ["UnknownKey", "unknown_keys"]

_LISTED = 8
_CURED = 50  # looking for the nearest key takes a millisecond or two; nobody reads more warnings than that
_SHAPED = (1, 2)  # length of the paths of blocks, and of what is directly in them
_TYPES = {"a list": list, "a map": Mapping}
_IN_SECTION = 2  # length of the path of a key in a block of the file, such as `general_settings`


@dataclass(frozen=True, slots=True)
class UnknownKey:
    """A key of a configuration that LiteLLM does not read, or not with such a value.

    Attributes
    ----------
    path : tuple of str or int
        Way to the key, which is its last step.
    message : str
        What is wrong, as the end of a sentence that begins with the key.
    cure : str
        What to do about it, as a sentence.
    """

    path: Path
    message: str
    cure: str


@dataclass(frozen=True)
class _Place:
    """What LiteLLM reads at one place of the configuration.

    Attributes
    ----------
    keys
        The known keys of a map, with what is below them.
    others
        What is below any other key; None where LiteLLM reads no other.
    items
        What is in a list.
    title
        Of the whole schema, the name and version of what it describes.
    """

    keys: Mapping[str, "_Place"] = field(default_factory=dict)
    others: "_Place | None" = None
    items: "_Place | None" = None
    title: str = ""

    @cached_property
    def spellings(self) -> Spellings:
        return Spellings(self.keys)


@dataclass(frozen=True, slots=True)
class _Found:
    """An unknown key, the place where it is, and what it is meant to be where that is certain.

    Where the key is known and its value has another shape than LiteLLM reads, `shape` says which that is.
    """

    path: Path
    place: _Place
    meant: str | None = None
    shape: str | None = None


_FREE_FORM = _Place()


def unknown_keys(config: Mapping[str, Any]) -> tuple[UnknownKey, ...]:
    """Return the keys of a configuration that the pinned LiteLLM does not know.

    Where LiteLLM passes on whatever it is given (``litellm_params`` of a model or a guardrail), only what is one
    slip away from a known key is named; what is free-form (``environment_variables``, ``model_info``,
    ``callback_settings``) is not looked at.

    Parameters
    ----------
    config
        A ``config.yaml``. Of the blocks at its top, and of the entries of its lists, the shape is looked at as
        well; further below, values of another shape than LiteLLM's are passed over.

    Returns
    -------
    tuple of UnknownKey
        In the order of the configuration.
    """
    whole = _whole()
    found = enumerate(_unknown(config, whole, ()))
    return tuple(
        UnknownKey(
            one.path, _message(one, whole.title), _cure(one, whole) if count < _CURED else "Remove it."
        )
        for count, one in found
    )


def _message(found: _Found, title: str) -> str:
    if found.shape is not None:
        return f"is not {found.shape}, as {title} reads it"
    return f"is not a key that {title} knows here"


def _shape(place: _Place) -> str | None:
    if place.items is not None:
        return "a list"
    return None if place is _FREE_FORM else "a map"


def _unknown(value: Any, place: _Place, path: Path) -> Iterator[_Found]:
    shape = _shape(place) if len(path) in _SHAPED else None
    if value is not None and shape is not None and not isinstance(value, _TYPES[shape]):
        yield _Found(path, place, shape=shape)
        return
    if isinstance(value, list) and place.items is not None:
        for position, item in enumerate(value):
            yield from _unknown(item, place.items, (*path, position))
    if not isinstance(value, Mapping) or place is _FREE_FORM:
        return
    for key, item in value.items():
        name = str(key)
        below = place.keys.get(name, place.others)
        if below is None:
            yield _Found((*path, name), place)
        elif below is not _FREE_FORM:
            yield from _unknown(item, below, (*path, name))
        elif name not in place.keys and (meant := place.spellings.meant_by(name)) is not None:
            yield _Found((*path, name), place, meant)


def _cure(found: _Found, whole: _Place) -> str:
    return f"Write {found.shape}, or remove it." if found.shape else _cure_of_unknown(found, whole)


def _cure_of_unknown(found: _Found, whole: _Place) -> str:
    name = str(found.path[-1])
    if found.meant is not None:
        return f"Did you mean {found.meant}?"
    elsewhere = [found.place, whole] if len(found.path) == _IN_SECTION else [found.place]
    for around in elsewhere:
        if around is not found.place and name in around.keys:
            return "Move it to the top level."
        for block, place in around.keys.items():
            if name in place.keys:
                return f"Move it to {block}."
    meant = nearest(name, found.place.keys)
    if meant is not None:
        return f"Did you mean {meant}?"
    if len(found.place.keys) > _LISTED:
        return "Remove it."
    return f"Remove it; the keys here are {', '.join(found.place.keys)}."


@cache
def _whole() -> _Place:
    text = resources.files(__package__).joinpath("litellm_schema.json").read_text(encoding="utf-8")
    return _place(json.loads(text))


def _place(schema: Schema) -> _Place:
    if not schema:
        return _FREE_FORM
    others = schema.get("additionalProperties", True)
    return _Place(
        keys={name: _place(below) for name, below in schema.get("properties", {}).items()},
        others=_place(others) if isinstance(others, dict) else _FREE_FORM if others else None,
        items=_place(schema["items"]) if "items" in schema else None,
        title=schema.get("title", ""),
    )
