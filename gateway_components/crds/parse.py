"""From a manifest to its model, and what is wrong with a manifest, as the API server would judge it."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway_components.crds.kinds import KINDS, Kind
from gateway_components.crds.meta import ApiObject, ObjectMeta
from gateway_components.crds.plain import field_problem
from gateway_components.crds.problem import FieldProblem
from gateway_components.crds.schema import object_schema, structural_schema
from gateway_components.crds.syntax import object_name_fault, shown, workload_name_problem
from gateway_components.crds.unknown import nearest, unknown_fields
from gateway_components.crds.workload import label_problems, workload_problems
from gateway_components.errors import InputError

__all__ = ["FieldProblem", "admission_problems", "parse", "parse_as", "problems"]

M = TypeVar("M", bound=ApiObject)


def parse(manifest: Mapping[str, Any]) -> ApiObject:
    """Return the model of an object.

    As on the API server, unknown fields are left out, nulls count as absent, and absent fields get defaults.

    Parameters
    ----------
    manifest : mapping
        An object of one of our kinds, from a file or from the API server.

    Returns
    -------
    ApiObject
        An instance of the model of its kind.

    Raises
    ------
    InputError
        If the kind is not ours or the object breaks its schema.
    """
    kind, faults = _kind(manifest)
    if kind is None:
        raise InputError(*(fault.as_problem() for fault in faults))
    return parse_as(kind.model, manifest)


def parse_as(model: type[M], manifest: Mapping[str, Any]) -> M:
    """Return an object as an instance of a model that the caller knows it has.

    Parameters
    ----------
    model : type of ApiObject
        The model of the kind.
    manifest : mapping
        The object; its ``kind`` is not looked at.

    Returns
    -------
    ApiObject
        An instance of `model`.

    Raises
    ------
    InputError
        If the object breaks its schema.
    """
    parsed, faults = _validated(model, manifest)
    if parsed is None:
        raise InputError(*(fault.as_problem() for fault in faults))
    return parsed


def problems(manifest: Mapping[str, Any]) -> tuple[FieldProblem, ...]:
    """Find everything that is wrong with a manifest.

    Parameters
    ----------
    manifest : mapping
        An object as a user wrote it.

    Returns
    -------
    tuple of FieldProblem
        What `admission_problems` finds and, where the object can be read at all, what the API server would
        refuse in the Deployment and the Service that are made from it. Empty where all is well.
    """
    found = list(admission_problems(manifest))
    kind, _ = _kind(manifest)
    if kind is None:
        return tuple(found)
    parsed, _ = _validated(kind.model, manifest)
    if parsed is None:
        return tuple(found)
    if not kind.runs_workload:
        # Of a ToolServer too: its pod is the business of the controller that runs it.
        return tuple(found)
    if object_name_fault(parsed.metadata.name) is None:
        name_problem = workload_name_problem(parsed.metadata.name)
        found += [name_problem] if name_problem else []
    return (*found, *workload_problems(parsed))


def admission_problems(manifest: Mapping[str, Any]) -> tuple[FieldProblem, ...]:
    """Find the reasons for which ``kubectl apply`` would refuse a manifest.

    Parameters
    ----------
    manifest : mapping
        An object as a user wrote it.

    Returns
    -------
    tuple of FieldProblem
        Errors only; empty exactly where a cluster with our CRDs takes the object.
    """
    kind, faults = _kind(manifest)
    if kind is None:
        return tuple(faults)
    schema = object_schema(kind.model)
    schema["properties"]["metadata"] = structural_schema(ObjectMeta)
    found = list(unknown_fields(manifest, schema))
    parsed, faults = _validated(kind.model, manifest)
    found += faults
    if parsed is not None:
        found += _metadata_problems(parsed.metadata)
    return tuple(found)


def _kind(manifest: Mapping[str, Any]) -> tuple[Kind | None, list[FieldProblem]]:
    """Return the kind of a manifest, or what is wrong with its ``kind`` and ``apiVersion``."""
    name, version = manifest.get("kind"), manifest.get("apiVersion")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        meant = nearest(name, KINDS) if isinstance(name, str) else None
        message = "is required but missing" if name is None else f"is {shown(name)}, which is none of ours"
        cure = f"Did you mean {meant}?" if meant else f"Use one of {', '.join(sorted(KINDS))}."
        return None, [FieldProblem(("kind",), message, cure)]
    if version != kind.api_version:
        message = (
            "is required but missing"
            if version is None
            else f"is {shown(version)}, which {name} does not have"
        )
        return None, [FieldProblem(("apiVersion",), message, f"Use {kind.api_version}.")]
    return kind, []


def _validated(model: type[M], manifest: Mapping[str, Any]) -> tuple[M | None, list[FieldProblem]]:
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

    Not so an error in the status, nor that a list is too short because none of its entries is right.
    """
    return fault["loc"][:1] != ("status",) and not (fault["type"] == "too_short" and fault["input"])


def _metadata_problems(metadata: ObjectMeta) -> Iterator[FieldProblem]:
    """Yield what the API server refuses in the metadata of any object."""
    fault = object_name_fault(metadata.name)
    if fault is not None and (metadata.name or not metadata.generate_name):
        yield FieldProblem(("metadata", "name"), fault.message, fault.cure)
    yield from label_problems(metadata.labels, metadata.annotations, ("metadata",))
