"""What is wrong with the arguments of a component, as the engine shows it."""

import re

import pulumi

from gateway_components.errors import GatewayError, InputError, Problem
from gateway_components.plan.failure import Failure
from gateway_components.plan.references import PATCH_ANNOTATION

__all__ = ["ArgsError", "args_error"]

_ARGUMENTS = {
    f"metadata.annotations[{PATCH_ANNOTATION}]": "config_patch",
    "metadata.name": "name",
    "metadata.namespace": "namespace",
    "spec.aiModels": "models",
    "spec.commonMetadata": "common_metadata",
    "spec.envFrom": "env_from",
    "spec.env": "env",
    "spec.podMetadata": "pod_metadata",
    "spec.port": "port",
}
"""What the arguments are called whose fields of the custom resource are these."""


class ArgsError(InputError, pulumi.RunError):
    """The arguments of a component are at fault.

    A `pulumi.RunError`, for which the engine prints this text alone, without a traceback; wherever it is raised.

    Parameters
    ----------
    component
        Type and name of the component.
    problems
        Everything that is wrong, the fields being those of the arguments.
    """

    def __init__(self, component: str, *problems: Problem) -> None:
        super().__init__(*problems)
        self.component = component

    def __str__(self) -> str:
        """Return one line per problem, each naming the component."""
        return "\n".join(f"{self.component}: {problem}" for problem in self.problems)


def args_error(component: str, error: GatewayError) -> ArgsError:
    """Return what the core says about a manifest as an error about the arguments it was made from."""
    if isinstance(error, InputError):
        problems = tuple(error.problems)
    elif isinstance(error, Failure):
        problems = (Problem(error.field, error.message, error.cure),)
    else:
        problems = (Problem("", str(error)),)
    renamed = (Problem(_argument(problem.field), problem.message, problem.cure) for problem in problems)
    return ArgsError(component, *renamed)


def _argument(field: str) -> str:
    for known, argument in _ARGUMENTS.items():
        if re.match(re.escape(known) + r"($|[.\[])", field):
            return argument + field.removeprefix(known)
    return field
