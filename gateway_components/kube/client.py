"""A small client: raw objects in and out, errors translated once."""

import json
from collections.abc import AsyncIterator, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import aiohttp

from gateway_components.kube.answers import api_error, unreachable
from gateway_components.kube.credentials import find_kubeconfig, load_credentials
from gateway_components.kube.errors import ApiError, ApiUnreachableError, ObjectChangedError
from gateway_components.kube.transport import Request, Transport

__all__ = ["KubeClient", "find_kubeconfig"]

_PAGE = 500
_SECONDS = 60.0
"""How long a request may take; the API server itself goes on for no longer."""
_NO_LIST = "what came is no list of objects: something answers in place of the API server"


class KubeClient:
    """Talks to one API server; use `connect`.

    Parameters
    ----------
    transport
        Carries the requests.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    @staticmethod
    async def connect(kubeconfig: Path | None) -> "KubeClient":
        """Return a client for the cluster of `kubeconfig`, or for the one this process runs in.

        Raises
        ------
        CredentialsError
            There are none, or they cannot be read.
        """
        load = partial(load_credentials, kubeconfig)
        return KubeClient(Transport(await load(), load))

    async def get(self, path: str) -> dict[str, Any] | None:
        """Return the object at `path`; None where there is none."""
        try:
            return await self._json(Request("GET", path))
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object in the collection at `path` and return it as stored."""
        return await self._json(Request("POST", path, body=body))

    async def merge_patch(
        self, path: str, body: Mapping[str, Any], *, manager: str | None = None
    ) -> dict[str, Any]:
        """Merge `body` into the object at `path` and return it as stored; `manager` owns what it changes."""
        query = {"fieldManager": manager} if manager else {}
        return await self._json(
            Request("PATCH", path, query, body=body, content_type="application/merge-patch+json")
        )

    async def apply(
        self, path: str, body: Mapping[str, Any], *, manager: str, force: bool = False
    ) -> dict[str, Any]:
        """Apply `body` to the object at `path`, made where it is missing; `manager` owns the fields that it names.

        Others that own some of them are a conflict, or lose them by `force`.
        """
        query = {"fieldManager": manager, **({"force": "true"} if force else {})}
        return await self._json(
            # JSON is YAML.
            Request("PATCH", path, query, body=body, content_type="application/apply-patch+yaml")
        )

    async def delete(self, path: str, *, uid: str, version: str) -> None:
        """Delete the object at `path` if it is the one that was read; it may be gone already.

        Parameters
        ----------
        path
            Where it is.
        uid, version
            Which one it is: ``metadata.uid`` and ``metadata.resourceVersion``.

        Raises
        ------
        ObjectChangedError
            It was written since then, or another one is there by now; nothing was deleted.
        """
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid, "resourceVersion": version},
        }
        try:
            await self._json(Request("DELETE", path, body=body))
        except ApiError as error:
            if error.status == HTTPStatus.CONFLICT:
                raise ObjectChangedError(error.status, error.reason, str(error)) from None
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    async def pages(
        self,
        path: str,
        *,
        metadata_only: bool = False,
        labels: Mapping[str, str] | None = None,
        fields: str = "",
        size: int = _PAGE,
    ) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
        """Yield every object of the collection at `path` in pages of `size`, each with the version to watch from.

        Those with all `labels` alone, and those that `fields` selects, such as ``metadata.name=NAME``.
        """
        kind = "PartialObjectMetadataList" if metadata_only else None
        query = {"limit": str(size), **({"fieldSelector": fields} if fields else {})}
        if labels:
            query["labelSelector"] = ",".join(f"{key}={value}" for key, value in labels.items())
        while True:
            page = await self._json(Request("GET", path, query, kind=kind))
            metadata = page.get("metadata") or {}
            if "resourceVersion" not in metadata:
                raise ApiUnreachableError(_NO_LIST)
            yield page.get("items") or [], metadata["resourceVersion"]
            if not metadata.get("continue"):
                return
            query["continue"] = metadata["continue"]

    async def list(
        self, path: str, *, metadata_only: bool = False, labels: Mapping[str, str] | None = None
    ) -> tuple[list[dict[str, Any]], str]:
        """Return every object of the collection at `path` with `labels`, and the version to watch from."""
        items: list[dict[str, Any]] = []
        version = ""
        async for page, page_version in self.pages(path, metadata_only=metadata_only, labels=labels):
            items += page
            version = page_version
        return items, version

    async def watch(
        self,
        path: str,
        version: str,
        *,
        seconds: int,
        silence: float,
        metadata_only: bool = False,
        fields: str = "",
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the events of the collection at `path` since `version`.

        Parameters
        ----------
        path, version
            What to watch, and from where on.
        seconds
            After which the API server ends the watch.
        silence
            Seconds without any event after which the watch ends: a quiet connection looks like a dead one.
        metadata_only
            Whether to get no more than the metadata of each object.
        fields
            A field selector, as for `pages`.

        Raises
        ------
        ApiError
            ``Expired`` (410): the version is too old, list again.
        ApiUnreachableError
            The connection broke.
        """
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
            **({"fieldSelector": fields} if fields else {}),
        }
        kind = "PartialObjectMetadata" if metadata_only else None
        response = await self.transport.stream(Request("GET", path, query, kind=kind), silence)
        try:
            async for line in response.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise api_error(event["object"], event["object"].get("code", 0))
                yield event
        except aiohttp.ServerTimeoutError:
            return
        # A watch that is cut off in the middle of a line is no JSON.
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError) as error:
            raise unreachable(error) from None
        finally:
            response.close()

    async def close(self) -> None:
        """Close all connections."""
        await self.transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _json(self, request: Request) -> dict[str, Any]:
        return await self.transport.json(request, lambda: self._seconds(request))

    def _seconds(self, request: Request) -> float:  # noqa: ARG002  (it makes a difference for a fenced client)
        return _SECONDS
