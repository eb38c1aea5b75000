"""The errors of this package: what went wrong, where, and how to cure it."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["GatewayError", "InputError", "Problem", "YamlError"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing a user has to put right.

    Attributes
    ----------
    field
        Path of the field at fault, such as ``spec.aiModels[0].name``; empty where the whole object is.
    message
        What is wrong, in a sentence without a final full stop.
    cure
        What to do about it; empty where the message says it all.
    """

    field: str
    message: str
    cure: str = ""

    def __str__(self) -> str:
        """Return field, message and cure on one line."""
        where = f"{self.field}: " if self.field else ""
        cure = f" ({self.cure})" if self.cure else ""
        return f"{where}{self.message}{cure}"


class GatewayError(Exception):
    """Base of every error that this package raises on purpose; its text is fit for a user."""


class InputError(GatewayError):
    """A user's input is at fault.

    Parameters
    ----------
    problems
        Everything that is wrong, at least one.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems: Sequence[Problem] = problems


class YamlError(GatewayError):
    """A text is not the YAML it should be.

    Attributes
    ----------
    line, column
        Place of the fault, counted from 1.
    """

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.message = message
        self.line = line
        self.column = column
