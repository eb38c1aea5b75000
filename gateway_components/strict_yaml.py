"""Strict YAML: JSON types with line numbers, no duplicate keys, and bounds on depth and aliases.

A plain scalar is a number, a boolean or a string as in kubectl, so that a file means one thing.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from gateway_components.errors import YamlError

_MAXIMUM_BITS = 64
"""Of a whole number, as in Kubernetes."""

_TAG = "tag:yaml.org,2002:"
_NUMBERS = {
    f"{_TAG}int": re.compile(r"[-+]?_*(0[bB][01_]+|0[oO][0-7_]+|0[xX][0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$"),
    f"{_TAG}float": re.compile(
        r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9_]+)?$|[-+]?\.(inf|nan)$", re.IGNORECASE
    ),
}
"""What kubectl reads as a number (measured): no ``12:30`` in base 60 as in YAML 1.1, but ``1e3`` and ``0o17``."""

_BOOLEAN = re.compile(r"(?:y|Y|n|N)$")
"""What kubectl reads as true or false beyond what PyYAML does."""


def _fault(message: str, place: yaml.Node | yaml.Event) -> YamlError:
    return _fault_at(message, place.start_mark)


def _fault_at(message: str, mark: Any) -> YamlError:
    """Return the error that `message` describes, at a mark of PyYAML; at the beginning where there is none."""
    return YamlError(message, mark.line + 1, mark.column + 1) if mark else YamlError(message, 1, 1)


def _resolvers(*left_out: str) -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """Return PyYAML's rules for plain scalars but those of the tags `left_out`, and kubectl's after them."""
    tags = [_TAG + name for name in left_out]
    resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {
        first: [(tag, pattern) for tag, pattern in known if tag not in tags]
        for first, known in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }
    for first in "+-.0123456789":
        resolvers[first] = [*resolvers.get(first, ()), *_NUMBERS.items()]
    for first in "yYnN":
        resolvers[first] = [*resolvers.get(first, ()), (f"{_TAG}bool", _BOOLEAN)]
    return resolvers


class _Loader(yaml.CSafeLoader):
    """Reads YAML into JSON types: dates stay text, and keys become text."""

    yaml_implicit_resolvers = _resolvers("timestamp", "value", "int", "float")

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise _fault("a map is expected here", node)
        self.flatten_mapping(node)
        return {str(key.value): self.construct_object(value, deep=deep) for key, value in node.value}


def _boolean(_: _Loader, node: yaml.ScalarNode) -> bool:
    text = node.value.lower()
    if text not in {"y", "n", *yaml.CSafeLoader.bool_values}:
        raise _fault("this is neither true nor false", node)
    return text == "y" or yaml.CSafeLoader.bool_values.get(text, False)


def _integer(_: _Loader, node: yaml.ScalarNode) -> int:
    text = node.value.replace("_", "").lower()
    if re.match(r"[-+]?0[0-9]", text):
        text = text.replace("0", "0o", 1)
    try:
        number = int(text, 0)
    except ValueError:
        raise _fault("this is not a whole number, or it is too long", node) from None
    if number.bit_length() > _MAXIMUM_BITS:
        raise _fault(f"this number needs more than {_MAXIMUM_BITS} bits", node)
    return number


def _float(_: _Loader, node: yaml.ScalarNode) -> float | str:
    text: str = node.value
    try:
        number = float(re.sub(r"_|\.(?=inf|nan)", "", text, flags=re.IGNORECASE))
    except ValueError:
        raise _fault("this is not a number", node) from None
    if math.isfinite(number):
        return number
    if "." in text and not re.search("[0-9]", text):
        raise _fault(f"{text} has no counterpart in JSON", node)
    return text


def _refuse(_: _Loader, node: yaml.Node) -> Any:
    # The tag is not shown: it may be a password that begins with an exclamation mark.
    raise _fault("a tag has no counterpart in JSON here; text that begins with '!' needs quotes", node)


_Loader.add_constructor(f"{_TAG}bool", _boolean)
_Loader.add_constructor(f"{_TAG}int", _integer)
_Loader.add_constructor(f"{_TAG}float", _float)
for _name in ("binary", "omap", "pairs", "set", "timestamp"):
    _Loader.add_constructor(_TAG + _name, _refuse)
_Loader.add_constructor(None, _refuse)


_BAD_CHARACTER = "YAML does not allow this character"

Path = Sequence[str | int]

_MAXIMUM_DEPTH = 100
"""Lists and maps inside one another; libyaml's composer recurses without a guard and would crash the process."""

_MAXIMUM_VALUES = 200_000
_MAXIMUM_CHARACTERS = 10_000_000
"""Values and characters of a document once its aliases are written out."""
_MAXIMUM_GROWTH = 10
"""So many times what the text itself holds: a few kilobytes must not cost what a megabyte does."""
_FREE_VALUES = 1_000
_FREE_CHARACTERS = 50_000
"""What aliases may grow to in any case, for it costs next to nothing."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a YAML text, in JSON types, and its first line, counted from 1."""

    value: Any
    line: int
    _node: yaml.Node

    def line_of(self, path: Path) -> int:
        """Return the line of the field at `path`, or of the nearest part of it that stands in the text."""
        return self._nearest(path)[1]

    def line_in(self, path: Path, line: int) -> int:
        """Return where line `line` of the text at `path` stands: known of a block after ``|``, else the field's."""
        node, first = self._nearest(path)
        is_block = isinstance(node, yaml.ScalarNode) and node.style == "|"
        return node.start_mark.line + 1 + line if is_block else first

    def _nearest(self, path: Path) -> tuple[yaml.Node, int]:
        node, line = self._node, self.line
        for step in path:
            child = _child(node, step)
            if child is None:
                break
            key, node = child
            line = key.start_mark.line + 1
        return node, line


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):  # what a merge key brought stands in front
            if key.value == step:
                return key, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def parse_all(text: str) -> tuple[Document, ...]:
    """Read every document of `text`, leaving out the empty ones.

    Raises YamlError: the text does not parse, repeats a key or holds what JSON cannot.
    """
    try:
        _check_depth(text)
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(_BAD_CHARACTER, line, 1) from None
    except UnicodeEncodeError as error:
        raise YamlError(_BAD_CHARACTER, text.count("\n", 0, error.start) + 1, 1) from None
    except yaml.MarkedYAMLError as error:
        raise _translated(error) from None
    documents = []
    try:
        while loader.check_node():
            node = loader.get_node()
            assert node is not None  # noqa: S101  (check_node has just seen it)
            _check_growth(node, _Measure())
            value = loader.construct_document(node)
            if value is not None:
                documents.append(Document(value, node.start_mark.line + 1, node))
    except yaml.MarkedYAMLError as error:
        raise _translated(error) from None
    finally:
        loader.dispose()
    return tuple(documents)


def parse(text: str) -> Any:
    """Read the one document of `text`; None where there is none.

    Raises YamlError: the text does not parse, repeats a key, holds what JSON cannot, or has several documents.
    """
    documents = parse_all(text)
    if len(documents) > 1:
        message = "a second document begins here, but only one is allowed"
        raise YamlError(message, documents[1].line, 1)
    return documents[0].value if documents else None


def _translated(error: yaml.MarkedYAMLError) -> YamlError:
    message = ", ".join(part for part in (error.context, error.problem) if part)
    return _fault_at(message, error.problem_mark or error.context_mark)


def _check_depth(text: str) -> None:
    """Refuse nesting that is too deep before anything recurses into it."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAXIMUM_DEPTH:
                raise _too_deep(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Size(NamedTuple):
    """Size of a node with its aliases written out."""

    values: int
    characters: int
    depth: int


class _Measure:
    """Looks at each node once, and checks its keys and its size; an alias counts as one value of the text."""

    def __init__(self) -> None:
        self.values = 0
        self.characters = 0
        self._known: dict[int, _Size | None] = {}

    def of(self, node: yaml.Node) -> _Size:
        """Return the size of `node`."""
        self.values += 1
        if id(node) in self._known:
            size = self._known[id(node)]
            if size is None:
                raise _fault("an alias is inside the value that it refers to", node)
            return size
        if isinstance(node, yaml.ScalarNode):
            self.characters += len(node.value)
            size = _Size(1, len(node.value), 0)
        else:
            self._known[id(node)] = None
            size = self._of_collection(node)
        self._known[id(node)] = size
        return size

    def _of_collection(self, node: yaml.Node) -> _Size:
        if isinstance(node, yaml.MappingNode):
            _check_keys(node)
        below = [self.of(child) for child in _children(node)]
        size = _Size(
            values=1 + sum(part.values for part in below),
            characters=sum(part.characters for part in below),
            depth=1 + max((part.depth for part in below), default=0),
        )
        _check_limits(node, size, _MAXIMUM_VALUES, _MAXIMUM_CHARACTERS)
        if size.depth > _MAXIMUM_DEPTH:
            raise _too_deep(node)
        return size


def _check_growth(root: yaml.Node, measure: _Measure) -> None:
    """Refuse duplicate keys, and aliases that make a document many times larger than its text, where they do."""
    size = measure.of(root)
    values = max(_MAXIMUM_GROWTH * measure.values, _FREE_VALUES)
    characters = max(_MAXIMUM_GROWTH * measure.characters, _FREE_CHARACTERS)
    node: yaml.Node | None = root
    while node is not None and (size.values > values or size.characters > characters):
        place, found = node, size
        sized = ((child, measure.of(child)) for child in _children(node))
        large = (
            (child, below) for child, below in sized if below.values > values or below.characters > characters
        )
        node, size = next(large, (None, size))
        if node is None:
            _check_limits(place, found, values, characters)


def _check_limits(node: yaml.Node, size: _Size, values: int, characters: int) -> None:
    for found, allowed, what in (
        (size.values, values, "values"),
        (size.characters, characters, "characters"),
    ):
        if found > allowed:
            raise _fault(
                f"more than {allowed} {what} appear once aliases are expanded; use fewer aliases", node
            )


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _check_keys(node: yaml.MappingNode) -> None:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _fault("a key must be text, not a list or a map", key)
        if key.value in seen and key.tag != f"{_TAG}merge":
            raise _fault(f'duplicate key "{key.value}", first in line {seen[key.value]}', key)
        seen[key.value] = key.start_mark.line + 1


def _too_deep(place: yaml.Node | yaml.Event) -> YamlError:
    return _fault(f"lists and maps are nested more than {_MAXIMUM_DEPTH} deep", place)


class _Dumper(yaml.CSafeDumper):
    """Writes plain YAML without anchors; text stays text for PyYAML, which LiteLLM uses, and for kubectl."""

    yaml_implicit_resolvers = _resolvers()

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style=style)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_multi_representer(str, _represent_text)  # what derives from it


def dump(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """Write JSON types as YAML with keys in the given order; equal input gives equal bytes."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return text
