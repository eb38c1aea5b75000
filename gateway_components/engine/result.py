"""What a run is known to have done."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from gateway_components.plan.failure import Failure
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.ownership import Applied

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an engine run went.

    A gateway of the run that is in neither `failures` nor `held` is one that nobody knows anything about.

    Attributes
    ----------
    failures
        Why, for each gateway that was not applied, or of which that is not known.
    held
        What the state that the run left behind holds of each gateway that the run reported as done. It is evidence
        only where it is what was asked for.
    released
        Those gateways that were to be let go and are in that state no longer.
    undetermined
        Gateways of the run of which the engine told nothing in order: it was ended, or lost its program. Their objects
        may be ahead of the state. One that was refused is none of them.
    """

    failures: Mapping[GatewayKey, Failure] = field(default_factory=dict)
    held: Mapping[GatewayKey, Applied | None] = field(default_factory=dict)
    released: Collection[GatewayKey] = ()
    undetermined: Collection[GatewayKey] = ()
