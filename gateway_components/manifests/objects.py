"""The objects of manifest files by their names, as a plan takes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.aigatewayclass import AiGatewayClass
from gateway_components.crds.guard import Guard
from gateway_components.crds.guardrailprovider import GuardrailProvider
from gateway_components.crds.kinds import KINDS
from gateway_components.crds.meta import ApiObject
from gateway_components.crds.parse import parse_as
from gateway_components.crds.toolgateway import ToolGateway
from gateway_components.crds.toolgatewayclass import ToolGatewayClass
from gateway_components.crds.toolroute import ToolRoute
from gateway_components.crds.toolserver import ToolServer
from gateway_components.manifests.load import Finding, Located
from gateway_components.plan.keys import GatewayKey, ObjectKey, Reference
from gateway_components.plan.kinds import GATEWAY_KINDS
from gateway_components.plan.snapshot import (
    RESOURCE_KINDS,
    Content,
    ExistingObject,
    Gateway,
    Resource,
    Snapshot,
    Unreadable,
    UnreadableGateway,
)

__all__ = ["ManifestObjects", "snapshot_of"]

M = TypeVar("M")

_SHIPPED_CLASS = "litellm"
_AT_FAULT = "its manifest is at fault"


@dataclass
class ManifestObjects:
    """What some files hold; objects without a namespace already have one here.

    Attributes
    ----------
    models
        Objects of our kinds without errors.
    companions
        ConfigMaps and Secrets without errors, as they are.
    contents
        What a plan may know of these.
    sources
        Where each object stands, those with errors among them.
    findings
        What is wrong with single files and objects.
    """

    models: dict[ObjectKey, ApiObject] = field(default_factory=dict)
    companions: dict[ObjectKey, Mapping[str, Any]] = field(default_factory=dict)
    contents: dict[Reference, Content] = field(default_factory=dict)
    sources: dict[ObjectKey, Located] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def of(self, *models: type[M]) -> dict[ObjectKey, M]:
        """Return the objects of some models."""
        return {key: found for key, found in self.models.items() if isinstance(found, models)}

    @property
    def gateways(self) -> Mapping[ObjectKey, Gateway]:
        """The gateways of either kind."""
        return {**self.of(AiGateway), **self.of(ToolGateway)}


def snapshot_of(objects: ManifestObjects) -> Snapshot:
    """Return what a plan may look at.

    The class ``litellm`` of each kind is known without a manifest, as an installation brings it. An object with
    errors is there, but unreadable: a finding on what refers to it says so, and not that it does not exist.
    """
    classes = {**_shipped_classes(), **objects.of(AiGatewayClass), **objects.of(ToolGatewayClass)}
    faulty = {key: found for key, found in objects.sources.items() if key not in objects.models}
    readable: dict[ObjectKey, Resource] = {
        **objects.of(Guard),
        **objects.of(GuardrailProvider),
        **objects.of(ToolServer),
    }
    resources = {**dict.fromkeys(faulty, Unreadable(_AT_FAULT)), **readable}
    return Snapshot(
        gateways=tuple(objects.gateways.values()),
        classes=tuple(classes.values()),
        routes=tuple(objects.of(ToolRoute).values()),
        unreadable_gateways=tuple(
            _unreadable(key, found) for key, found in faulty.items() if key.kind in GATEWAY_KINDS
        ),
        resources={
            Reference(RESOURCE_KINDS[key.kind], key.namespace, key.name): found
            for key, found in resources.items()
            if key.kind in RESOURCE_KINDS
        },
        contents=objects.contents,
        existing={key: ExistingObject(None) for key in objects.companions if key.kind == "ConfigMap"},
    )


def _unreadable(key: ObjectKey, located: Located) -> UnreadableGateway:
    return UnreadableGateway(
        key=GatewayKey(key.kind, key.namespace, key.name),
        class_name=GATEWAY_KINDS[key.kind].class_of(located.manifest),
        generation=None,
        message=_AT_FAULT,
    )


def _shipped_classes() -> dict[ObjectKey, AiGatewayClass | ToolGatewayClass]:
    shipped: dict[ObjectKey, AiGatewayClass | ToolGatewayClass] = {}
    for kind in GATEWAY_KINDS.values():
        manifest = {"metadata": {"name": _SHIPPED_CLASS}, "spec": {"controller": kind.controller}}
        model = parse_as(KINDS[kind.class_kind].model, manifest)
        if isinstance(model, AiGatewayClass | ToolGatewayClass):
            shipped[ObjectKey(kind.class_kind, "", _SHIPPED_CLASS)] = model
    return shipped
