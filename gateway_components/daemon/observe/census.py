"""How many gateways and routes are in which condition: what `/metrics` shows of the daemon's picture."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from gateway_components.api.kinds import GATEWAY_KINDS, READY, TOOL_ROUTE
from gateway_components.identity import Identity
from gateway_components.kube.reflector import ObjectName
from gateway_components.plan.claims import claims
from gateway_components.plan.references import gateway_of_route

__all__ = ["count_conditions"]

_UNKNOWN = "Unknown"
_ROUTE = TOOL_ROUTE.kind


def count_conditions(objects: Callable[[str], Mapping[ObjectName, Any]]) -> Counter[tuple[str, str, str]]:
    """Return numbers of gateways and routes of ours by kind, type of condition and status.

    One that has no such condition yet counts as ``Unknown``.

    Parameters
    ----------
    objects
        Gives the states of a kind (`projections`) by name.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    ours: set[Identity] = set()
    for kind in GATEWAY_KINDS.values():
        claimed: dict[str | None, bool] = {}
        classes = [known for known in objects(kind.class_kind).values() if known]
        for name, state in objects(kind.kind).items():
            of_class = state.model.spec.class_name if state.model else kind.class_of(state.raw)
            if of_class not in claimed:
                claimed[of_class] = claims(kind, of_class, classes)
            if claimed[of_class]:
                ours.add(Identity(kind.kind, *name))
                for condition in (kind.configured, kind.ready):
                    counts[kind.kind, condition, state.statuses.get(condition, _UNKNOWN)] += 1
    for state in objects(_ROUTE).values():
        # One whose gateway does not exist is known by the status that we wrote.
        if "conditions" in state.owned or (state.model and gateway_of_route(state.model) in ours):
            counts[_ROUTE, READY, state.statuses.get(READY, _UNKNOWN)] += 1
    return counts
