"""Faults of a YAML text, with the place where they stand."""

from typing import Any

import yaml

from gateway_components.errors import YamlError

__all__ = ["fault", "fault_at"]


def fault(message: str, place: yaml.Node | yaml.Event) -> YamlError:
    """Return the error that `message` describes, at a node or event of the text."""
    return fault_at(message, place.start_mark)


def fault_at(message: str, mark: Any) -> YamlError:
    """Return the error that `message` describes, at a mark of PyYAML; at the beginning where there is none."""
    return YamlError(message, mark.line + 1, mark.column + 1) if mark else YamlError(message, 1, 1)
