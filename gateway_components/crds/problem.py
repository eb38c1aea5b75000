"""What is wrong with a field of a manifest."""

from dataclasses import dataclass
from typing import Literal

from gateway_components.errors import Problem

__all__ = ["FieldProblem", "Path", "Severity", "dotted"]

Path = tuple[str | int, ...]
"""The way to a field: keys and list positions from the top of the manifest."""

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One fault of a manifest.

    Attributes
    ----------
    path : tuple of str or int
        Way to the field at fault; empty where it is the whole manifest.
    message : str
        What is wrong, as the end of a sentence that begins with the field: ``is empty``.
    cure : str
        What to do about it, as a sentence.
    severity : str
        ``error`` where a cluster refuses the object or what is made of it, ``warning`` where only some do.
    """

    path: Path
    message: str
    cure: str
    severity: Severity = "error"

    def as_problem(self) -> Problem:
        """Return the problem without its severity, its path written as `dotted` does."""
        return Problem(field=dotted(self.path), message=self.message, cure=self.cure)


def dotted(path: Path) -> str:
    """Return a path as kubectl writes it: ``spec.aiModels[0].name``, ``metadata.labels["a.b/c"]``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step and step.replace("_", "a").replace("-", "a").isalnum():
            text += f".{step}" if text else step
        else:
            text += f'["{step}"]'
    return text
