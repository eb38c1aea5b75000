"""A folder of manifests as a pass sees it, on a cluster that holds none of them."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from gateway_components.daemon.projections import (
    OUTLINES,
    DeploymentState,
    deployment_state,
    template_hashes,
)
from gateway_components.dev.cluster import FolderCluster
from gateway_components.dev.reader import FolderReader, Reading
from gateway_components.kube.client import KubeClient
from gateway_components.kube.reflector import Reflector
from gateway_components.kube.resources import DEPLOYMENTS
from gateway_components.manifests.load import Finding
from gateway_components.manifests.objects import snapshot_of
from gateway_components.manifests.plan_findings import plan_findings
from gateway_components.plan.failure import Failure
from gateway_components.plan.keys import GatewayKey, ObjectKey, RouteKey, Subject
from gateway_components.plan.kinds import GATEWAY_KINDS
from gateway_components.plan.ownership import Applied, Drift, Mark, drift
from gateway_components.plan.plan import GatewayPlan, Plan, gateway_key, plan
from gateway_components.plan.references import absent_contents, gateway_of_route
from gateway_components.plan.rollout import Rollout
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.snapshot import Snapshot, UnreadableGateway
from gateway_components.together import ended

__all__ = ["FolderView"]

_NOW = 2**63
"""Newer than any version: what was just asked for is as it is."""

Raw = Mapping[str, Any]


class FolderView:
    """Reads a folder, and of the cluster what its gateways touch; use `close`.

    Parameters
    ----------
    client
        The cluster.
    reader
        The folder.
    applied
        Returns the gateways of a namespace that were applied before.
    on_change
        Called with a namespace in which a Deployment changed.
    """

    def __init__(
        self,
        client: KubeClient,
        reader: FolderReader,
        applied: Callable[[str], frozenset[GatewayKey]],
        on_change: Callable[[str], None],
    ) -> None:
        self._client = client
        self._cluster = FolderCluster(client)
        self._reader = reader
        self._applied = applied
        self._on_change = on_change
        self._reading = Reading()
        self._whole = Snapshot()
        self._planned = Plan()
        self._marks: dict[str, Mapping[ObjectKey, Mark]] = {}
        self._deployments: dict[str, Reflector[DeploymentState]] = {}
        self._watching: list[asyncio.Task[None]] = []

    async def look(self) -> tuple[Finding, ...]:
        """Read the folder anew, and return everything that is wrong with it.

        Raises
        ------
        ApiError, ApiUnreachableError
            A Secret or ConfigMap of the cluster could not be read.
        """
        self._reading = await asyncio.to_thread(self._reader.read)
        objects = self._reading.objects
        whole = snapshot_of(objects)
        contents = {**await self._cluster.contents(whole), **whole.contents}
        absent = absent_contents(whole.gateways, whole.resources.get, contents)
        self._whole = replace(whole, contents=contents, absent=absent)
        self._planned = plan(self._whole)
        findings = (*objects.findings, *plan_findings(objects, self._whole, self._planned))
        for namespace in self.namespaces():
            self._watch(namespace)
        return tuple(sorted(findings, key=lambda finding: (finding.file, finding.line)))

    @property
    def again(self) -> bool:
        """Whether something is to be looked at again soon."""
        return self._reading.again

    def namespaces(self) -> frozenset[str]:
        """Return the namespaces of all gateways and companions."""
        gateways = {gateway_key(gateway).namespace for gateway in self._whole.gateways}
        unreadable = {gateway.key.namespace for gateway in self._whole.unreadable_gateways}
        return frozenset(gateways | unreadable | {key.namespace for key in self._reading.objects.companions})

    def companions(self, namespace: str) -> dict[ObjectKey, Raw]:
        """Return the ConfigMaps and Secrets of a namespace that stand in the folder."""
        companions = self._reading.objects.companions
        return {key: manifest for key, manifest in companions.items() if key.namespace == namespace}

    def is_blind(self) -> bool:
        """Tell whether something may stand in the folder that is not seen."""
        return self._reading.blind

    def is_explained(self, failure: Failure) -> bool:
        """Tell whether a failure of a gateway is among what `look` returned."""
        return any(gateway.failure == failure for gateway in self._planned.gateways.values())

    async def snapshot(
        self,
        namespace: str,
        held: Collection[GatewayKey] = (),  # noqa: ARG002  (what is not in the folder is gone)
    ) -> Snapshot:
        """Return everything that the plan of `namespace` depends on.

        Raises
        ------
        NamespaceMissingError
            It does not exist, or is being deleted.
        ApiError, ApiUnreachableError
            The cluster could not be read.
        """
        whole = self._whole
        gateways = {gateway_key(one): one for one in whole.gateways if one.metadata.namespace == namespace}
        if gateways:
            await self._cluster.check(namespace)
        unreadable = [one for one in whole.unreadable_gateways if one.key.namespace == namespace]
        refused = {key: why for key in gateways if (why := await self._cluster.claim_of_daemon(key))}
        unreadable += [
            UnreadableGateway(key, gateways[key].spec.class_name, None, why) for key, why in refused.items()
        ]
        if self._reading.blind:
            seen = gateways.keys() | {one.key for one in unreadable}
            unreadable += [_unseen(key, whole) for key in self._applied(namespace) - seen]
        existing, marks = await self._cluster.existing(gateways)
        self._marks[namespace] = marks
        return replace(
            whole,
            gateways=tuple(one for key, one in gateways.items() if key not in refused),
            unreadable_gateways=tuple(unreadable),
            routes=tuple(
                route
                for route in whole.routes
                if getattr(gateway_of_route(route), "namespace", route.metadata.namespace) == namespace
            ),
            existing={**whole.existing, **existing},
        )

    def leaves(self, namespace: str) -> bool:  # noqa: ARG002  (`snapshot` looks at it)
        """Return False: without its namespace there is no snapshot."""
        return False

    def raw(self, subject: Subject) -> Raw | None:
        """Return the manifest of a gateway or a route; None where it is gone."""
        kind = "ToolRoute" if isinstance(subject, RouteKey) else subject.kind
        source = self._reading.objects.sources.get(ObjectKey(kind, subject.namespace, subject.name))
        return source.manifest if source else None

    def reported(self, subject: Subject) -> bool:  # noqa: ARG002  (files have no status)
        """Return False: nothing is reported into files."""
        return False

    def route(self, planned: RoutePlan) -> Raw | None:
        """Return the manifest of a route; None where it is gone."""
        return self.raw(planned.key)

    def fault(self, route: RouteKey) -> str:  # noqa: ARG002  (a finding says it)
        """Return nothing: a route that cannot be read is no route here."""
        return ""

    def drifts(self, applied: Applied) -> list[Drift]:
        """Return which of the objects that were applied somebody changed or deleted since."""
        compared = (
            drift(key, mark, self._marks.get(key.namespace, {}).get(key), _NOW)
            for key, mark in applied.marks.items()
        )
        return [found for found in compared if found]

    def is_state_current(self, namespace: str, version: int | None) -> bool:  # noqa: ARG002  (it is on this machine)
        """Return True: nobody else writes the state."""
        return True

    def rollout(self, gateway: GatewayPlan) -> Rollout | None:
        """Return the progress of a gateway's Deployment."""
        reflector = self._deployments.get(gateway.key.namespace)
        state = reflector.objects.get((gateway.key.namespace, gateway.key.name)) if reflector else None
        if state is None or gateway.objects is None:
            return None
        return state.rollout(template_hashes(gateway.objects.deployment))

    async def close(self) -> None:
        """Stop watching."""
        await ended(*self._watching)

    def _watch(self, namespace: str) -> None:
        if namespace not in self._deployments:
            reflector = Reflector(
                self._client,
                DEPLOYMENTS,
                deployment_state,
                lambda _: self._on_change(namespace),
                project_unreadable=OUTLINES[DEPLOYMENTS.kind],
                namespace=namespace,
            )
            self._deployments[namespace] = reflector
            self._watching.append(asyncio.create_task(reflector.run()))


def _unseen(key: GatewayKey, whole: Snapshot) -> UnreadableGateway:
    """Return what stands for a gateway that was applied and may still be in a file that cannot be read."""
    kind = GATEWAY_KINDS[key.kind]
    ours = (known.metadata.name for known in whole.classes if known.spec.controller == kind.controller)
    return UnreadableGateway(key, next(ours, None), None, "its file may be one that cannot be read")
