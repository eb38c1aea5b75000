"""What LiteLLM does not know in a configuration (spec, "Config patch": a warning, never a refusal).

The known keys come from the pinned LiteLLM package. ``make schema`` writes them into the JSON file beside this module
(`tools/litellm_schema.py`).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from typing import Any

from gateway_components.api.crds import Schema
from gateway_components.api.spelling import Spellings, nearest
from gateway_components.errors import Finding, Path, listed
from gateway_components.plan.variables import REFERENCE

_LISTED = 8
_LONGEST_VALUE = 64
_SPELLINGS = 10_000  # of keys that may be right, as many are compared with the known ones
_CURED = 50  # looking for the nearest key takes a millisecond or two; nobody reads more warnings than that
_SHAPED = (1, 2)  # length of the paths of blocks, and of what is directly in them
_TYPES = {"a list": list, "a map": Mapping}
_IN_SECTION = 2  # length of the path of a key in a block of the file, such as `general_settings`


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
    values, pattern
        The texts that LiteLLM takes here, and what others may hold; without `values` it takes any.
    """

    keys: Mapping[str, "_Place"] = field(default_factory=dict)
    others: "_Place | None" = None
    items: "_Place | None" = None
    title: str = ""
    values: Mapping[str, None] = field(default_factory=dict)
    pattern: str | None = None

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


def unknown_keys(config: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a finding for each key of a ``config.yaml`` that the pinned LiteLLM does not know.

    No key is looked at before it is asked for. A message is the end of a sentence that begins with the key.

    LiteLLM passes on any ``litellm_params`` of a model or a guardrail, so only misspellings of known keys are named
    there. Free-form blocks (``environment_variables``, ``model_info``, ``callback_settings``) are skipped. The shape of
    top-level blocks and of list entries is checked as well; deeper values of another shape are skipped.
    """
    whole = _whole()
    for count, one in enumerate(_unknown(config, whole, (), iter(range(_SPELLINGS)))):
        cure = _cure(one, whole) if count < _CURED else "Remove it."
        yield Finding(one.path, _message(one, whole.title), cure)


def _message(found: _Found, title: str) -> str:
    if found.shape is not None:
        return f"is not {found.shape}, as {title} reads it"
    return f"is not a key that {title} knows here"


def _shape(place: _Place) -> str | None:
    if place.items is not None:
        return "a list"
    return None if place is _FREE_FORM else "a map"


def _unknown(value: Any, place: _Place, path: Path, spellings: Iterator[int]) -> Iterator[_Found]:
    if place.values:
        return  # the business of `refused_values`
    shape = _shape(place) if len(path) in _SHAPED else None
    if value is not None and shape is not None and not isinstance(value, _TYPES[shape]):
        yield _Found(path, place, shape=shape)
        return
    if isinstance(value, list) and place.items is not None:
        for position, item in enumerate(value):
            yield from _unknown(item, place.items, (*path, position), spellings)
    if not isinstance(value, Mapping) or place is _FREE_FORM:
        return
    for key, item in value.items():
        name = str(key)
        below = place.keys.get(name, place.others)
        if below is None:
            yield _Found((*path, name), place)
        elif below is not _FREE_FORM:
            yield from _unknown(item, below, (*path, name), spellings)
        elif (
            name not in place.keys
            and next(spellings, None) is not None
            and (meant := place.spellings.meant_by(name)) is not None
        ):
            yield _Found((*path, name), place, meant)


def refused_values(config: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a finding, as `unknown_keys`, for each key with a text that the pinned LiteLLM does not take there.

    With most of them it does not start, and by a mode that it does not know it never asks a guardrail. What variables
    hold is not known.
    """
    for count, (path, text, place) in enumerate(_refused(config, _whole(), ())):
        meant = nearest(text, place.values) if count < _CURED and len(text) <= _LONGEST_VALUE else None
        cure = f"did you mean {meant}?" if meant else f"use one of {listed(place.values)}"
        yield Finding(path, f"has a value that {title()} does not take", cure)


def _refused(value: Any, place: _Place, path: Path) -> Iterator[tuple[Path, str, _Place]]:
    if isinstance(value, list):
        below = place if place.values else place.items
        for position, item in enumerate(value if below else ()):
            yield from _refused(item, below or place, (*path, position))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            known = place.keys.get(str(key), place.others)
            if known is not None and known is not _FREE_FORM:
                yield from _refused(item, known, (*path, str(key)))
    elif place.values and isinstance(value, str) and value not in place.values:
        own = place.pattern is not None and re.search(place.pattern, value)
        if not own and not value.startswith(REFERENCE):
            yield path, value, place


def _cure(found: _Found, whole: _Place) -> str:
    if found.shape is not None:
        return f"Write {found.shape}, or remove it."
    name, known = str(found.path[-1]), found.place.keys
    if found.meant is None and (place := _elsewhere(name, found, whole)):
        return f"Move it to {place}."
    if meant := found.meant or nearest(name, known):
        return f"Did you mean {meant}?"
    return "Remove it." if len(known) > _LISTED else f"Remove it; the keys here are {', '.join(known)}."


def _elsewhere(name: str, found: _Found, whole: _Place) -> str:
    """Return the block that has such a key, beside or around the unknown one; empty where none has."""
    if len(found.path) != _IN_SECTION or _block_with(name, found.place):
        return _block_with(name, found.place)
    return "the top level" if name in whole.keys else _block_with(name, whole)


def _block_with(name: str, around: _Place) -> str:
    return next((block for block, place in around.keys.items() if name in place.keys), "")


@cache
def known_providers() -> frozenset[str]:
    """Return the providers that stand before the ``/`` of a model."""
    return frozenset(_schema()["$defs"]["provider"]["enum"])


@cache
def models_named_twice() -> frozenset[str]:
    """Return the models that rightly name their provider twice: ``openrouter/openrouter/auto``."""
    return frozenset(_schema()["$defs"]["modelNamedTwice"]["enum"])


def title() -> str:
    """Return the name and version of the LiteLLM that all of this is about."""
    return _whole().title


@cache
def _schema() -> Schema:
    text = resources.files(__package__).joinpath("litellm_schema.json").read_text(encoding="utf-8")
    found: Schema = json.loads(text)
    return found


@cache
def _whole() -> _Place:
    return _place(_schema())


def _place(schema: Schema) -> _Place:
    if not schema:
        return _FREE_FORM
    others = schema.get("additionalProperties", True)
    return _Place(
        keys={name: _place(below) for name, below in schema.get("properties", {}).items()},
        others=_place(others) if isinstance(others, dict) else _FREE_FORM if others else None,
        items=_place(schema["items"]) if "items" in schema else None,
        title=schema.get("title", ""),
        values=dict.fromkeys(schema.get("enum", ())),
        pattern=schema.get("pattern"),
    )
