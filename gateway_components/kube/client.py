"""A small client: raw objects in and out, errors translated once."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import aiohttp

from gateway_components.errors import GatewayError
from gateway_components.kube.answers import api_error, refused, unreachable
from gateway_components.kube.credentials import Credentials, find_kubeconfig, load_credentials
from gateway_components.kube.errors import (
    ApiError,
    ApiUnreachableError,
    CredentialsError,
    ObjectChangedError,
)

__all__ = ["KubeClient", "find_kubeconfig"]

_PAGE = 500
_AT_ONCE = 8
"""Requests at the same time, beside watches: they keep an API server busy, and each connection has large buffers."""
_LEASES = "/apis/coordination.k8s.io/"
_BUFFER = 2**21
"""Bytes; half of the longest event of a watch that can be read. etcd stores no object of more than 1.5 MiB."""
_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10)
_NO_LIST = "what came is no list of objects: something answers in place of the API server"
_NO_JSON = "{} came instead of JSON: a proxy or a load balancer answers in place of the API server"


@dataclass(frozen=True, slots=True)
class _Request:
    """One request; `kind` asks for no more than metadata: ``PartialObjectMetadata``, or a list of them."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    content_type: str = "application/json"
    kind: str | None = None

    @property
    def accept(self) -> str:
        """What the answer is to be."""
        return f"application/json;as={self.kind};g=meta.k8s.io;v=v1" if self.kind else "application/json"


class KubeClient:
    """Talks to one API server; use `connect`.

    Credentials that it refuses are read again, once for each refusal: tokens and certificates are replaced in their
    files while a daemon runs.
    """

    def __init__(self, credentials: Credentials, load: Callable[[], Awaitable[Credentials]]) -> None:
        self._credentials = credentials
        self._load = load
        self._loading = asyncio.Lock()
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        # No limit of its own: as many watches as that would leave nothing for all else.
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(connector=connector, trust_env=True, read_bufsize=_BUFFER)

    @classmethod
    async def connect(cls, kubeconfig: Path | None) -> Self:
        """Return a client for the cluster of `kubeconfig`, or for the one this process runs in.

        Raises
        ------
        CredentialsError
            There are none, or they cannot be read.
        """
        load = partial(load_credentials, kubeconfig)
        return cls(await load(), load)

    async def get(self, path: str) -> dict[str, Any] | None:
        """Return the object at `path`; None where there is none."""
        try:
            return await self._json(_Request("GET", path))
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object in the collection at `path` and return it as stored."""
        return await self._json(_Request("POST", path, body=body))

    async def merge_patch(
        self, path: str, body: Mapping[str, Any], *, manager: str | None = None
    ) -> dict[str, Any]:
        """Merge `body` into the object at `path` and return it as stored; `manager` owns what it changes."""
        query = {"fieldManager": manager} if manager else {}
        return await self._json(
            _Request("PATCH", path, query, body=body, content_type="application/merge-patch+json")
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
            _Request("PATCH", path, query, body=body, content_type="application/apply-patch+yaml")
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
            await self._json(_Request("DELETE", path, body=body))
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
            page = await self._json(_Request("GET", path, query, kind=kind))
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
        limits = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=silence)
        response = await self._send(_Request("GET", path, query, kind=kind), limits)
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
        await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _json(self, request: _Request) -> dict[str, Any]:
        # A lease that is renewed behind a thousand statuses is renewed too late.
        waiting = contextlib.nullcontext() if request.path.startswith(_LEASES) else self._at_once
        async with waiting:
            response = await self._send(request, _TIMEOUT)
            try:
                answer: dict[str, Any] = json.loads(await response.read())
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                raise unreachable(error) from None
            return answer

    async def _send(self, request: _Request, limits: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        credentials = self._credentials
        try:
            return await self._answer(request, credentials, limits)
        except _UntrustedError as error:
            await self._renew(credentials, error)
        except ApiError as error:
            if error.status != HTTPStatus.UNAUTHORIZED:
                raise
            await self._renew(credentials, error)
        return await self._answer(request, self._credentials, limits)

    async def _renew(self, refused: Credentials, error: GatewayError) -> None:
        async with self._loading:
            # Of many requests that are refused at once the first one reads them.
            if self._credentials is refused:
                try:
                    self._credentials = await self._load()
                except CredentialsError:
                    # Perhaps half written at this moment; the next request tries again.
                    raise error from None

    async def _answer(
        self, request: _Request, credentials: Credentials, limits: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": request.accept, "Content-Type": request.content_type}
        try:
            authorization = credentials.authorization()
            response = await self._session.request(
                request.method,
                credentials.server + request.path,
                params=request.query,
                headers={**headers, "Authorization": authorization} if authorization else headers,
                data=None if request.body is None else json.dumps(request.body),
                ssl=credentials.tls,
                server_hostname=credentials.server_name,
                proxy=credentials.proxy,
                timeout=limits,
            )
            if response.status < 300:  # noqa: PLR2004  (the first status that is no success)
                if response.content_type != "application/json":
                    response.close()
                    raise ApiUnreachableError(_NO_JSON.format(response.content_type))
                return response
            text = await response.text(errors="replace")
        except aiohttp.ClientConnectorCertificateError as error:
            raise _UntrustedError(str(unreachable(error))) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(error) from None
        raise refused(response.status, text, response.headers.get("Retry-After", ""))


class _UntrustedError(ApiUnreachableError):
    """The server's certificate is none of those to trust."""
