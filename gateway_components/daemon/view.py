"""The daemon's picture of the cluster: reflectors, and the contents that gateways refer to."""

import asyncio
import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gateway_components.crds.aigatewayclass import AiGatewayClass
from gateway_components.daemon import projections
from gateway_components.daemon.index import Index
from gateway_components.daemon.projections import GatewayState
from gateway_components.kube import resources
from gateway_components.kube.client import KubeClient
from gateway_components.kube.reflector import Change, Reflector
from gateway_components.plan.conflicts import wanted_objects
from gateway_components.plan.hashes import content_digest
from gateway_components.plan.keys import GatewayKey, ObjectKey, Reference
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.references import references
from gateway_components.plan.snapshot import Content, ExistingObject, Snapshot, UnreadableGateway
from gateway_components.plan.status import Rollout

__all__ = ["ClusterView"]

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Cached:
    version: str
    content: Content


class ClusterView:
    """Mirrors what plans depend on, and says which namespaces a change concerns.

    Parameters
    ----------
    client
        The cluster.
    on_dirty
        Called with each namespace that must be looked at again.
    on_lost
        Called with each gateway of which somebody deleted an object.
    """

    def __init__(
        self, client: KubeClient, on_dirty: Callable[[str], None], on_lost: Callable[[GatewayKey], None]
    ) -> None:
        self._client = client
        self._on_dirty = on_dirty
        self._on_lost = on_lost
        self._index: Index[GatewayKey, Reference] = Index()
        self._owners: Index[GatewayKey, ObjectKey] = Index()
        self._cache: dict[Reference, _Cached] = {}
        self._gateways: Reflector[GatewayState] = Reflector(
            client, resources.AI_GATEWAYS, projections.gateway_state, self._gateway_changed
        )
        self._classes: Reflector[AiGatewayClass | None] = Reflector(
            client, resources.AI_GATEWAY_CLASSES, projections.ai_gateway_class, self._class_changed
        )
        self._deployments: Reflector[projections.DeploymentState] = Reflector(
            client, resources.DEPLOYMENTS, projections.deployment_state, self._owned_changed
        )
        self._metadata: dict[str, Reflector[projections.ObjectState]] = {
            resource.kind: Reflector(
                client, resource, projections.object_state, self._content_changed, metadata_only=True
            )
            for resource in (resources.CONFIG_MAPS, resources.SECRETS)
        }
        self._leaving: Reflector[bool] = Reflector(
            client, resources.NAMESPACES, projections.is_leaving, _ignore, metadata_only=True
        )
        self._services: Reflector[projections.ObjectState] = Reflector(
            client, resources.SERVICES, projections.object_state, self._owned_changed, metadata_only=True
        )

    async def run(self) -> None:
        """Keep the picture current until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reflector in self._reflectors():
                group.create_task(reflector.run())

    async def synced(self) -> None:
        """Wait until the picture is complete for the first time."""
        for reflector in self._reflectors():
            await reflector.synced.wait()

    def namespaces(self) -> frozenset[str]:
        """Return the namespaces that have gateways."""
        return frozenset(namespace for namespace, _ in self._gateways.objects)

    def gateway(self, key: GatewayKey) -> Raw | None:
        """Return the newest raw object of a gateway; None where it is gone, or going."""
        state = self._gateways.objects.get((key.namespace, key.name))
        return None if state is None or self._is_leaving(key.namespace, state) else state.raw

    def rollout(self, gateway: GatewayPlan) -> Rollout | None:
        """Return how far the Deployment of a planned gateway has come; None where there is none."""
        state = self._deployments.objects.get((gateway.key.namespace, gateway.key.name))
        if state is None or gateway.objects is None:
            return None
        return state.rollout(_hashes(gateway.objects.deployment))

    async def snapshot(self, namespace: str) -> Snapshot:
        """Return everything that the plan of `namespace` depends on.

        Raises
        ------
        ApiError, ApiUnreachableError
            A Secret or ConfigMap could not be read.
        """
        found = {
            GatewayKey("AiGateway", *name): state
            for name, state in self._gateways.objects.items()
            if name[0] == namespace and not self._is_leaving(namespace, state)
        }
        wanted = {reference for key in found for reference in self._index.references(key)}
        return Snapshot(
            ai_gateways=tuple(state.model for state in found.values() if state.model),
            ai_gateway_classes=tuple(known for known in self._classes.objects.values() if known),
            unreadable_gateways=tuple(
                _unreadable(key, state) for key, state in found.items() if not state.model
            ),
            contents=await self._contents(wanted),
            existing=self._existing(found),
        )

    def _reflectors(self) -> tuple[Reflector[Any], ...]:
        return (
            self._gateways,
            self._classes,
            self._deployments,
            *self._metadata.values(),
            self._services,
            self._leaving,
        )

    async def _contents(self, wanted: set[Reference]) -> dict[Reference, Content]:
        contents = {}
        for reference in sorted(wanted):
            content = await self._content(reference)
            if content is not None:
                contents[reference] = content
        return contents

    async def _content(self, reference: Reference) -> Content | None:
        state = self._metadata[reference.kind].objects.get((reference.namespace, reference.name))
        if state is None:
            self._cache.pop(reference, None)
            return None
        cached = self._cache.get(reference)
        if cached is None or cached.version != state.version:
            resource = resources.SECRETS if reference.kind == "Secret" else resources.CONFIG_MAPS
            raw = await self._client.get(resource.item(reference.namespace, reference.name))
            if raw is None:
                return None
            cached = _Cached(
                raw["metadata"]["resourceVersion"], _read(raw, secret=reference.kind == "Secret")
            )
            self._cache[reference] = cached
        return cached.content

    def _is_leaving(self, namespace: str, state: GatewayState) -> bool:
        # What is being deleted gets nothing new: the API server would refuse it, after a long time of trying.
        return self._leaving.objects.get(("", namespace), False) or projections.is_leaving(state.raw)

    def _existing(self, keys: Iterable[GatewayKey]) -> dict[ObjectKey, ExistingObject]:
        stores: dict[str, Mapping[tuple[str, str], Any]] = {
            "ConfigMap": self._metadata["ConfigMap"].objects,
            "Deployment": self._deployments.objects,
            "Service": self._services.objects,
        }
        found = {}
        for wanted in (wanted for key in keys for wanted in wanted_objects(key)):
            state = stores[wanted.kind].get((wanted.namespace, wanted.name))
            if state is not None:
                found[wanted] = state.existing
        return found

    def _gateway_changed(self, change: Change[GatewayState]) -> None:
        key = GatewayKey("AiGateway", *change.name)
        model = change.new.model if change.new else None
        self._index.set(key, references(model) if model else ())
        self._owners.set(key, wanted_objects(key) if change.new else ())
        if _meaning(change.old) != _meaning(change.new):
            self._on_dirty(key.namespace)

    def _class_changed(self, change: Change[Any]) -> None:  # noqa: ARG002
        for namespace in self.namespaces():
            self._on_dirty(namespace)

    def _content_changed(self, change: Change[Any]) -> None:
        kind: Literal["ConfigMap", "Secret"] = (
            "Secret" if change.resource is resources.SECRETS else "ConfigMap"
        )
        if self._index.referrers(Reference(kind, *change.name)):
            self._on_dirty(change.name[0])
        if kind == "ConfigMap":
            self._owned_changed(change)

    def _owned_changed(self, change: Change[Any]) -> None:
        for owner in self._owners.referrers(ObjectKey(change.resource.kind, *change.name)):
            if change.new is None:
                self._on_lost(owner)
            if change.new is None or change.old is None or change.resource is resources.DEPLOYMENTS:
                self._on_dirty(owner.namespace)


def _ignore(_: Change[Any]) -> None:
    """Nothing follows from a namespace alone: what goes with it brings changes of its own."""


def _meaning(state: GatewayState | None) -> Any:
    """Return what of a gateway can change a plan or a status; its own status and version cannot."""
    if state is None:
        return None
    raw, metadata = state.raw, state.raw["metadata"]
    return (
        metadata["uid"],
        projections.is_leaving(raw),
        metadata.get("generation"),
        metadata.get("annotations"),
        raw.get("spec"),
    )


def _hashes(deployment: Raw) -> Mapping[str, str]:
    annotations: Mapping[str, str] = deployment["spec"]["template"]["metadata"]["annotations"]
    return {key: value for key, value in annotations.items() if key.endswith("-hash")}


def _read(raw: Raw, *, secret: bool) -> Content:
    data = raw.get("data") or {}
    if secret:
        # The values end here: a plan gets their digest and nothing else.
        return Content(content_digest({key: base64.b64decode(value) for key, value in data.items()}))
    binary = {key: base64.b64decode(value) for key, value in (raw.get("binaryData") or {}).items()}
    return Content(content_digest({**data, **binary}), data)


def _unreadable(key: GatewayKey, state: GatewayState) -> UnreadableGateway:
    class_name = (state.raw.get("spec") or {}).get("aiGatewayClassName")
    return UnreadableGateway(
        key,
        class_name if isinstance(class_name, str) else None,
        state.raw["metadata"].get("generation"),
        state.fault,
    )
