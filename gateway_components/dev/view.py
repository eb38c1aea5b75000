"""A folder of manifests, read repeatedly, as the view of a reconcile; the cluster holds none of its resources."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

from gateway_components.api.kinds import GATEWAY_KINDS
from gateway_components.api.meta import API_VERSION
from gateway_components.concurrency import cancel_and_wait, gather
from gateway_components.daemon.reconcile.ports import View
from gateway_components.daemon.watch.projections import (
    OUTLINES,
    DeploymentState,
    deployment_state,
    is_leaving,
)
from gateway_components.errors import GatewayError
from gateway_components.identity import Identity
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError
from gateway_components.kube.reflector import Reflector
from gateway_components.kube.resources import (
    DEPLOYMENTS,
    NAMESPACES,
    object_path,
)
from gateway_components.manifests.load import FileFinding, Loaded, Located, load
from gateway_components.manifests.objects import ManifestObjects, read_objects, snapshot_of
from gateway_components.manifests.stack import all_findings
from gateway_components.plan.claims import wanted_objects
from gateway_components.plan.findings import Failure
from gateway_components.plan.ownership import Applied, Drift, Mark, drift, mark_of
from gateway_components.plan.plan import GatewayPlan, Plan, plan
from gateway_components.plan.references import absent_contents, gateway_of_route
from gateway_components.plan.snapshot import Content, ExistingObject, Policy, Snapshot, Unreadable
from gateway_components.plan.status import Rollout


@dataclass(frozen=True)
class Reading:
    """What a folder holds: its objects, those of an unreadable file as they last were, and all current findings.

    One that is `incomplete` has a file that could never be read, and may hold objects that are not known. The folder is
    to be read `again` soon where a file just disappeared: it counts as deleted then, as editors replace files.
    """

    objects: ManifestObjects = field(default_factory=ManifestObjects)
    incomplete: bool = False
    again: bool = False


class FolderReader:
    """Keeps the last good content of each YAML and JSON file of a folder, without subfolders.

    `namespace` is that of the objects that name none.
    """

    def __init__(self, folder: Path, namespace: str) -> None:
        self._folder = folder
        self._namespace = namespace
        self._good: dict[str, tuple[Located, ...]] = {}
        self._away: set[str] = set()

    def read(self) -> Reading:
        """Return what the folder holds now."""
        loaded = load([self._folder])
        files = _by_file(loaded)
        findings = [found for found in loaded.findings if not self._is_empty(found)]
        unreadable = {found.file for found in findings if found.severity == "error"}
        nameless = {file for file, objects in files.items() if not all(map(_is_named, objects))}
        findings += self._findings(located for file in nameless for located in files[file])
        away = self._good.keys() - files.keys() - unreadable
        if str(self._folder) in unreadable:
            away = set()
        self._away, gone = away - self._away, away & self._away
        for file in gone:
            del self._good[file]
        self._good.update((file, files[file]) for file in files.keys() - nameless)
        unknown = (unreadable | nameless) - self._good.keys()
        kept = [
            located
            for file in sorted(self._good.keys() | unknown)
            for located in self._good.get(file, files.get(file, ()))
            if _is_named(located)
        ]
        objects = read_objects(Loaded(tuple(kept), tuple(findings)), self._namespace)
        return Reading(objects, incomplete=bool(unknown), again=bool(self._away))

    def _is_empty(self, finding: FileFinding) -> bool:
        try:
            return (
                finding.file == str(self._folder) and next(self._folder.iterdir(), self._folder) is not None
            )
        except OSError:
            return False

    def _findings(self, objects: Iterable[Located]) -> list[FileFinding]:
        return read_objects(Loaded(tuple(objects), ()), self._namespace).findings


def _by_file(loaded: Loaded) -> dict[str, tuple[Located, ...]]:
    files: dict[str, tuple[Located, ...]] = {}
    for located in loaded.objects:
        files[located.file] = (*files.get(located.file, ()), located)
    return files


def _is_named(located: Located) -> bool:
    metadata = located.manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return isinstance(name, str) and bool(name)


_NOW = 2**63
"""Newer than any version: marks are read just before they are compared."""

Raw = Mapping[str, Any]


class NamespaceMissingError(GatewayError):
    """A namespace of the manifests does not exist."""


class FolderView(View):
    """Reads a folder, and of the cluster what its gateways touch; use `close`.

    `applied` returns the gateways of a namespace that were applied before; `on_change` is called with a namespace in
    which a Deployment changed.
    """

    def __init__(
        self,
        client: KubeClient,
        reader: FolderReader,
        applied: Callable[[str], frozenset[Identity]],
        on_change: Callable[[str], None],
        policy: Policy,
    ) -> None:
        self._policy = policy
        self._client = client
        self._cluster = _Cluster(client)
        self._reader = reader
        self._applied = applied
        self._on_change = on_change
        self._reading = Reading()
        self._whole = Snapshot()
        self._planned = Plan()
        self._marks: dict[str, Mapping[Identity, Mark]] = {}
        self._deployments: dict[str, Reflector[DeploymentState]] = {}
        self._watching: list[asyncio.Task[None]] = []

    async def look(self) -> tuple[FileFinding, ...]:
        """Read the folder again, and return its findings.

        Raises ApiError or ApiUnreachableError: a Secret or ConfigMap of the cluster could not be read.
        """
        self._reading = await asyncio.to_thread(self._reader.read)
        objects = self._reading.objects
        whole = snapshot_of(objects, self._policy)
        contents = {**await self._cluster.contents(whole), **whole.contents}
        absent = absent_contents(whole.gateways, whole.resources.get, contents)
        self._whole = replace(whole, contents=contents, absent=absent)
        self._planned = plan(self._whole)
        for namespace in self.namespaces():
            self._watch(namespace)
        return all_findings(objects, self._whole, self._planned)

    @property
    def again(self) -> bool:
        """Whether to read the folder again soon."""
        return self._reading.again

    def namespaces(self) -> frozenset[str]:
        """Return the namespaces of all gateways and companions, and those whose manifests are in the folder."""
        gateways = {gateway.identity.namespace for gateway in self._whole.gateways}
        unreadable = {key.namespace for key in self._whole.unreadable_gateways}
        objects = self._reading.objects
        companions = {key.namespace for key in objects.companions}
        return frozenset(gateways | unreadable | companions | objects.namespaces.keys())

    def namespace(self, name: str) -> Raw | None:
        """Return the manifest of a Namespace; None where the folder has none."""
        return self._reading.objects.namespaces.get(name)

    def companions(self, namespace: str) -> dict[Identity, Raw]:
        """Return the ConfigMaps and Secrets of a namespace in the folder."""
        companions = self._reading.objects.companions
        return {key: manifest for key, manifest in companions.items() if key.namespace == namespace}

    def is_incomplete(self) -> bool:
        """Return whether the folder may hold an object that could not be read."""
        return self._reading.incomplete

    def is_explained(self, failure: Failure) -> bool:
        """Return whether `look` returned the failure of a gateway as a finding."""
        return any(gateway.failure == failure for gateway in self._planned.gateways.values())

    async def snapshot(
        self,
        namespace: str,
        held: Collection[Identity] = (),  # noqa: ARG002  (what is not in the folder is gone)
    ) -> Snapshot:
        """Return everything that the plan of `namespace` depends on.

        Raises NamespaceMissingError: it does not exist, or is being deleted. ApiError, ApiUnreachableError: the cluster
        could not be read.
        """
        whole = self._whole
        gateways = {one.identity: one for one in whole.gateways if one.metadata.namespace == namespace}
        if gateways:
            await self._cluster.check(namespace)
        unreadable = {
            key: one for key, one in whole.unreadable_gateways.items() if key.namespace == namespace
        }
        refused = {key: why for key in gateways if (why := await self._cluster.claim_of_daemon(key))}
        unreadable |= {
            key: Unreadable(why, class_name=gateways[key].spec.class_name) for key, why in refused.items()
        }
        if self._reading.incomplete:
            seen = gateways.keys() | unreadable.keys()
            unreadable |= {key: _unseen(key, whole) for key in self._applied(namespace) - seen}
        existing, marks = await self._cluster.existing(gateways)
        self._marks[namespace] = marks
        return replace(
            whole,
            gateways=tuple(one for key, one in gateways.items() if key not in refused),
            unreadable_gateways=unreadable,
            routes=tuple(
                route
                for route in whole.routes
                if getattr(gateway_of_route(route), "namespace", route.metadata.namespace) == namespace
            ),
            existing={**whole.existing, **existing},
        )

    def raw(self, subject: Identity) -> Raw | None:
        """Return the manifest of a gateway or a route; None where it is gone."""
        source = self._reading.objects.sources.get(subject)
        return source.manifest if source else None

    def drifts(self, applied: Applied) -> list[Drift]:
        """Return the drift of the applied objects."""
        compared = (
            drift(key, mark, self._marks.get(key.namespace, {}).get(key), _NOW)
            for key, mark in applied.marks.items()
        )
        return [found for found in compared if found]

    def rollout(self, gateway: GatewayPlan) -> Rollout | None:
        """Return the progress of a gateway's Deployment."""
        reflector = self._deployments.get(gateway.key.namespace)
        state = reflector.objects.get((gateway.key.namespace, gateway.key.name)) if reflector else None
        if state is None or gateway.objects is None:
            return None
        return state.rollout(gateway.objects.hashes)

    async def close(self) -> None:
        """Stop watching."""
        await cancel_and_wait(*self._watching)

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


def _unseen(key: Identity, whole: Snapshot) -> Unreadable:
    """Return the placeholder of an applied gateway that may be in an unreadable file."""
    kind = GATEWAY_KINDS[key.kind]
    ours = (known.metadata.name for known in whole.classes if known.spec.controller == kind.controller)
    return Unreadable("its file may be unreadable", class_name=next(ours, None))


class _Cluster:
    """Reads from the API server each time: a folder has few gateways.

    Every method raises ApiError or ApiUnreachableError where it gets no answer, or a group of them.
    """

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def check(self, namespace: str) -> None:
        """Refuse a namespace that is missing or being deleted; without the right to get it, gateways are tried."""
        try:
            found = await self._client.get(NAMESPACES.item(None, namespace))
        except ApiError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                return
            raise
        if found is None:
            message = f"namespace {namespace} does not exist; kubectl create namespace {namespace} makes it"
            raise NamespaceMissingError(message)
        if is_leaving(found):
            raise NamespaceMissingError(
                f"namespace {namespace} is being deleted; create it again once it is gone"
            )

    async def contents(self, whole: Snapshot) -> dict[Identity, Content]:
        unread = sorted(absent_contents(whole.gateways, whole.resources.get, whole.contents))
        raws = await gather(self._client.get(object_path(one)) for one in unread)
        return {
            reference: Content.of(reference.kind, raw)
            for reference, raw in zip(unread, raws, strict=True)
            if raw is not None
        }

    async def claim_of_daemon(self, key: Identity) -> str:
        """Return why a gateway belongs to a daemon; empty where it is not in the cluster."""
        try:
            found = await self._client.get(object_path(key))
        except ApiError as error:
            if error.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
                return ""
            raise
        if found is None:
            return ""
        delete = f"kubectl delete {key.kind.lower()} {key.name} -n {key.namespace}"
        return (
            f"{key} is in the cluster, where the daemon reconciles it; delete it there ({delete}), or give the one "
            "in this folder another name"
        )

    async def existing(
        self, gateways: Iterable[Identity]
    ) -> tuple[dict[Identity, ExistingObject], dict[Identity, Mark]]:
        """Return the objects that conflict with gateways, and the mark of each existing object.

        An object without an owner that has fields of ours was made by an earlier session, and does not conflict.
        """
        keys = [wanted for gateway in gateways for wanted in wanted_objects(gateway)]
        found = await gather(self._client.get(object_path(key)) for key in keys)
        existing, marks = {}, {}
        for key, raw in zip(keys, found, strict=True):
            if raw is None:
                continue
            marks[key] = mark_of(raw["metadata"])
            owners = raw["metadata"].get("ownerReferences")
            if owners:
                owner = owners[0]
                of_daemon = owner["apiVersion"] == API_VERSION and owner["kind"] in GATEWAY_KINDS
                # Unlike the objects of a deleted gateway of that name, these have a living owner.
                kind = f"{owner['kind']} of the cluster:" if of_daemon else owner["kind"]
                existing[key] = ExistingObject((owner["apiVersion"], kind, owner["name"]))
            elif not marks[key].fields:
                existing[key] = ExistingObject(None)
        return existing, marks
