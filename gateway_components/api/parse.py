"""Parses manifests into models, and finds what the API server would refuse in them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway_components.api.crds import Schema, object_schema, structural_schema
from gateway_components.api.kinds import KINDS, Kind, Role
from gateway_components.api.meta import API_VERSION, ApiObject, ObjectMeta
from gateway_components.api.spelling import nearest
from gateway_components.api.syntax import object_name_fault, shown, uri_fault
from gateway_components.api.workload import label_problems, workload_name_problem, workload_problems
from gateway_components.errors import Finding, InputError, Path

M = TypeVar("M", bound=ApiObject)

_LISTED = 8


def parse(manifest: Mapping[str, Any]) -> ApiObject:
    """Return the model of an object of one of our kinds, from a file or from the API server.

    As on the API server, unknown fields are left out, nulls count as absent, and absent fields get defaults.

    Raises InputError: the kind is not ours, or the object breaks its schema.
    """
    kind, faults = _kind(manifest)
    if kind is None:
        raise InputError(*faults)
    return parse_as(kind.model, manifest)


def parse_as(model: type[M], manifest: Mapping[str, Any]) -> M:
    """Return an object as an instance of a model, whatever its ``kind`` says; InputError where it breaks the schema."""
    parsed, faults = _validated(model, manifest)
    if parsed is None:
        raise InputError(*faults)
    return parsed


def problems(manifest: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Find everything that is wrong with a manifest as a user wrote it.

    That is what `admission_problems` finds and, if the object is readable, what the API server would refuse in its
    Deployment and Service.
    """
    found = list(admission_problems(manifest))
    kind, _ = _kind(manifest)
    # The pod of a ToolServer is the business of the controller that runs it.
    parsed = _validated(kind.model, manifest)[0] if kind and kind.role is Role.GATEWAY else None
    if parsed is None:
        return tuple(found)
    if object_name_fault(parsed.metadata.name) is None:
        name_problem = workload_name_problem(parsed.metadata.name)
        found += [name_problem] if name_problem else []
    return (*found, *workload_problems(parsed))


def admission_problems(manifest: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Find the errors for which ``kubectl apply`` would refuse a manifest; none exactly where our CRDs take it."""
    kind, faults = _kind(manifest)
    if kind is None:
        return tuple(faults)
    schema = object_schema(kind.model)
    schema["properties"]["metadata"] = structural_schema(ObjectMeta)
    found = list(_unknown_fields(manifest, schema))
    parsed, faults = _validated(kind.model, manifest)
    found += faults
    if parsed is not None:
        found += _metadata_problems(parsed.metadata)
    return tuple(found)


def _unknown_fields(value: Any, schema: Schema, path: Path = ()) -> Iterator[Finding]:
    """Yield each field of a value that its schema does not have; what has another shape is passed over.

    ``kubectl apply`` refuses them (strict field validation); clients that do not ask for that get them pruned.
    """
    if isinstance(value, list) and "items" in schema:
        for position, item in enumerate(value):
            yield from _unknown_fields(item, schema["items"], (*path, position))
    known: Mapping[str, Schema] = schema.get("properties", {})
    if not isinstance(value, Mapping) or not known:
        return
    for name, item in value.items():
        if name in known:
            yield from _unknown_fields(item, known[name], (*path, name))
        else:
            yield Finding((*path, str(name)), "is not a field of this kind", _cure(str(name), known))


def _cure(name: str, known: Mapping[str, Schema]) -> str:
    meant = nearest(name, known)
    if meant is not None:
        return f"Did you mean {meant}?"
    if len(known) > _LISTED:
        return "Remove it."
    return f"Remove it; the fields here are {', '.join(sorted(known))}."


def _kind(manifest: Mapping[str, Any]) -> tuple[Kind | None, list[Finding]]:
    name, version = manifest.get("kind"), manifest.get("apiVersion")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        meant = nearest(name, KINDS) if isinstance(name, str) else None
        message = "is required but missing" if name is None else f"is {shown(name)}, which is not one of ours"
        cure = f"Did you mean {meant}?" if meant else f"Use one of {', '.join(sorted(KINDS))}."
        return None, [Finding(("kind",), message, cure)]
    if version != API_VERSION:
        message = (
            "is required but missing"
            if version is None
            else f"is {shown(version)}, which {name} does not have"
        )
        return None, [Finding(("apiVersion",), message, f"Use {API_VERSION}.")]
    return kind, []


def _validated(model: type[M], manifest: Mapping[str, Any]) -> tuple[M | None, list[Finding]]:
    """Return the model, or the faults that keep it from being made.

    A status that breaks its schema is left out: the API server ignores the status of an applied object.
    """
    try:
        return model.model_validate(manifest, by_alias=True, by_name=False), []
    except ValidationError as error:
        errors = [fault for fault in error.errors(include_url=False) if _counts(fault)]
    if errors:
        return None, [field_problem(fault) for fault in errors]
    spec_only = {name: part for name, part in manifest.items() if name != "status"}
    return model.model_validate(spec_only, by_alias=True, by_name=False), []


def _counts(fault: ErrorDetails) -> bool:
    """Return whether an error of pydantic says something about the object.

    An error in the status does not, nor a list that is too short only because its entries are invalid.
    """
    return fault["loc"][:1] != ("status",) and not (fault["type"] == "too_short" and fault["input"])


def _metadata_problems(metadata: ObjectMeta) -> Iterator[Finding]:
    fault = object_name_fault(metadata.name)
    if fault is not None and (metadata.name or not metadata.generate_name):
        yield Finding(("metadata", "name"), fault.message, fault.cure)
    yield from label_problems(metadata.labels, metadata.annotations, ("metadata",))


_WANTED = {
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


def field_problem(error: ErrorDetails) -> Finding:
    """Return an entry of `pydantic.ValidationError.errors` as a problem in plain English, with the path of manifests.

    An error type that is not expected keeps pydantic's own message.
    """
    path: Path = tuple(step for step in error["loc"] if step != "[key]")
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "missing":
        return Finding(path, "is required but missing", f"Add {path[-1]} there.")
    if kind in _WANTED:
        wanted = _WANTED[kind]
        return Finding(path, f"is {_named(value)}, but must be {wanted}", _type_cure(kind, value, wanted))
    describe = LIMITS.get(kind)
    if describe is None:
        return Finding(path, error["msg"], "Correct the value.")
    message, cure = describe(value, context)
    return Finding(path, message, cure)


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
        (f"is {shown(value)}, which does not have the required form", f"It must match {limit['pattern']}."),
    ),
    "duplicate": lambda _, context: (f"has {shown(context['entry'])} twice", "Remove one of the two."),
    "uri": lambda value, _: _uri(value),
    "one_of": lambda _, context: _one_of(context["choices"], context["given"]),
    "literal_error": lambda value, limit: (f"is {shown(value)}", f"Use {limit['expected']}."),
}
"""Message and cure for each error about a value of the right type, from the value and pydantic's context."""


PATTERNS: Mapping[str, tuple[str, str]] = {
    # The text stays out: a URL may hold a password.
    "^https?://.+": ("is not an http or https URL", "Begin it with http:// or https://, in lower case."),
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
