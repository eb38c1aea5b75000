"""How many gateways and routes are in which condition: what `/metrics` shows of the daemon's picture."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from gateway_components.kube.reflector import ObjectName
from gateway_components.plan.classes import claims
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.kinds import GATEWAY_KINDS
from gateway_components.plan.references import gateway_of_route
from gateway_components.plan.status import ROUTE_READY

__all__ = ["count_conditions"]

_UNKNOWN = "Unknown"
_ROUTE = "ToolRoute"


def count_conditions(objects: Callable[[str], Mapping[ObjectName, Any]]) -> Counter[tuple[str, str, str]]:
    """Return numbers of gateways and routes of ours by kind, type of condition and status.

    One that has no such condition yet counts as ``Unknown``.

    Parameters
    ----------
    objects
        Gives the states of a kind (`projections`) by name.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    ours: set[GatewayKey] = set()
    for kind in GATEWAY_KINDS.values():
        classes = [known for known in objects(kind.class_kind).values() if known]
        for name, state in objects(kind.kind).items():
            raw = state.raw  # once: it is kept packed
            if claims(kind, kind.class_of(raw), classes):
                ours.add(GatewayKey(kind.kind, *name))
                for condition in (kind.configured, kind.ready):
                    counts[kind.kind, condition, _status(raw, condition)] += 1
    for state in objects(_ROUTE).values():
        # One whose gateway does not exist is known by the status that we wrote.
        if "conditions" in state.owned or (state.model and gateway_of_route(state.model) in ours):
            counts[_ROUTE, ROUTE_READY, _status(state.raw, ROUTE_READY)] += 1
    return counts


def _status(raw: Mapping[str, Any], condition: str) -> str:
    written = (raw.get("status") or {}).get("conditions") or ()
    return next((str(found["status"]) for found in written if found["type"] == condition), _UNKNOWN)
