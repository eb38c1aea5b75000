"""Which plain YAML is a number, true or false, and which text: as kubectl has it, so that one file means one thing."""

import math
import re
from typing import Any

import yaml

from gateway_components.documents.faults import fault

__all__ = ["Loader", "resolvers"]

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


def resolvers(*left_out: str) -> dict[str, list[tuple[str, re.Pattern[str]]]]:
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


class Loader(yaml.CSafeLoader):
    """Reads YAML into JSON types: dates stay text, and keys become text."""

    yaml_implicit_resolvers = resolvers("timestamp", "value", "int", "float")

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a map with text for keys, in the order they stand."""
        if not isinstance(node, yaml.MappingNode):
            raise fault("a map is expected here", node)
        self.flatten_mapping(node)
        return {str(key.value): self.construct_object(value, deep=deep) for key, value in node.value}


def _boolean(_: Loader, node: yaml.ScalarNode) -> bool:
    text = node.value.lower()
    if text not in {"y", "n", *yaml.CSafeLoader.bool_values}:
        raise fault("this is neither true nor false", node)
    return text == "y" or yaml.CSafeLoader.bool_values.get(text, False)


def _integer(_: Loader, node: yaml.ScalarNode) -> int:
    text = node.value.replace("_", "").lower()
    if re.match(r"[-+]?0[0-9]", text):
        text = text.replace("0", "0o", 1)
    try:
        number = int(text, 0)
    except ValueError:
        raise fault("this is no whole number, or one that is too long", node) from None
    if number.bit_length() > _MAXIMUM_BITS:
        raise fault(f"this number needs more than {_MAXIMUM_BITS} bits", node)
    return number


def _float(_: Loader, node: yaml.ScalarNode) -> float | str:
    text: str = node.value
    try:
        number = float(re.sub(r"_|\.(?=inf|nan)", "", text, flags=re.IGNORECASE))
    except ValueError:
        raise fault("this is no number", node) from None
    if math.isfinite(number):
        return number
    if "." in text and not re.search("[0-9]", text):
        raise fault(f"{text} has no counterpart in JSON", node)
    return text


def _refuse(_: Loader, node: yaml.Node) -> Any:
    # The tag is not shown: it may be a password that begins with an exclamation mark.
    raise fault("a tag has no counterpart in JSON here; text that begins with '!' needs quotes", node)


Loader.add_constructor(f"{_TAG}bool", _boolean)
Loader.add_constructor(f"{_TAG}int", _integer)
Loader.add_constructor(f"{_TAG}float", _float)
for _name in ("binary", "omap", "pairs", "set", "timestamp"):
    Loader.add_constructor(_TAG + _name, _refuse)
Loader.add_constructor(None, _refuse)
