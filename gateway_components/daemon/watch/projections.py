"""Projections: what the daemon keeps of the objects it watches, and of Secrets nothing but their version."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, TypeVar

from gateway_components.api.guardrails import Guard, GuardrailProvider
from gateway_components.api.kinds import GATEWAY_KINDS, KINDS, Role
from gateway_components.api.meta import ApiObject, own_annotations
from gateway_components.api.parse import parse_as
from gateway_components.api.tools import ToolRoute, ToolRouteSpec, ToolRouteUpstream, ToolServer
from gateway_components.errors import InputError
from gateway_components.kube.recorder import owned_fields
from gateway_components.plan.guardrail_params import ANONYMIZER_ANNOTATION
from gateway_components.plan.objects import HANDOVER_ANNOTATION, template_hashes
from gateway_components.plan.ownership import Mark, is_applied, managed_fields, mark_of, shared
from gateway_components.plan.reclaim import PREDECESSOR_PREFIX
from gateway_components.plan.snapshot import ExistingObject, Gateway, GatewayClass, Resource, Unreadable
from gateway_components.plan.status import Rollout, StallReason

_LONGEST_NAME = 512
"""Characters of a name that is kept; Kubernetes allows 253, and 317 for a group and version."""
_LONGEST_MESSAGE = 4_096
_PLANNED = ("name", "namespace", "uid", "generation", "creationTimestamp", "annotations")
"""Metadata that a plan may depend on."""
_METADATA = frozenset((*_PLANNED, "resourceVersion"))
_STATUS = ("conditions", "url", "observedGeneration")
_CLASS_FIELDS = tuple(kind.class_field for kind in GATEWAY_KINDS.values())

Raw = Mapping[str, Any]
M = TypeVar("M", bound=ApiObject)


@dataclass(frozen=True, slots=True)
class _Watched(Generic[M]):
    """A gateway or a route as it was last seen, parsed once.

    Attributes
    ----------
    text
        What is used of the object beside its spec, as JSON, which takes a sixth of the memory of `raw`.
    spec
        Digest of its spec.
    statuses
        Status of each type of its conditions.
    leaving
        Whether it is being deleted.
    model, fault
        Name, owner's annotations and spec as a model, or why they cannot be read, field by field.
    owned
        The fields of its status that were last written by this project.
    """

    text: bytes
    spec: bytes
    statuses: Mapping[str, str] = field(compare=False)
    leaving: bool = False
    model: M | None = field(default=None, compare=False)
    fault: str = field(default="", compare=False)
    owned: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def raw(self) -> Raw:
        """The object with the metadata, status and spec that are used; parsed at each access."""
        raw: Raw = json.loads(self.text)
        return raw

    @property
    def meaning(self) -> object:
        """What of it can change a plan or a status; its own status and version cannot."""
        metadata = json.loads(self.text)["metadata"]
        generation, annotations = metadata.get("generation"), metadata.get("annotations")
        return metadata["uid"], self.leaving, generation, annotations, self.spec


@dataclass(frozen=True, slots=True)
class GatewayState(_Watched[Gateway]):
    """A gateway of either kind."""


@dataclass(frozen=True, slots=True)
class RouteState(_Watched[ToolRoute]):
    """A ToolRoute; an unreadable one has a model without an upstream, if its gateway is known."""


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
    progress
        Towards its newest generation, whatever that is.
    hashes
        Annotations of its pod template.
    handed_over
        Whether pods of another operator may serve still.
    fields, applied_at, version
        Its mark, where a gateway owns it.
    """

    existing: ExistingObject
    progress: Rollout
    hashes: tuple[tuple[str, str], ...] = ()
    handed_over: bool = False
    fields: frozenset[str] = frozenset()
    applied_at: str = ""
    version: int = field(default=0, compare=False)

    @property
    def mark(self) -> Mark:
        """Shows whether the object is still as it was applied."""
        return Mark(self.progress.uid, self.version, self.fields, self.applied_at)

    def rollout(self, hashes: Mapping[str, str]) -> Rollout:
        """Return the progress towards a pod template with the annotations `hashes`."""
        current = self.progress.current and set(hashes.items()) <= set(self.hashes)
        return replace(self.progress, current=current)


def object_state(raw: Raw) -> ObjectState:
    """Keep of any object its version and its controller, and of one that a gateway owns its mark."""
    existing = _existing(raw)
    mark = mark_of(raw["metadata"]) if _is_ours(existing) else None
    return ObjectState(raw["metadata"]["resourceVersion"], existing, mark)


def unowned_mark(version: str) -> Mark:
    """Return the mark of an object that no gateway owns: it has lost every field of ours, its owner among them."""
    return Mark("", int(version), frozenset())


def deployment_state(raw: Raw) -> DeploymentState:
    """Keep of a Deployment what readiness and ownership depend on."""
    metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status") or {}
    existing = _existing(raw)
    mark = mark_of(metadata) if _is_ours(existing) else unowned_mark(metadata["resourceVersion"])
    progress = Rollout(
        current=status.get("observedGeneration", 0) >= metadata.get("generation", 0),
        wanted=spec.get("replicas", 1),
        total=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        available=status.get("availableReplicas", 0),
        reasons=tuple(_stall_reasons(status.get("conditions") or ())),
        uid=mark.uid,
        generation=metadata.get("generation", 0),
    )
    names = template_hashes(raw)
    hashes = tuple((sys.intern(key), value) for key, value in sorted(names.items()))
    theirs = any(name.startswith(PREDECESSOR_PREFIX) for name in names)
    # Until the new pods serve, those of the other operator do.
    begun = HANDOVER_ANNOTATION in (metadata.get("annotations") or {}) and not progress.complete
    return DeploymentState(existing, progress, hashes, theirs or begun, mark.fields, mark.time, mark.version)


def _stall_reasons(conditions: Iterable[Raw]) -> Iterator[StallReason]:
    for condition in conditions:
        type_, status = condition.get("type"), condition.get("status")
        # The last condition says that no pod could be created, by the words of the API server.
        if (type_ == "Progressing" and status in {"False", "Unknown"}) or (
            type_ == "ReplicaFailure" and status == "True"
        ):
            message = condition.get("message", "")[:_LONGEST_MESSAGE]
            yield StallReason(condition.get("reason", "")[:_LONGEST_NAME], message=message)


def is_leaving(raw: Raw) -> bool:
    """Return whether an object is being deleted."""
    return "deletionTimestamp" in raw["metadata"]


def _gateway(model: type[Gateway], raw: Raw) -> GatewayState:
    return GatewayState(*_seen(raw), *_parsed(model, raw), _owned(raw))


def _route(_: type[ToolRoute], raw: Raw) -> RouteState:
    seen, (model, fault), owned = _seen(raw), _parsed(ToolRoute, raw), _owned(raw)
    return RouteState(*seen, _route_without_upstream(raw) if fault else model, fault, owned)


def _parsed(model: type[M], raw: Raw) -> tuple[M | None, str]:
    metadata = _metadata(raw)
    planned = {key: metadata[key] for key in _PLANNED if key in metadata}
    try:
        return parse_as(model, {"metadata": planned, "spec": raw.get("spec")}), ""
    except InputError as error:
        return None, str(error)


def _seen(raw: Raw) -> tuple[bytes, bytes, Mapping[str, str], bool]:
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    digest = hashlib.sha256(_packed(spec)).digest()
    outer: dict[str, Any] = {
        **{name: raw[name] for name in ("apiVersion", "kind") if name in raw},
        "metadata": _metadata(raw),
        # All that is left of it where no model can be made.
        "spec": {
            name: text[:_LONGEST_NAME] for name in _CLASS_FIELDS if isinstance(text := spec.get(name), str)
        },
    }
    if status:
        outer["status"] = {name: status[name] for name in _STATUS if name in status}
    conditions = status.get("conditions") or ()
    statuses = {sys.intern(found["type"]): sys.intern(str(found.get("status"))) for found in conditions}
    return _packed(outer), digest, statuses, is_leaving(raw)


def _packed(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _owned(raw: Raw) -> frozenset[str]:
    return shared(owned_fields(raw["metadata"]))


def _metadata(raw: Raw) -> dict[str, Any]:
    metadata = {key: value for key, value in raw["metadata"].items() if key in _METADATA}
    if metadata.get("annotations"):
        metadata["annotations"] = own_annotations(metadata)
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


def _class(model: type[GatewayClass], raw: Raw) -> GatewayClass | Unreadable:
    # Only what claiming depends on: labels, or a status that its own controller writes, are then no change.
    metadata = {"name": raw["metadata"]["name"], "annotations": raw["metadata"].get("annotations")}
    return _model_of(model, metadata, raw)


def _resource(model: type[Guard | GuardrailProvider | ToolServer], raw: Raw) -> Resource:
    # Only what a plan depends on: a status that its own controller writes is then no change.
    notes = raw["metadata"].get("annotations") or {}
    metadata = {key: raw["metadata"][key] for key in ("name", "namespace")}
    metadata["annotations"] = {key: notes[key] for key in (ANONYMIZER_ANNOTATION,) if key in notes}
    return _model_of(model, metadata, raw)


def _model_of(model: type[M], metadata: Raw, raw: Raw) -> M | Unreadable:
    try:
        return parse_as(model, {"metadata": metadata, "spec": raw.get("spec")})
    except InputError as error:
        return Unreadable(str(error))


def _deployment_outline(raw: Raw, _: str) -> DeploymentState:
    metadata = raw["metadata"]
    uid, version = metadata["uid"], int(metadata["resourceVersion"])
    return DeploymentState(_existing(raw), Rollout(False, 0, 0, 0, 0, uid=uid), version=version)


def _existing(raw: Raw) -> ExistingObject:
    applied = any(map(is_applied, managed_fields(raw["metadata"])))
    references = raw["metadata"].get("ownerReferences")
    for reference in references if isinstance(references, list) else ():
        if isinstance(reference, Mapping) and reference.get("controller"):
            # The API server takes any text there, of any length.
            parts = (str(reference.get(part) or "") for part in ("apiVersion", "kind", "name"))
            group, kind, name = (part[:_LONGEST_NAME] for part in parts)
            return ExistingObject((sys.intern(group), sys.intern(kind), name), applied)
    return _ORPHANED if applied else _UNOWNED


def _is_ours(existing: ExistingObject) -> bool:
    return existing.applied or (existing.controller is not None and existing.controller[1] in GATEWAY_KINDS)


_UNOWNED = ExistingObject(None)
"""Shared, for most objects of a cluster are nobody's."""
_ORPHANED = ExistingObject(None, applied=True)

_OF_ROLE: Mapping[Role, tuple[Callable[[type[Any], Raw], Any], Callable[[Raw, str], Any]]] = {
    Role.GATEWAY: (_gateway, lambda raw, why: GatewayState(*_seen(raw), None, why, _owned(raw))),
    Role.ROUTE: (
        _route,
        lambda raw, why: RouteState(*_seen(raw), _route_without_upstream(raw), why, _owned(raw)),
    ),
    Role.CLASS: (_class, lambda _, why: Unreadable(why)),
    Role.RESOURCE: (_resource, lambda _, why: Unreadable(why)),
}
"""Projection and outline of each role."""

PROJECTIONS: Mapping[str, Callable[[Raw], Any]] = {
    kind.kind: partial(_OF_ROLE[kind.role][0], kind.model) for kind in KINDS.values()
}
"""What is kept of each kind of ours: gateways and routes entirely, the models of classes and references."""

OUTLINES: Mapping[str, Callable[[Raw, str], Any]] = {
    **{kind.kind: _OF_ROLE[kind.role][1] for kind in KINDS.values()},
    "Deployment": _deployment_outline,
    **dict.fromkeys(
        ("ConfigMap", "Secret", "Service"),
        lambda raw, _: ObjectState(raw["metadata"]["resourceVersion"], _existing(raw)),
    ),
}
"""What is kept of an object that cannot be projected, made of its outer levels and the reason."""
