"""A small client: raw objects in and out, errors translated once."""

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import unquote

import aiohttp

from gateway_components.kube.answers import api_error, unreachable
from gateway_components.kube.credentials import find_kubeconfig, load_credentials
from gateway_components.kube.decoding import read_document, read_event, read_object, read_page
from gateway_components.kube.errors import (
    ApiError,
    ApiUnreachableError,
    MalformedAnswerError,
    ObjectChangedError,
    TooLargeAnswerError,
)
from gateway_components.kube.transport import Request, Transport

__all__ = ["KubeClient", "find_kubeconfig"]

T = TypeVar("T")

_PAGE = 500
_MOST_PAGES = 10_000
"""Of one list: more of them come from something that repeats itself."""
_SECONDS = 60.0
"""How long a request may take; the API server itself goes on for no longer."""
_LONGEST_LINE = 2**25
"""Bytes of one event of a watch. etcd stores no object of more than 1.5 MiB, which JSON makes six times as long."""


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
        """Return the object at `path`; None where the API server says that this very object does not exist.

        Another 404 is an error: a kind that is not served, or whatever answers in place of the API server.
        """
        try:
            return await self._object(Request("GET", path))
        except ApiError as error:
            if _is_missing(error, path):
                return None
            raise

    async def document(self, path: str) -> dict[str, Any]:
        """Return what is at `path` and is no object of a collection, such as what the API server serves."""
        return await self._read(Request("GET", path), read_document)

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object in the collection at `path` and return it as stored."""
        return await self._object(Request("POST", path, body=body))

    async def merge_patch(
        self, path: str, body: Mapping[str, Any], *, manager: str | None = None
    ) -> dict[str, Any]:
        """Merge `body` into the object at `path` and return it as stored; `manager` owns what it changes."""
        query = {"fieldManager": manager} if manager else {}
        return await self._object(
            Request("PATCH", path, query, body=body, content_type="application/merge-patch+json")
        )

    async def apply(
        self, path: str, body: Mapping[str, Any], *, manager: str, force: bool = False
    ) -> dict[str, Any]:
        """Apply `body` to the object at `path`, made where it is missing; `manager` owns the fields that it names.

        Others that own some of them are a conflict, or lose them by `force`.
        """
        query = {"fieldManager": manager, **({"force": "true"} if force else {})}
        return await self._object(
            # JSON is YAML.
            Request("PATCH", path, query, body=body, content_type="application/apply-patch+yaml")
        )

    async def delete(self, path: str, *, uid: str, version: str) -> None:
        """Delete the object at `path` if it is the one that was read; it may be gone already, as for `get`.

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
            await self._read(Request("DELETE", path, body=body), read_document)
        except ApiError as error:
            if error.status == HTTPStatus.CONFLICT:
                raise ObjectChangedError(error.status, error.reason, str(error)) from None
            if not _is_missing(error, path):
                raise

    async def pages(
        self,
        path: str,
        *,
        kind: str = "",
        metadata_only: bool = False,
        labels: Mapping[str, str] | None = None,
        fields: str = "",
        size: int = _PAGE,
    ) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
        """Yield every object of the collection at `path` in pages of `size`, each with the version to watch from.

        Those with all `labels` alone, and those that `fields` selects, such as ``metadata.name=NAME``. A list of
        another `kind`, if one is given, is refused. An object that nests too deep is an `IncompleteObject`.
        """
        partial_list = "PartialObjectMetadataList" if metadata_only else None
        wanted = partial_list or (f"{kind}List" if kind else "")
        query = {"fieldSelector": fields} if fields else {}
        if labels:
            query["labelSelector"] = ",".join(f"{key}={value}" for key, value in labels.items())
        limit, tokens = size, {""}
        while True:
            request = Request("GET", path, {**query, "limit": str(limit)}, kind=partial_list)
            try:
                page = await self._read(request, partial(read_page, kind=wanted))
            except TooLargeAnswerError:
                if limit == 1:
                    raise
                limit = max(limit // 10, 1)
                continue
            yield page.items, page.version
            if not page.token:
                return
            if page.token in tokens or len(tokens) == _MOST_PAGES:
                raise MalformedAnswerError("a list goes on without end")
            tokens.add(page.token)
            query["continue"] = page.token
            limit = min(limit * 10, size)

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
        MalformedAnswerError
            What came is no event.
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
            async for line in _lines(response.content):
                event = read_event(line)
                if event["type"] == "ERROR":
                    raise api_error(event["object"], event["object"]["code"])
                yield event
        except aiohttp.ServerTimeoutError:
            return
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
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

    async def _object(self, request: Request) -> dict[str, Any]:
        return await self._read(request, read_object)

    async def _read(self, request: Request, read: Callable[[bytes], T]) -> T:
        return await self.transport.read(request, lambda: self._seconds(request), read)

    def _seconds(self, request: Request) -> float:  # noqa: ARG002  (it makes a difference for a fenced client)
        return _SECONDS


def _is_missing(error: ApiError, path: str) -> bool:
    """Tell whether the API server says of the very object at `path` that it does not exist."""
    about = error.details.name == unquote(path.rpartition("/")[2])
    return error.status == HTTPStatus.NOT_FOUND and error.reason == "NotFound" and about


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Yield the lines of a watch; one that the connection broke off within is none."""
    begun: list[bytes] = []
    size = 0
    async for chunk in content.iter_any():
        first, *others = chunk.split(b"\n")
        begun.append(first)
        size += len(first)
        for other in others:
            yield b"".join(begun)
            begun, size = [other], len(other)
        if size > _LONGEST_LINE:
            raise MalformedAnswerError(f"an event of a watch has more than {_LONGEST_LINE >> 20} MiB")
    if size:
        raise ApiUnreachableError("the API server gave no answer: the watch broke off within an event")
