"""What the daemon keeps of the objects it watches: little, and of Secrets nothing but their version."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.aigatewayclass import AiGatewayClass
from gateway_components.crds.parse import parse_as
from gateway_components.errors import InputError
from gateway_components.plan.snapshot import ExistingObject
from gateway_components.plan.status import Rollout

__all__ = [
    "DeploymentState",
    "GatewayState",
    "ObjectState",
    "ai_gateway_class",
    "deployment_state",
    "gateway_state",
    "is_leaving",
    "object_state",
]

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GatewayState:
    """A gateway as it was last seen, parsed once.

    Attributes
    ----------
    raw
        The object, apart from the bookkeeping of its fields' owners.
    model
        Its model; None where it cannot be read.
    fault
        Why it cannot; empty where it can.
    """

    raw: Raw
    model: AiGateway | None = field(default=None, compare=False)
    fault: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ObjectState:
    """Version and controller of an object."""

    version: str
    existing: ExistingObject


@dataclass(frozen=True, slots=True)
class DeploymentState:
    """Controller and progress of a Deployment; its version is left out, so that only these count as a change.

    Attributes
    ----------
    existing
        Its controller.
    observed
        Whether its controller has seen the newest generation.
    wanted, total, updated, available
        Numbers of replicas, as in `Rollout`.
    hashes
        Annotations of its pod template.
    """

    existing: ExistingObject
    observed: bool
    wanted: int
    total: int
    updated: int
    available: int
    hashes: tuple[tuple[str, str], ...]

    def rollout(self, hashes: Mapping[str, str]) -> Rollout:
        """Return the progress towards a pod template with the annotations `hashes`."""
        current = self.observed and set(hashes.items()) <= set(self.hashes)
        return Rollout(current, self.wanted, self.total, self.updated, self.available)


def object_state(raw: Raw) -> ObjectState:
    """Keep of any object its version and its controller."""
    return ObjectState(raw["metadata"]["resourceVersion"], _existing(raw))


def deployment_state(raw: Raw) -> DeploymentState:
    """Keep of a Deployment what readiness and ownership depend on."""
    metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status") or {}
    annotations = spec["template"].get("metadata", {}).get("annotations") or {}
    return DeploymentState(
        existing=_existing(raw),
        observed=status.get("observedGeneration", 0) >= metadata.get("generation", 0),
        wanted=spec.get("replicas", 1),
        total=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        available=status.get("availableReplicas", 0),
        hashes=tuple(sorted(item for item in annotations.items() if item[0].endswith("-hash"))),
    )


def gateway_state(raw: Raw) -> GatewayState:
    """Keep a gateway as it is, apart from the bookkeeping of its fields' owners, and its model."""
    metadata = {key: value for key, value in raw["metadata"].items() if key != "managedFields"}
    kept = {**raw, "metadata": metadata}
    try:
        return GatewayState(kept, parse_as(AiGateway, kept))
    except InputError as error:
        return GatewayState(kept, None, str(error))


def ai_gateway_class(raw: Raw) -> AiGatewayClass | None:
    """Keep a class as its model; None where it cannot be read, so that nothing claims by it."""
    try:
        return parse_as(AiGatewayClass, raw)
    except InputError:
        return None


def is_leaving(raw: Raw) -> bool:
    """Tell whether an object is being deleted."""
    return "deletionTimestamp" in raw["metadata"]


def _existing(raw: Raw) -> ExistingObject:
    for reference in raw["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return ExistingObject((reference["apiVersion"], reference["kind"], reference["name"]))
    return ExistingObject(None)
