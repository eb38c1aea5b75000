"""Mistakes in the arguments of a component."""

import pulumi

from gateway_components.errors import InputError, Problem

__all__ = ["ArgsError"]


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
