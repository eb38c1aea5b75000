"""The rules of kstatus for a kind that it does not know, as its Go source has them."""

from collections.abc import Mapping
from typing import Any

_READY = {"True": "Current", "False": "InProgress", "Unknown": "InProgress"}


def kstatus(found: Mapping[str, Any]) -> str:
    """Return the status of an object: Terminating, InProgress, Failed or Current.

    In this order: an object that is being deleted; a ``status.observedGeneration`` that is not
    ``metadata.generation``; the first condition ``Reconciling`` or ``Stalled`` that is True; the condition
    ``Ready``. An object without any of these is Current.
    """
    metadata, status = found["metadata"], found.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return "Terminating"
    observed = status.get("observedGeneration")
    if "generation" in metadata and observed is not None and observed != metadata["generation"]:
        return "InProgress"
    conditions = status.get("conditions") or ()
    for condition in conditions:
        if condition["status"] == "True" and condition["type"] in {"Reconciling", "Stalled"}:
            return "InProgress" if condition["type"] == "Reconciling" else "Failed"
    ready = (_READY.get(condition["status"]) for condition in conditions if condition["type"] == "Ready")
    return next((seen for seen in ready if seen), "Current")
