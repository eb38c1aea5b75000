"""Names in manifest files and on the command line that the API server checks only when it creates an object."""

import re

from gateway_components.crds.syntax import LABEL, LABEL_LENGTH, NAME_CURE, Fault, shown

__all__ = ["namespace_fault"]


def namespace_fault(name: str) -> Fault | None:
    """Check the name of a namespace: an RFC 1123 label."""
    if len(name) > LABEL_LENGTH:
        return Fault(f"has {len(name)} characters", f"Use at most {LABEL_LENGTH}.")
    if not re.fullmatch(LABEL, name):
        return Fault(f"is {shown(name)}, which is no name for a namespace", NAME_CURE)
    return None
