"""ConfigMaps and Secrets of a folder of manifests: applied beside the gateways, and removed with them.

The namespaces of the folder are applied before, and stay: others may live in them by then.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from gateway_components.api.meta import own_annotations
from gateway_components.errors import GatewayError
from gateway_components.identity import Identity
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, retry_on_conflict
from gateway_components.kube.resources import NAMESPACES, ApiPath, object_path

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
                await self._apply(key, _body(manifest))
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

    async def _apply(self, key: Identity, body: Manifest) -> None:
        await self._apply_as(str(key), object_path(key), _whole(key, body))

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
