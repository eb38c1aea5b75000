"""Reads YAML into JSON types, keeping the line of every field."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from gateway_components.documents.faults import fault_at
from gateway_components.documents.limits import check_depth, check_size
from gateway_components.documents.loader import Loader
from gateway_components.errors import YamlError

__all__ = ["Document", "parse", "parse_all"]

_BAD_CHARACTER = "a character that YAML does not allow stands here"

Path = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a YAML text.

    Attributes
    ----------
    value
        The content in JSON types.
    line
        First line of the document, counted from 1.
    """

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

    Raises
    ------
    YamlError
        The text does not parse, repeats a key or holds what JSON cannot.
    """
    return tuple(_documents(text))


def parse(text: str) -> Any:
    """Read the one document of `text`; None where there is none.

    Raises
    ------
    YamlError
        The text does not parse, repeats a key, holds what JSON cannot, or has several documents.
    """
    documents = parse_all(text)
    if len(documents) > 1:
        message = "a second document begins here, only one may stand in this text"
        raise YamlError(message, documents[1].line, 1)
    return documents[0].value if documents else None


def _documents(text: str) -> Iterator[Document]:
    try:
        check_depth(text)
        loader = Loader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(_BAD_CHARACTER, line, 1) from None
    except UnicodeEncodeError as error:
        raise YamlError(_BAD_CHARACTER, text.count("\n", 0, error.start) + 1, 1) from None
    except yaml.MarkedYAMLError as error:
        raise _translated(error) from None
    try:
        while loader.check_node():
            node = loader.get_node()
            assert node is not None  # noqa: S101  (check_node has just seen it)
            check_size(node)
            value = loader.construct_document(node)
            if value is not None:
                yield Document(value, node.start_mark.line + 1, node)
    except yaml.MarkedYAMLError as error:
        raise _translated(error) from None
    finally:
        loader.dispose()


def _translated(error: yaml.MarkedYAMLError) -> YamlError:
    message = ", ".join(part for part in (error.context, error.problem) if part)
    return fault_at(message, error.problem_mark or error.context_mark)
