"""Fields as a plan writes them, and the way to them in a manifest."""

import re

from gateway_components.crds.problem import Path

__all__ = ["path_of"]

_STEP = re.compile(r"\[([^\]]*)\]|([^.\[]+)")


def path_of(field: str) -> Path:
    """Return the way to a field such as ``spec.guardrails[0].name`` or ``metadata.annotations[a.b/c]``."""
    steps = (inside or outside for inside, outside in _STEP.findall(field))
    return tuple(int(step) if step.isdecimal() else step for step in steps)
