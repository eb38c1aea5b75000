"""ConfigMaps and Secrets of a folder of manifests: applied beside the gateways, and removed with them."""

import base64
import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from gateway_components.errors import GatewayError
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError
from gateway_components.kube.resources import CONFIG_MAPS, SECRETS
from gateway_components.plan.keys import ObjectKey

__all__ = ["CompanionError", "Companions"]

_MANAGER = "gatewayctl-dev"
_COPY = "kubectl.kubernetes.io/last-applied-configuration"
"""Where kubectl keeps what it applied: in a Secret read back from a cluster, its values in clear."""
_RESOURCES = {resource.kind: resource for resource in (CONFIG_MAPS, SECRETS)}

Manifest = Mapping[str, Any]


class CompanionError(GatewayError):
    """A ConfigMap or a Secret cannot be applied, or nobody could know later that it was."""


class Companions:
    """Applies companions by server-side apply, and knows which ones it applied, also before it was started.

    No engine has a part in it, so that no value of a Secret reaches a state.

    Parameters
    ----------
    client
        The cluster.
    record
        File with the names of what was applied.

    Raises
    ------
    CompanionError
        That file cannot be read.
    """

    def __init__(self, client: KubeClient, record: Path) -> None:
        self._client = client
        self._record = record
        self._applied: dict[ObjectKey, Manifest | None] = dict.fromkeys(_read(record))

    @property
    def namespaces(self) -> frozenset[str]:
        """Where there are some."""
        return frozenset(key.namespace for key in self._applied)

    async def bring(
        self, namespace: str, wanted: Mapping[ObjectKey, Manifest], *, remove: bool
    ) -> list[ObjectKey]:
        """Apply the companions of a namespace where they changed, and `remove` those that are wanted no more.

        Returns
        -------
        list of ObjectKey
            What was applied.

        Raises
        ------
        CompanionError, ApiUnreachableError
            One could not be applied or removed.
        """
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

    async def remove(self, keys: Iterable[ObjectKey] | None = None) -> None:
        """Remove some, or all: what nobody else has a part in is deleted, of the rest our part goes.

        Raises
        ------
        CompanionError, ApiUnreachableError
            One could not be removed.
        """
        for key in list(self._applied) if keys is None else list(keys):
            found = await self._client.get(_path(key))
            if found is not None:
                entries = found["metadata"].get("managedFields") or ()
                if {entry.get("manager") for entry in entries} <= {_MANAGER}:
                    metadata = found["metadata"]
                    await self._client.delete(
                        _path(key), uid=metadata["uid"], version=metadata["resourceVersion"]
                    )
                else:
                    await self._apply(key, {})
            del self._applied[key]
            self._write()

    async def _apply(self, key: ObjectKey, body: Manifest) -> None:
        metadata = {**body.get("metadata", {}), "name": key.name, "namespace": key.namespace}
        whole = {**body, "apiVersion": "v1", "kind": key.kind, "metadata": metadata}
        try:
            await self._client.apply(_path(key), whole, manager=_MANAGER)
        except ApiError as error:
            message = f"{key.kind} {key.namespace}/{key.name} cannot be applied: {error}"
            if error.status == HTTPStatus.CONFLICT:
                message += "; change it where it comes from, or take it out of the folder"
            raise CompanionError(message) from None

    def _note(self, key: ObjectKey, manifest: Manifest | None) -> None:
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


def _read(record: Path) -> list[ObjectKey]:
    try:
        return [ObjectKey(*names) for names in json.loads(record.read_text())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError):
        message = (
            f"{record} does not say which ConfigMaps and Secrets an earlier session applied; delete this file, and "
            "what of them is not wanted"
        )
        raise CompanionError(message) from None


def _path(key: ObjectKey) -> str:
    return _RESOURCES[key.kind].item(key.namespace, key.name)


def _body(manifest: Manifest) -> Manifest:
    metadata = manifest["metadata"]
    annotations = {name: text for name, text in (metadata.get("annotations") or {}).items() if name != _COPY}
    kept = {name: metadata[name] for name in ("labels",) if metadata.get(name)}
    body = {
        name: value for name, value in manifest.items() if name not in {"stringData", "metadata", "status"}
    }
    if manifest.get("stringData"):
        # As the API server would do it: of what it does itself it keeps no account, so a key would never go again.
        encoded = {
            name: base64.b64encode(text.encode()).decode() for name, text in manifest["stringData"].items()
        }
        body["data"] = {**(manifest.get("data") or {}), **encoded}
    return {**body, "metadata": {**kept, **({"annotations": annotations} if annotations else {})}}
