"""What `gatewayctl dev` applies and deletes: gateways by an engine of its own, and the companions beside them.

The state of the engine is local, and it deletes objects that no owner collects. Companions are ConfigMaps and Secrets
of the folder, applied beside the gateways and removed with them; its namespaces are applied before, and stay: others
may live in them by then.
"""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from gateway_components.api.meta import own_annotations
from gateway_components.daemon.clock import Clock
from gateway_components.daemon.reconcile.ports import Batch, Engine
from gateway_components.engine.diagnostics import Outcome
from gateway_components.engine.stacks import Stacks
from gateway_components.errors import GatewayError
from gateway_components.identity import Identity
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, retry_on_conflict
from gateway_components.kube.resources import NAMESPACES, ApiPath, object_path
from gateway_components.plan.claims import wanted_objects
from gateway_components.plan.ownership import Applied, mark_of


class FolderEngine(Engine):
    """Applies gateways from files.

    Their objects have no owner to be collected with, so those that leave the folder are deleted here, and `deleted` is
    called for each such gateway. The engine cannot: of an object that it patched it only removes its fields.
    """

    def __init__(
        self, stacks: Stacks, client: KubeClient, clock: Clock, deleted: Callable[[Identity], None]
    ) -> None:
        self._stacks = stacks
        self._client = client
        self._clock = clock
        self._deleted = deleted
        self._held: dict[str, set[Identity]] = {}
        self._serving: set[Identity] = set()

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces with applied gateways whose state was read."""
        return frozenset(self._held)

    def known(self, namespace: str) -> frozenset[Identity]:
        """Return the gateways of a namespace that may have been applied, once its state was read."""
        return frozenset(self._held.get(namespace, ()))

    def serves(self, key: Identity) -> bool:
        """Return whether a gateway was applied completely once."""
        return key in self._serving

    async def held(self, namespace: str) -> Mapping[Identity, Applied | None]:
        """Return the gateways in the state, all to be refreshed: the last session may have been interrupted.

        An EngineError where the state cannot be read.
        """
        held = await self._clock.in_thread(self._stacks.states.held, namespace)
        self._held[namespace] = set(held)
        self._serving.update(key for key, applied in held.items() if applied)
        return dict.fromkeys(held)

    async def apply(self, namespace: str, batch: Batch) -> Outcome:
        """Apply the gateways of a batch, and delete the objects of those that it releases.

        Raises ApiError, ApiUnreachableError or EngineError: as for `Stacks.apply`, or an object could not be deleted.
        """
        wanted, release = batch.wanted, batch.release
        with self._stacks.beginning(namespace):
            await self._delete(release)
            held = self._held.setdefault(namespace, set())
            if not wanted:
                await self._clock.in_thread(self._stacks.states.release, namespace, release)
                held.difference_update(release)
                return Outcome(released=release)
            held.update(wanted)
            outcome = await self._clock.in_thread(
                lambda: self._stacks.apply(namespace, wanted, release, refresh=batch.refresh)
            )
            held.difference_update(outcome.released)
            self._serving.update(key for key, applied in outcome.held.items() if applied)
            return outcome

    def interrupt(self, namespace: str) -> None:
        """Interrupt an `apply` that runs or is about to."""
        self._stacks.interrupt(namespace)

    async def forget(self, namespace: str) -> None:
        """Delete a namespace's gateways and its state; raises as `apply`."""
        if namespace not in self._held:
            await self.held(namespace)
        await self._delete(self._held[namespace])
        await self._clock.in_thread(self._stacks.states.forget, namespace)
        del self._held[namespace]

    async def _delete(self, gateways: Iterable[Identity]) -> None:
        for gateway in sorted(gateways):
            for key in wanted_objects(gateway):
                await retry_on_conflict(partial(self._delete_object, object_path(key)))
            self._serving.discard(gateway)
            self._deleted(gateway)

    async def _delete_object(self, path: ApiPath) -> None:
        found = await self._client.get(path)
        # One that has an owner by now, or that somebody created again, is theirs.
        if found and not found["metadata"].get("ownerReferences") and mark_of(found["metadata"]).fields:
            metadata = found["metadata"]
            await self._client.delete(path, uid=metadata["uid"], version=metadata["resourceVersion"])


_MANAGER = "gatewayctl-dev"

Manifest = Mapping[str, Any]


class CompanionError(GatewayError):
    """A ConfigMap, Secret or Namespace cannot be applied, or cannot be recorded as applied."""


class Companions:
    """Applies companions by server-side apply, and records in a file which ones, across sessions.

    It bypasses the engine, so no value of a Secret reaches a state. Every method raises CompanionError, ApiError or
    ApiUnreachableError where it cannot do its work; so does the constructor where the record cannot be read.
    """

    def __init__(self, client: KubeClient, record: Path) -> None:
        self._client = client
        self._record = record
        self._applied: dict[Identity, Manifest | None] = dict.fromkeys(_read(record))
        self._namespaces: dict[str, Manifest] = {}

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces with companions."""
        return frozenset(key.namespace for key in self._applied)

    async def apply_namespace(self, name: str, manifest: Manifest) -> bool:
        """Apply a Namespace if its manifest changed; return whether it did."""
        if self._namespaces.get(name) == manifest:
            return False
        await self._apply_as(f"Namespace {name}", NAMESPACES.item(None, name), manifest)
        self._namespaces[name] = manifest
        return True

    def forget_namespace(self, name: str) -> None:
        """Have a deleted Namespace applied again."""
        self._namespaces.pop(name, None)

    async def apply(
        self, namespace: str, wanted: Mapping[Identity, Manifest], *, remove: bool
    ) -> list[Identity]:
        """Apply the changed companions of a namespace, `remove` those no longer wanted, and return what was applied."""
        applied = []
        for key, manifest in wanted.items():
            if self._applied.get(key) != manifest:
                self._note(key, None)
                await self._apply_as(str(key), object_path(key), _whole(key, _body(manifest)))
                self._note(key, manifest)
                applied.append(key)
        if remove:
            gone = [key for key in self._applied if key.namespace == namespace and key not in wanted]
            await self.remove(gone)
        return applied

    async def remove(self, keys: Iterable[Identity] | None = None) -> None:
        """Remove some, or all: delete those without fields of others, and give up our fields of the rest."""
        for key in list(self._applied) if keys is None else list(keys):
            await retry_on_conflict(partial(self._remove, key))
            del self._applied[key]
            self._write()

    async def _remove(self, key: Identity) -> None:
        found = await self._client.get(object_path(key))
        if found is None:
            return
        metadata = found["metadata"]
        seen = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        if {entry.get("manager") for entry in metadata.get("managedFields") or ()} <= {_MANAGER}:
            await self._client.delete(object_path(key), uid=seen["uid"], version=seen["resourceVersion"])
        else:
            # With uid and version: one deleted meanwhile must not come back empty.
            await self._client.apply(object_path(key), _whole(key, {"metadata": seen}), manager=_MANAGER)

    async def _apply_as(self, subject: str, path: ApiPath, manifest: Manifest) -> None:
        try:
            await self._client.apply(path, manifest, manager=_MANAGER)
        except ApiError as error:
            message = f"{subject} cannot be applied: {error}"
            if error.status == HTTPStatus.CONFLICT:
                message += "; change it where it comes from, or take it out of the folder"
            raise CompanionError(message) from None

    def _note(self, key: Identity, manifest: Manifest | None) -> None:
        self._applied[key] = manifest
        self._write()

    def _write(self) -> None:
        names = [[key.kind, key.namespace, key.name] for key in sorted(self._applied)]
        fresh = self._record.with_suffix(".new")
        try:
            fresh.write_text(json.dumps(names))
            fresh.replace(self._record)
        except OSError as error:
            message = f"{self._record} cannot be written: {error.strerror}; make room there"
            raise CompanionError(message) from None


def _read(record: Path) -> list[Identity]:
    try:
        return [Identity(*names) for names in json.loads(record.read_text())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError):
        message = (
            f"{record} does not say which ConfigMaps and Secrets an earlier session applied; delete this file, and "
            "what of them is not wanted"
        )
        raise CompanionError(message) from None


def _whole(key: Identity, body: Manifest) -> Manifest:
    metadata = {**body.get("metadata", {}), "name": key.name, "namespace": key.namespace}
    return {**body, "apiVersion": "v1", "kind": key.kind, "metadata": metadata}


def _body(manifest: Manifest) -> Manifest:
    metadata = manifest["metadata"]
    annotations = own_annotations(metadata)
    kept = {name: metadata[name] for name in ("labels",) if metadata.get(name)}
    body = {
        name: value for name, value in manifest.items() if name not in {"stringData", "metadata", "status"}
    }
    if manifest.get("stringData"):
        # The API server merges stringData without recording ownership, so removed keys would stay.
        encoded = {
            name: base64.b64encode(text.encode()).decode() for name, text in manifest["stringData"].items()
        }
        body["data"] = {**(manifest.get("data") or {}), **encoded}
    return {**body, "metadata": {**kept, **({"annotations": annotations} if annotations else {})}}
