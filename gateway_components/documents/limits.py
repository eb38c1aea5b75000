"""What no text may do: nest or multiply without end, or say a key twice."""

from typing import NamedTuple

import yaml

from gateway_components.documents.faults import fault
from gateway_components.documents.loader import Loader
from gateway_components.errors import YamlError

__all__ = ["check_depth", "check_size"]

_MAXIMUM_DEPTH = 100
"""Lists and maps inside one another; libyaml's composer recurses without a guard and would crash the process."""

_MAXIMUM_VALUES = 200_000
_MAXIMUM_CHARACTERS = 10_000_000
"""Values and characters of a document once its aliases are written out, which may multiply without end."""
_TAG_MERGE = "tag:yaml.org,2002:merge"


def check_depth(text: str) -> None:
    """Refuse nesting that is too deep before anything recurses into it.

    Raises
    ------
    YamlError
        Naming the place.
    """
    depth = 0
    for event in yaml.parse(text, Loader=Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAXIMUM_DEPTH:
                raise _too_deep(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def check_size(root: yaml.Node) -> None:
    """Refuse keys that stand twice, and what grows beyond measure once its aliases are written out.

    Raises
    ------
    YamlError
        Naming the place.
    """
    _measure(root, {})


class _Size(NamedTuple):
    """Size of a node with its aliases written out."""

    values: int
    characters: int
    depth: int


def _measure(node: yaml.Node, known: dict[int, _Size | None]) -> _Size:
    """Return the size of `node`, having checked its keys and its size; each node is looked at once."""
    if isinstance(node, yaml.ScalarNode):
        return _Size(1, len(node.value), 0)
    if id(node) in known:
        size = known[id(node)]
        if size is None:
            raise fault("an alias stands inside the value that it names", node)
        return size
    known[id(node)] = None
    if isinstance(node, yaml.MappingNode):
        _check_keys(node)
        below = [_measure(child, known) for pair in node.value for child in pair]
    else:
        below = [_measure(child, known) for child in node.value]
    size = _Size(
        values=1 + sum(part.values for part in below),
        characters=sum(part.characters for part in below),
        depth=1 + max((part.depth for part in below), default=0),
    )
    if size.values > _MAXIMUM_VALUES:
        raise fault(f"more than {_MAXIMUM_VALUES} values stand here once aliases are written out", node)
    if size.characters > _MAXIMUM_CHARACTERS:
        raise fault(
            f"more than {_MAXIMUM_CHARACTERS} characters stand here once aliases are written out", node
        )
    if size.depth > _MAXIMUM_DEPTH:
        raise _too_deep(node)
    known[id(node)] = size
    return size


def _check_keys(node: yaml.MappingNode) -> None:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise fault("a key must be text, not a list or a map", key)
        if key.value in seen and key.tag != _TAG_MERGE:
            raise fault(f'key "{key.value}" stands twice, first in line {seen[key.value]}', key)
        seen[key.value] = key.start_mark.line + 1


def _too_deep(place: yaml.Node | yaml.Event) -> YamlError:
    return fault(f"lists and maps are nested more than {_MAXIMUM_DEPTH} deep", place)
