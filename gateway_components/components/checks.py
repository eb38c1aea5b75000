"""Checks of the arguments that no field of the custom resource carries."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from gateway_components.components.errors import ArgsError
from gateway_components.crds.problem import Path, dotted
from gateway_components.crds.syntax import namespace_fault
from gateway_components.errors import Problem
from gateway_components.plan.failure import clause
from gateway_components.plan.hashes import content_digest

__all__ = ["check_patch", "key_digest", "namespace_problem"]


def namespace_problem(namespace: Any) -> Problem | None:
    """Return what is wrong with the name of a namespace, which the core takes as it comes; None where it is right."""
    if namespace is None:
        return Problem("namespace", "is None", "leave it out for the namespace default")
    if not isinstance(namespace, str):
        return Problem("namespace", f"is a {type(namespace).__name__}, but must be text", "give it as text")
    fault = namespace_fault(namespace)
    return Problem("namespace", fault.message, clause(fault.cure)) if fault else None


def check_patch(component: str, patch: Any) -> Any:
    """Return `patch` if it is None or a map of JSON types.

    Raises
    ------
    ArgsError
        It is something else, or holds what YAML of a LiteLLM configuration cannot say.
    """
    if patch is not None and not isinstance(patch, Mapping):
        message = f"is a {type(patch).__name__}, but must be a map"
        cure = "give top-level keys of a LiteLLM configuration, such as router_settings"
        raise ArgsError(component, Problem("config_patch", message, cure))
    found = tuple(_foreign(patch, ("config_patch",)))
    if found:
        raise ArgsError(component, *found)
    return patch


def key_digest(component: str, keys: Any) -> str | None:
    """Return the digest of the Secret's content; None for None.

    Raises
    ------
    ArgsError
        `keys` is no map from text to text. No value is ever shown.
    """
    if keys is None:
        return None
    if not isinstance(keys, Mapping):
        cure = "give the map that the Secret gets as its string_data"
        raise ArgsError(
            component, Problem("api_keys", f"is a {type(keys).__name__}, but must be a map", cure)
        )
    wrong = [
        Problem(f"api_keys.{key}", f"is a {type(value).__name__}, but must be text", "give the key as text")
        for key, value in keys.items()
        if not isinstance(value, str)
    ]
    if wrong:
        raise ArgsError(component, *wrong)
    return content_digest({str(key): value for key, value in keys.items()})


def _foreign(value: Any, path: Path) -> Iterator[Problem]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _foreign(part, (*path, key))
    elif isinstance(value, list):
        for position, part in enumerate(value):
            yield from _foreign(part, (*path, position))
    elif not _is_json(value):
        message = f"is a {type(value).__name__}, which a configuration cannot hold"
        yield Problem(dotted(path), message, "use maps, lists, text, numbers, booleans and None")


def _is_json(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or type(value) in {str, int, bool}
