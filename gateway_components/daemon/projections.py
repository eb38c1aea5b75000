"""What the daemon keeps of the objects it watches: little, and of Secrets nothing but their version."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
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
from gateway_components.plan.kinds import GATEWAY_KINDS
from gateway_components.plan.ownership import FIELD_MANAGER, Mark, mark_of
from gateway_components.plan.rollout import Rollout, StallReason
from gateway_components.plan.snapshot import ExistingObject, Gateway, GatewayClass, Resource, Unreadable

__all__ = [
    "OUTLINES",
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

_BOOKKEEPING = frozenset({"managedFields", "kubectl.kubernetes.io/last-applied-configuration"})
"""Metadata that says no more than the rest, at more length."""
_PLANNED = ("name", "namespace", "uid", "generation", "creationTimestamp", "annotations")
"""Metadata that a plan may depend on."""

Raw = Mapping[str, Any]
M = TypeVar("M", bound=ApiObject)


@dataclass(frozen=True, slots=True)
class _Watched(Generic[M]):
    """A gateway or a route as it was last seen, parsed once.

    Attributes
    ----------
    text
        The object as JSON, which takes a sixth of the memory of `raw`.
    leaving
        Whether it is being deleted.
    model
        Name, owner's annotations and spec as a model; None where they cannot be read.
    fault
        Why they cannot, field by field; empty where they can.
    owned
        The fields of its status that were last written by this project.
    """

    text: bytes
    leaving: bool = False
    model: M | None = field(default=None, compare=False)
    fault: str = field(default="", compare=False)
    owned: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def raw(self) -> Raw:
        """The object, apart from the bookkeeping of its fields' writers; made anew at each use."""
        raw: Raw = json.loads(self.text)
        return raw

    @property
    def meaning(self) -> object:
        """What of it can change a plan or a status; its own status and version cannot."""
        raw = self.raw
        metadata = raw["metadata"]
        return (
            metadata["uid"],
            self.leaving,
            metadata.get("generation"),
            metadata.get("annotations"),
            raw.get("spec"),
        )


@dataclass(frozen=True, slots=True)
class GatewayState(_Watched[Gateway]):
    """A gateway of either kind."""


@dataclass(frozen=True, slots=True)
class RouteState(_Watched[ToolRoute]):
    """A ToolRoute; one that cannot be read has a model, without an upstream, if its gateway can be told."""


@dataclass(frozen=True, slots=True)
class ObjectState:
    """Version and controller of an object, and its mark where a gateway owns it."""

    version: str
    existing: ExistingObject
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class DeploymentState:
    """Controller and progress of a Deployment; its version is no change.

    Attributes
    ----------
    existing
        Its controller.
    generation, observed
        The newest generation, and whether its controller has seen it.
    wanted, total, updated, available
        Numbers of replicas, as in `Rollout`.
    hashes
        Annotations of its pod template.
    reasons
        Why its controller makes no progress; none where it does.
    uid, fields, applied_at, version
        Its mark, where a gateway owns it.
    """

    existing: ExistingObject
    observed: bool
    wanted: int
    total: int
    updated: int
    available: int
    hashes: tuple[tuple[str, str], ...]
    reasons: tuple[StallReason, ...] = ()
    generation: int = 0
    uid: str = ""
    fields: frozenset[str] = frozenset()
    applied_at: str = ""
    version: int = field(default=0, compare=False)

    @property
    def mark(self) -> Mark:
        """What tells whether it is still as it was applied."""
        return Mark(self.uid, self.version, self.fields, self.applied_at)

    def rollout(self, hashes: Mapping[str, str]) -> Rollout:
        """Return the progress towards a pod template with the annotations `hashes`."""
        current = self.observed and set(hashes.items()) <= set(self.hashes)
        return Rollout(
            current,
            self.wanted,
            self.total,
            self.updated,
            self.available,
            self.reasons,
            self.uid,
            self.generation,
        )


def object_state(raw: Raw) -> ObjectState:
    """Keep of any object its version and its controller, and of one that a gateway owns its mark."""
    existing = _existing(raw)
    mark = mark_of(raw["metadata"]) if _is_ours(existing) else None
    return ObjectState(raw["metadata"]["resourceVersion"], existing, mark)


def deployment_state(raw: Raw) -> DeploymentState:
    """Keep of a Deployment what readiness and ownership depend on."""
    metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status") or {}
    existing = _existing(raw)
    mark = mark_of(metadata) if _is_ours(existing) else Mark("", 0, frozenset())
    return DeploymentState(
        existing=existing,
        uid=mark.uid,
        fields=mark.fields,
        applied_at=mark.time,
        version=mark.version,
        observed=status.get("observedGeneration", 0) >= metadata.get("generation", 0),
        wanted=spec.get("replicas", 1),
        total=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        available=status.get("availableReplicas", 0),
        hashes=tuple((sys.intern(key), value) for key, value in sorted(template_hashes(raw).items())),
        reasons=tuple(_stall_reasons(status.get("conditions") or ())),
        generation=metadata.get("generation", 0),
    )


def _stall_reasons(conditions: Iterable[Raw]) -> Iterator[StallReason]:
    for condition in conditions:
        type_, status = condition.get("type"), condition.get("status")
        # The last condition says that no pod could be created, by the words of the API server.
        if (type_ == "Progressing" and status in {"False", "Unknown"}) or (
            type_ == "ReplicaFailure" and status == "True"
        ):
            yield StallReason(condition.get("reason", ""), message=condition.get("message", ""))


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
    text, leaving, model, fault, owned = _read(ToolRoute, raw)
    return RouteState(text, leaving, _route_without_upstream(raw) if fault else model, fault, owned)


def _read(model: type[M], raw: Raw) -> tuple[bytes, bool, M | None, str, frozenset[str]]:
    metadata, text = _metadata(raw), _text(raw)
    leaving, owned = is_leaving(raw), _shared(owned_fields(raw["metadata"]))
    planned = {key: metadata[key] for key in _PLANNED if key in metadata}
    try:
        return text, leaving, parse_as(model, {"metadata": planned, "spec": raw.get("spec")}), "", owned
    except InputError as error:
        return text, leaving, None, str(error), owned


def _text(raw: Raw) -> bytes:
    return json.dumps({**raw, "metadata": _metadata(raw)}, separators=(",", ":")).encode()


def _metadata(raw: Raw) -> dict[str, Any]:
    metadata = {key: value for key, value in raw["metadata"].items() if key not in _BOOKKEEPING}
    if metadata.get("annotations"):
        notes = metadata["annotations"].items()
        metadata["annotations"] = {key: value for key, value in notes if key not in _BOOKKEEPING}
    return metadata


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


def _class(model: type[AiGatewayClass] | type[ToolGatewayClass], raw: Raw) -> GatewayClass | Unreadable:
    # Only what claiming looks at: labels, or a status that its own controller writes, are then no change.
    metadata = {"name": raw["metadata"]["name"], "annotations": raw["metadata"].get("annotations")}
    try:
        return parse_as(model, {"metadata": metadata, "spec": raw.get("spec")})
    except InputError as error:
        return Unreadable(str(error))


def _resource(model: type[Guard] | type[GuardrailProvider] | type[ToolServer], raw: Raw) -> Resource:
    # Only name and spec: a status that its own controller writes is then no change.
    metadata = {key: raw["metadata"][key] for key in ("name", "namespace")}
    try:
        return parse_as(model, {"metadata": metadata, "spec": raw.get("spec")})
    except InputError as error:
        return Unreadable(str(error))


def _gateway_outline(raw: Raw, why: str) -> GatewayState:
    return GatewayState(_text(raw), is_leaving(raw), None, why, _shared(owned_fields(raw["metadata"])))


def _route_outline(raw: Raw, why: str) -> RouteState:
    owned = _shared(owned_fields(raw["metadata"]))
    return RouteState(_text(raw), is_leaving(raw), _route_without_upstream(raw), why, owned)


def _unreadable(_: Raw, why: str) -> Unreadable:
    return Unreadable(why)


def _object_outline(raw: Raw, _: str) -> ObjectState:
    return ObjectState(raw["metadata"]["resourceVersion"], _existing(raw))


def _deployment_outline(raw: Raw, _: str) -> DeploymentState:
    metadata = raw["metadata"]
    uid, version = metadata["uid"], int(metadata["resourceVersion"])
    return DeploymentState(_existing(raw), False, 0, 0, 0, 0, (), uid=uid, version=version)


@lru_cache(maxsize=64)
def _shared(fields: frozenset[str]) -> frozenset[str]:
    # The same few for all gateways.
    return fields


def _existing(raw: Raw) -> ExistingObject:
    for reference in raw["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            group, kind = sys.intern(reference["apiVersion"]), sys.intern(reference["kind"])
            return ExistingObject((group, kind, reference["name"]))
    return _ORPHANED if _is_applied(raw["metadata"].get("managedFields") or ()) else _UNOWNED


def _is_applied(entries: Iterable[Raw]) -> bool:
    return any(
        entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply" for entry in entries
    )


def _is_ours(existing: ExistingObject) -> bool:
    return existing.applied or (existing.controller is not None and existing.controller[1] in GATEWAY_KINDS)


_UNOWNED = ExistingObject(None)
"""Shared, for most objects of a cluster are nobody's."""
_ORPHANED = ExistingObject(None, applied=True)

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
"""What is kept of each kind of ours: of gateways and routes all, of classes and what is referred to the model."""

OUTLINES: Mapping[str, Callable[[Raw, str], Any]] = {
    **dict.fromkeys(GATEWAY_KINDS, _gateway_outline),
    "ToolRoute": _route_outline,
    **dict.fromkeys(
        ("AiGatewayClass", "ToolGatewayClass", "Guard", "GuardrailProvider", "ToolServer"), _unreadable
    ),
    "Deployment": _deployment_outline,
    **dict.fromkeys(("ConfigMap", "Secret", "Service"), _object_outline),
}
"""What is kept of an object that cannot be projected, made of its outer levels and the reason: that it exists."""
