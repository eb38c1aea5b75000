"""A small client of the API server for raw objects."""

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import unquote

import aiohttp

from gateway_components.kube.credentials import load_credentials
from gateway_components.kube.decoding import read_document, read_event, read_object, read_page
from gateway_components.kube.errors import (
    ApiError,
    ApiUnreachableError,
    MalformedAnswerError,
    ObjectChangedError,
    TooLargeAnswerError,
)
from gateway_components.kube.resources import ApiPath
from gateway_components.kube.transport import Request, Transport, api_error, unreachable

T = TypeVar("T")

Keep = Callable[[dict[str, Any]], dict[str, Any]]
"""What is kept of an object."""

_PAGE = 500
_MOST_PAGES = 10_000
"""Limit of one list, against a server that repeats itself."""
_SECONDS = 60.0
"""Time limit of a request, for the API server as well."""
_LONGEST_LINE = 2**25
"""Bytes of one watch event; etcd stores objects of up to 1.5 MiB, and JSON escapes make them six times as long."""


class KubeClient:
    """Talks to one API server; use `connect`."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    @staticmethod
    async def connect(kubeconfig: Path | None) -> "KubeClient":
        """Return a client for the cluster of `kubeconfig`, or for the one that this process runs in.

        Raises CredentialsError: they are missing, or cannot be read.
        """
        load = partial(load_credentials, kubeconfig)
        return KubeClient(Transport(await load(), load))

    async def get(self, path: ApiPath) -> dict[str, Any] | None:
        """Return the object at `path`; None if the API server says that this very object does not exist.

        Any other 404 is an error: the kind is not served, or a proxy answers.
        """
        try:
            return await self._object(Request("GET", path))
        except ApiError as error:
            if _is_missing(error, path):
                return None
            raise

    async def document(self, path: ApiPath) -> dict[str, Any]:
        """Return a document that is not an object, such as one of API discovery."""
        return await self._read(Request("GET", path), read_document)

    async def ask(self, path: ApiPath, question: Mapping[str, Any]) -> dict[str, Any]:
        """Send a review that is answered and not stored, such as a TokenReview, and return it with its status."""
        return await self._read(Request("POST", path, body=question), read_document)

    async def create(self, path: ApiPath, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object in the collection at `path` and return it as stored."""
        return await self._object(Request("POST", path, body=body))

    async def merge_patch(
        self, path: ApiPath, body: Mapping[str, Any], *, manager: str | None = None
    ) -> dict[str, Any]:
        """Merge `body` into the object at `path` and return it as stored; `manager` owns what it changes."""
        query = {"fieldManager": manager} if manager else {}
        return await self._object(
            Request("PATCH", path, query, body=body, content_type="application/merge-patch+json")
        )

    async def apply(
        self, path: ApiPath, body: Mapping[str, Any], *, manager: str, force: bool = False
    ) -> dict[str, Any]:
        """Apply `body` to the object at `path`, creating it if it is missing, as the field manager `manager`.

        Fields of other managers are a conflict, unless `force` takes them over.
        """
        query = {"fieldManager": manager, **({"force": "true"} if force else {})}
        return await self._object(
            # JSON is YAML.
            Request("PATCH", path, query, body=body, content_type="application/apply-patch+yaml")
        )

    async def delete(self, path: ApiPath, *, uid: str, version: str) -> None:
        """Delete the object at `path` if it is still the one that was read; a missing one is fine.

        Raises ObjectChangedError: somebody else wrote or replaced it since then; nothing was deleted.
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
        path: ApiPath,
        *,
        kind: str = "",
        metadata_only: bool = False,
        labels: Mapping[str, str] | None = None,
        fields: str = "",
        size: int = _PAGE,
    ) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
        """Yield the objects of the collection at `path` in pages of `size`, each with the version to watch from.

        `labels` and `fields` (such as ``metadata.name=NAME``) select objects. A list of another `kind` than the given
        one is refused. An object that nests too deep is an `IncompleteObject`.
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
                raise MalformedAnswerError("a list does not end")
            tokens.add(page.token)
            query["continue"] = page.token
            limit = min(limit * 10, size)

    async def list(
        self,
        path: ApiPath,
        *,
        metadata_only: bool = False,
        labels: Mapping[str, str] | None = None,
        keep: Keep = dict,
    ) -> tuple[list[dict[str, Any]], str]:
        """Return what `keep` makes of each object of the collection at `path`, and the version to watch from.

        No more than a page of whole objects is in memory. `labels` selects objects.
        """
        items: list[dict[str, Any]] = []
        version = ""
        async for page, page_version in self.pages(path, metadata_only=metadata_only, labels=labels):
            items += map(keep, page)
            version = page_version
        return items, version

    async def watch(
        self,
        path: ApiPath,
        version: str,
        *,
        seconds: int,
        silence: float,
        metadata_only: bool = False,
        fields: str = "",
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the events of the collection at `path` since `version`; `fields` is as for `pages`.

        The API server ends the watch after `seconds`. It also ends after `silence` seconds without an event: a quiet
        connection may be a dead one.

        Raises ApiError ``Expired`` (410): the version is too old. MalformedAnswerError: the answer is not an event.
        ApiUnreachableError: the connection broke.
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

    def _seconds(self, request: Request) -> float:  # noqa: ARG002  (a fenced client overrides this)
        return _SECONDS


def _is_missing(error: ApiError, path: ApiPath) -> bool:
    """Return whether the API server says of the very object at `path` that it does not exist."""
    about = error.details.name == unquote(path.rpartition("/")[2])
    return error.status == HTTPStatus.NOT_FOUND and error.reason == "NotFound" and about


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
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
        raise ApiUnreachableError("the API server gave no answer: the connection broke within an event")
