"""Writes JSON types as YAML."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from gateway_components.documents.loader import resolvers

__all__ = ["dump"]


class _Dumper(yaml.CSafeDumper):
    """Writes plain YAML without anchors; text stays text for PyYAML, which LiteLLM uses, and for kubectl."""

    yaml_implicit_resolvers = resolvers()

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def dump(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """Write JSON types as YAML with keys in the given order; equal input gives equal bytes."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return text
