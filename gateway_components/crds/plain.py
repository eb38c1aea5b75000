"""From pydantic's errors to sentences for people who write YAML."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from gateway_components.crds.problem import FieldProblem, Path
from gateway_components.crds.syntax import shown
from gateway_components.crds.uri import uri_fault

__all__ = ["field_problem"]

WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "model_type": "a map of fields",
    "mapping_type": "a map",
    "dict_type": "a map",
    "tuple_type": "a list",
    "quantity": "a quantity such as 1, 100m or 1Gi",
}
"""What each type error of pydantic asks for."""


def field_problem(error: ErrorDetails) -> FieldProblem:
    """Return an error of pydantic as a problem in plain English.

    Parameters
    ----------
    error : dict
        An entry of `pydantic.ValidationError.errors`.

    Returns
    -------
    FieldProblem
        With the path as manifests have it. An error type that is not expected keeps pydantic's own message.
    """
    path: Path = tuple(step for step in error["loc"] if step != "[key]")
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "missing":
        return FieldProblem(path, "is required but missing", f"Add {path[-1]} there.")
    if kind in WANTED:
        wanted = WANTED[kind]
        return FieldProblem(
            path, f"is {_named(value)}, but must be {wanted}", _type_cure(kind, value, wanted)
        )
    describe = LIMITS.get(kind)
    if describe is None:
        return FieldProblem(path, error["msg"], "Correct the value.")
    message, cure = describe(value, context)
    return FieldProblem(path, message, cure)


LIMITS: Mapping[str, Callable[[Any, Mapping[str, Any]], tuple[str, str]]] = {
    "greater_than_equal": lambda value, limit: (
        f"is {shown(value)}, which is too small",
        f"Use {limit['ge']} or more.",
    ),
    "less_than_equal": lambda value, limit: (
        f"is {shown(value)}, which is too large",
        f"Use {limit['le']} or less.",
    ),
    "too_short": lambda *_: ("is an empty list", "Give it an entry."),
    "string_too_short": lambda *_: ("is empty", "Give it a text."),
    "string_too_long": lambda value, limit: (
        f"has {len(value)} characters",
        f"Use at most {limit['max_length']}.",
    ),
    "string_pattern_mismatch": lambda value, limit: PATTERNS.get(
        limit["pattern"],
        (f"is {shown(value)}, which does not have the form wanted", f"It must match {limit['pattern']}."),
    ),
    "duplicate": lambda _, context: (f"has {shown(context['entry'])} twice", "Remove one of the two."),
    "uri": lambda value, _: _uri(value),
    "one_of": lambda _, context: _one_of(context["choices"], context["given"]),
    "literal_error": lambda value, limit: (f"is {shown(value)}", f"Use {limit['expected']}."),
}
"""Message and cure for each error about a value of the right type, from the value and pydantic's context."""


PATTERNS: Mapping[str, tuple[str, str]] = {
    # The text stays out: a URL may hold a password.
    "^https?://.+": ("is no http or https URL", "Begin it with http:// or https://, in lower case."),
    "^/.*": ("does not begin with '/'", "Put a '/' in front."),
}
"""Message and cure for a text that does not match a pattern, by the pattern."""


def _uri(value: str) -> tuple[str, str]:
    fault = uri_fault(value)
    return (fault.message, fault.cure) if fault else ("is no URL", "Write a URL there.")


def _one_of(choices: Sequence[str], given: Sequence[str]) -> tuple[str, str]:
    listed = " or ".join(choices)
    if not given:
        return f"has neither {' nor '.join(choices)}", f"Add {listed}."
    return f"has both {' and '.join(given)}", f"Remove {listed}; exactly one of them may be there."


def _named(value: object) -> str:
    """Return what a value is, in YAML's terms, and the value itself where that is short."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return f"the text {shown(value)}"
        case int() | float():
            return f"the number {shown(value)}"
    if isinstance(value, Mapping | list):
        return "a map" if isinstance(value, Mapping) else "a list"
    return f"the {type(value).__name__} {shown(value)}"


def _type_cure(kind: str, value: object, wanted: str) -> str:
    """Return the cure for a value of the wrong type; the usual slip is about quotes."""
    if kind == "string_type" and value is not None and not isinstance(value, Mapping | list):
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return f'Put it in quotes: "{text}".'
    if isinstance(value, str) and kind == "int_type" and value.isdigit():
        return f"Remove the quotes: {value}."
    if isinstance(value, str) and kind == "bool_type" and value.lower() in {"true", "false"}:
        return f"Remove the quotes: {value.lower()}."
    if kind == "tuple_type" and isinstance(value, Mapping):
        return "Begin each entry with '- '."
    return f"Write {wanted} there."
