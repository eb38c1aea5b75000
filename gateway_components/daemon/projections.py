"""What the daemon keeps of the objects it watches: little, and of Secrets nothing but their version."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.aigatewayclass import AiGatewayClass
from gateway_components.crds.guard import Guard
from gateway_components.crds.guardrailprovider import GuardrailProvider
from gateway_components.crds.meta import ApiObject
from gateway_components.crds.parse import parse_as
from gateway_components.crds.toolgateway import ToolGateway
from gateway_components.crds.toolgatewayclass import ToolGatewayClass
from gateway_components.crds.toolroute import ToolRoute, ToolRouteSpec, ToolRouteUpstream
from gateway_components.crds.toolserver import ToolServer
from gateway_components.errors import InputError
from gateway_components.kube.status import owned_fields
from gateway_components.plan.snapshot import ExistingObject, Gateway, GatewayClass, Resource, Unreadable
from gateway_components.plan.status import Rollout

__all__ = [
    "PROJECTIONS",
    "DeploymentState",
    "GatewayState",
    "ObjectState",
    "RouteState",
    "deployment_state",
    "is_leaving",
    "object_state",
    "template_hashes",
]

Raw = Mapping[str, Any]
M = TypeVar("M", bound=ApiObject)


@dataclass(frozen=True, slots=True)
class _Watched(Generic[M]):
    """A gateway or a route as it was last seen, parsed once.

    Attributes
    ----------
    raw
        The object, apart from the bookkeeping of its fields' owners.
    model
        Its model; None where it cannot be read.
    fault
        Why it cannot, field by field; empty where it can.
    owned
        The fields of its status that were last written by this project.
    """

    raw: Raw
    model: M | None = field(default=None, compare=False)
    fault: str = field(default="", compare=False)
    owned: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def meaning(self) -> object:
        """What of it can change a plan or a status; its own status and version cannot."""
        metadata = self.raw["metadata"]
        return (
            metadata["uid"],
            is_leaving(self.raw),
            metadata.get("generation"),
            metadata.get("annotations"),
            self.raw.get("spec"),
        )


@dataclass(frozen=True, slots=True)
class GatewayState(_Watched[Gateway]):
    """A gateway of either kind."""


@dataclass(frozen=True, slots=True)
class RouteState(_Watched[ToolRoute]):
    """A ToolRoute; one that cannot be read has a model, without an upstream, if its gateway can be told."""


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
    return DeploymentState(
        existing=_existing(raw),
        observed=status.get("observedGeneration", 0) >= metadata.get("generation", 0),
        wanted=spec.get("replicas", 1),
        total=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        available=status.get("availableReplicas", 0),
        hashes=tuple(sorted(template_hashes(raw).items())),
    )


def template_hashes(deployment: Raw) -> dict[str, str]:
    """Return the annotations of the pod template whose change rolls a Deployment out."""
    annotations = deployment["spec"]["template"].get("metadata", {}).get("annotations") or {}
    return {key: value for key, value in annotations.items() if key.endswith("-hash")}


def is_leaving(raw: Raw) -> bool:
    """Tell whether an object is being deleted."""
    return "deletionTimestamp" in raw["metadata"]


def _gateway(model: type[AiGateway] | type[ToolGateway], raw: Raw) -> GatewayState:
    return GatewayState(*_read(model, raw))


def _route(raw: Raw) -> RouteState:
    kept, model, fault, owned = _read(ToolRoute, raw)
    return RouteState(kept, _route_without_upstream(kept) if fault else model, fault, owned)


def _read(model: type[M], raw: Raw) -> tuple[Raw, M | None, str, frozenset[str]]:
    metadata = {key: value for key, value in raw["metadata"].items() if key != "managedFields"}
    kept, owned = {**raw, "metadata": metadata}, owned_fields(raw["metadata"])
    try:
        return kept, parse_as(model, kept), "", owned
    except InputError as error:
        return kept, None, str(error), owned


def _route_without_upstream(raw: Raw) -> ToolRoute | None:
    spec = raw.get("spec")
    reference = spec.get("toolGatewayRef") if isinstance(spec, Mapping) else None
    upstream = {"external": {"url": "http://unreadable.invalid"}}
    try:
        read = parse_as(ToolRoute, {**raw, "spec": {"toolGatewayRef": reference, "upstream": upstream}})
    except InputError:
        return None
    nothing = ToolRouteUpstream.model_construct()
    known = ToolRouteSpec.model_construct(tool_gateway_ref=read.spec.tool_gateway_ref, upstream=nothing)
    return read.model_copy(update={"spec": known})


def _class(model: type[AiGatewayClass] | type[ToolGatewayClass], raw: Raw) -> GatewayClass | None:
    # Only what claiming looks at: labels, or a status that its own controller writes, are then no change.
    metadata = {"name": raw["metadata"]["name"], "annotations": raw["metadata"].get("annotations")}
    try:
        return parse_as(model, {"metadata": metadata, "spec": raw.get("spec")})
    except InputError:
        return None


def _resource(model: type[Guard] | type[GuardrailProvider] | type[ToolServer], raw: Raw) -> Resource:
    # Only name and spec: a status that its own controller writes is then no change.
    metadata = {key: raw["metadata"][key] for key in ("name", "namespace")}
    try:
        return parse_as(model, {"metadata": metadata, "spec": raw.get("spec")})
    except InputError as error:
        return Unreadable(str(error))


def _existing(raw: Raw) -> ExistingObject:
    for reference in raw["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return ExistingObject((reference["apiVersion"], reference["kind"], reference["name"]))
    return _UNOWNED


_UNOWNED = ExistingObject(None)
"""Shared, for most objects of a cluster are nobody's."""

PROJECTIONS: Mapping[str, Callable[[Raw], Any]] = {
    "AiGateway": partial(_gateway, AiGateway),
    "ToolGateway": partial(_gateway, ToolGateway),
    "ToolRoute": _route,
    "AiGatewayClass": partial(_class, AiGatewayClass),
    "ToolGatewayClass": partial(_class, ToolGatewayClass),
    "Guard": partial(_resource, Guard),
    "GuardrailProvider": partial(_resource, GuardrailProvider),
    "ToolServer": partial(_resource, ToolServer),
}
"""What is kept of each kind of ours: of gateways and routes all, of classes and what is referred to the model.

A class that cannot be read is None: nothing claims by it.
"""
