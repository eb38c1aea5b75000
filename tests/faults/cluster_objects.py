"""The cluster as the tests read it, past the daemon: raw objects, and the plan that follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from gateway_components.api.kinds import GATEWAY_KINDS, KINDS, RESOURCE_KINDS
from gateway_components.api.parse import parse_as
from gateway_components.errors import InputError
from gateway_components.identity import Identity
from gateway_components.kube import resources
from gateway_components.kube.resources import CUSTOM_RESOURCES, Resource
from gateway_components.plan.plan import Plan, plan
from gateway_components.plan.references import absent_contents
from gateway_components.plan.snapshot import Content, ExistingObject, Gateway, Snapshot, Unreadable
from gateway_components.plan.snapshot import Resource as ReferredTo
from lab import ControlPlane

Raw = dict[str, Any]
Objects = Mapping[Identity, Raw]

OWNED: Mapping[str, Resource] = {
    found.kind: found for found in (resources.CONFIG_MAPS, resources.DEPLOYMENTS, resources.SERVICES)
}
"""Kinds of what a gateway owns."""

_READ = {**CUSTOM_RESOURCES, **OWNED, "Secret": resources.SECRETS}


@dataclass(frozen=True)
class ClusterObjects:
    """Every object that gateways have to do with.

    Attributes
    ----------
    objects
        Raw objects by kind, namespace and name. A kind that the API server does not know has none.
    """

    objects: Objects

    def of(self, *kinds: str) -> Objects:
        """Return the objects of some kinds."""
        return {key: raw for key, raw in self.objects.items() if key.kind in kinds}

    @cached_property
    def plan(self) -> Plan:
        """What follows from the objects."""
        gateways, unreadable = self._gateways()
        resources = self._resources()
        contents = {key: Content.of(key.kind, raw) for key, raw in self.of("ConfigMap", "Secret").items()}
        return plan(
            Snapshot(
                gateways=gateways,
                classes=self._models(*(kind.class_kind for kind in GATEWAY_KINDS.values())),
                routes=self._models("ToolRoute"),
                unreadable_gateways=unreadable,
                resources=resources,
                contents=contents,
                absent=absent_contents(gateways, resources.get, contents),
                existing={key: ExistingObject(_owner(raw)) for key, raw in self.of(*OWNED).items()},
            )
        )

    def _gateways(self) -> tuple[tuple[Gateway, ...], dict[Identity, Unreadable]]:
        readable: list[Gateway] = []
        unreadable: dict[Identity, Unreadable] = {}
        for key, raw in self.of(*GATEWAY_KINDS).items():
            if "deletionTimestamp" in raw["metadata"]:
                continue
            try:
                readable.append(cast("Gateway", parse_as(KINDS[key.kind].model, raw)))
            except InputError as error:
                unreadable[key] = Unreadable.gateway(key.kind, raw, str(error))
        return tuple(readable), unreadable

    def _models(self, *kinds: str) -> tuple[Any, ...]:
        return tuple(parse_as(KINDS[key.kind].model, raw) for key, raw in self.of(*kinds).items())

    def _resources(self) -> dict[Identity, ReferredTo]:
        return {
            key: cast("ReferredTo", parse_as(KINDS[key.kind].model, raw))
            for key, raw in self.of(*RESOURCE_KINDS).items()
        }


def read_cluster_objects(lab: ControlPlane) -> ClusterObjects:
    """Read the cluster now; what changes meanwhile may be in it or not."""
    objects: dict[Identity, Raw] = {}
    for kind, resource in _READ.items():
        listed = lab.api.get(resource.collection()) or {"items": []}
        for raw in listed["items"]:
            metadata = raw["metadata"]
            key = Identity(kind, metadata.get("namespace", ""), metadata["name"])
            # The items of a list do not say what they are.
            objects[key] = {"apiVersion": listed["apiVersion"], **raw, "kind": kind}
    return ClusterObjects(objects)


def controller(raw: Raw) -> Raw | None:
    """Return the owner reference of what controls an object; None where nothing does."""
    references = raw["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), None)


def _owner(raw: Raw) -> tuple[str, str, str] | None:
    owner = controller(raw)
    return (owner["apiVersion"], owner["kind"], owner["name"]) if owner else None
