"""A small client: raw objects in and out, errors translated once."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import aiohttp
from kubernetes_asyncio import config as kube_config
from kubernetes_asyncio.client import ApiClient, Configuration

from gateway_components.kube.errors import ApiError, ApiUnreachableError, CredentialsError

__all__ = ["KubeClient", "find_kubeconfig"]

_PAGE = 500
_CONNECTIONS = 32
_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10)


def find_kubeconfig() -> Path | None:
    """Return the kubeconfig that ``KUBECONFIG`` names, or the user's own; None inside a cluster without one."""
    named = os.environ.get("KUBECONFIG")
    if named:
        return Path(named)
    default = Path.home() / ".kube" / "config"
    in_cluster = "KUBERNETES_SERVICE_HOST" in os.environ
    return default if default.exists() and not in_cluster else None


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
    """Talks to one API server; use `connect`."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    @classmethod
    async def connect(cls, kubeconfig: Path | None) -> Self:
        """Return a client for the cluster of `kubeconfig`, or for the one this process runs in.

        Raises
        ------
        CredentialsError
            There are none, or they cannot be read.
        """
        configuration = Configuration()
        # Each watch keeps a connection; statuses are written many at a time.
        configuration.connection_pool_maxsize = _CONNECTIONS
        try:
            if kubeconfig is not None:
                await kube_config.load_kube_config(str(kubeconfig), client_configuration=configuration)
            else:
                kube_config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        except Exception as error:  # noqa: BLE001  (a malformed file leads the library into errors of any kind)
            source = f"the kubeconfig {kubeconfig}" if kubeconfig else "the service account of this pod"
            # The first line alone: the rest may quote the file.
            cause = next(iter(str(error).splitlines()), type(error).__name__)
            message = f"no credentials from {source}: {cause}; set KUBECONFIG or run inside a cluster"
            raise CredentialsError(message) from None
        return cls(ApiClient(configuration))

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

    async def pages(
        self, path: str, *, metadata_only: bool = False
    ) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
        """Yield every object of the collection at `path` in pages, each with the version to watch from."""
        kind = "PartialObjectMetadataList" if metadata_only else None
        query = {"limit": str(_PAGE)}
        while True:
            page = await self._json(_Request("GET", path, query, kind=kind))
            metadata = page["metadata"]
            yield page.get("items") or [], metadata["resourceVersion"]
            if not metadata.get("continue"):
                return
            query["continue"] = metadata["continue"]

    async def list(self, path: str, *, metadata_only: bool = False) -> tuple[list[dict[str, Any]], str]:
        """Return every object of the collection at `path`, and the version to watch from."""
        items: list[dict[str, Any]] = []
        version = ""
        async for page, page_version in self.pages(path, metadata_only=metadata_only):
            items += page
            version = page_version
        return items, version

    async def watch(
        self, path: str, version: str, *, seconds: int, silence: float, metadata_only: bool = False
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
        }
        kind = "PartialObjectMetadata" if metadata_only else None
        limits = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=silence)
        response = await self._send(_Request("GET", path, query, kind=kind), limits)
        try:
            async for line in response.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise _api_error(event["object"], event["object"].get("code", 0))
                yield event
        except aiohttp.ServerTimeoutError:
            return
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(error) from None
        finally:
            response.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _json(self, request: _Request) -> dict[str, Any]:
        response = await self._send(request, _TIMEOUT)
        try:
            answer: dict[str, Any] = json.loads(await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _unreachable(error) from None
        return answer

    async def _send(self, request: _Request, limits: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        try:
            response: aiohttp.ClientResponse = await self._api.call_api(
                request.path,
                request.method,
                query_params=list(request.query.items()),
                header_params={"Accept": request.accept, "Content-Type": request.content_type},
                body=request.body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _request_timeout=limits,
            )
            if response.status < 300:  # noqa: PLR2004  (the first status that is no success)
                return response
            text = await response.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(error) from None
        raise _refused(response.status, text)


def _refused(status: int, text: str) -> ApiError:
    try:
        answer = json.loads(text)
    except ValueError:
        answer = {}
    if not isinstance(answer, dict) or answer.get("kind") != "Status":
        answer = {"message": text.strip()[:500] or f"HTTP status {status}"}
    return _api_error(answer, status)


def _api_error(answer: Mapping[str, Any], status: int) -> ApiError:
    return ApiError(status, answer.get("reason", ""), answer.get("message", f"HTTP status {status}"))


def _unreachable(error: BaseException) -> ApiUnreachableError:
    return ApiUnreachableError(f"the API server gave no answer: {error or type(error).__name__}")
