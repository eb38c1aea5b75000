"""Objects of the API that arguments describe, and the way back from their fields to the arguments."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from pydantic.alias_generators import to_camel

from gateway_components.components.coerce import Args
from gateway_components.crds.meta import API_VERSION
from gateway_components.crds.problem import FieldProblem
from gateway_components.errors import Problem
from gateway_components.plan.failure import Failure, PlanWarning

__all__ = ["Described", "arguments_of", "described"]


@dataclass(frozen=True, slots=True)
class Described:
    """An object that arguments describe.

    Attributes
    ----------
    manifest
        The object.
    arguments
        The argument for each field of it; of several that a path begins with, the first counts.
    faults
        What is wrong with the arguments beyond what the object shows.
    """

    manifest: Mapping[str, Any]
    arguments: Mapping[str, str]
    faults: tuple[Problem, ...] = ()

    def problem(self, found: FieldProblem | Failure | PlanWarning) -> Problem:
        """Return what the core says about the object, as a problem of the arguments."""
        if isinstance(found, FieldProblem):
            return self._renamed(found.as_problem())
        return self._renamed(Problem(found.field, found.message, found.cure))

    def _renamed(self, problem: Problem) -> Problem:
        for known, argument in self.arguments.items():
            if re.match(re.escape(known) + r"($|[.\[])", problem.field):
                return Problem(argument + problem.field.removeprefix(known), problem.message, problem.cure)
        return problem


def described(
    kind: str,
    metadata: Mapping[str, Any],
    spec: Mapping[str, Any],
    arguments: Mapping[str, str],
    *faults: Problem,
) -> Described:
    """Return an object of our API; fields of its `spec` that are None are left out."""
    given = {name: value for name, value in spec.items() if value is not None}
    manifest = {"apiVersion": API_VERSION, "kind": kind, "metadata": dict(metadata), "spec": given}
    return Described(manifest, arguments, faults)


def arguments_of(type_: type[Args], field_path: str, path: str) -> dict[str, str]:
    """Return the arguments below `path` for the fields below `field_path` that bear their names in camelCase."""
    return {f"{field_path}.{to_camel(field.name)}": f"{path}.{field.name}" for field in fields(type_)}
