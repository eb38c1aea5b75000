"""Sends requests to one API server: reloads credentials, enforces limits, and translates errors."""

import asyncio
import contextlib
import json
import re
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp

from gateway_components.errors import GatewayError
from gateway_components.kube.credentials import Credentials
from gateway_components.kube.decoding import read_document
from gateway_components.kube.errors import (
    ApiError,
    ApiUnreachableError,
    CredentialsError,
    MalformedAnswerError,
    StatusDetails,
    TooLargeAnswerError,
)
from gateway_components.kube.resources import ApiPath

T = TypeVar("T")

_SURROGATE_PAIR = re.compile(r"\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}")
_AT_ONCE = 8
"""Concurrent requests, watches aside: enough to keep an API server busy; connections have large buffers."""
_LEASES = "/apis/coordination.k8s.io/"
_MOST_BYTES = 2**24
"""Limit of one answer, which decoded is eleven times as large; a larger page is requested again as several."""
_CONNECT_SECONDS = 10
_EXCERPT = 500
"""Characters quoted of an answer that is not a ``Status``."""


def refused(status: int, body: bytes, retry_after: str) -> ApiError:
    """Return the error of an answer, given its status, body and header ``Retry-After``."""
    try:
        answer = read_document(body)
    except MalformedAnswerError:
        answer = {}
    if answer.get("kind") != "Status":
        text = body.decode(errors="replace").strip()
        answer = {"message": text[:_EXCERPT] or f"HTTP status {status}"}
    # The API server does not use the other form of this header, a date.
    return api_error(answer, status, float(retry_after) if retry_after.isdecimal() else 0.0)


def api_error(answer: Mapping[str, Any], status: int, retry_after: float = 0.0) -> ApiError:
    """Return the error in a ``Status``; a field of the wrong type counts as missing."""
    details = answer.get("details")
    about = details if isinstance(details, dict) else {}
    causes = about.get("causes")
    reasons = (
        _text(cause, "reason")
        for cause in (causes if isinstance(causes, list) else ())
        if isinstance(cause, dict)
    )
    return ApiError(
        status,
        _text(answer, "reason"),
        _text(answer, "message") or f"HTTP status {status}",
        retry_after,
        StatusDetails(
            _text(about, "group"),
            _text(about, "kind"),
            _text(about, "name"),
            frozenset(filter(None, reasons)),
        ),
    )


def unreachable(error: BaseException) -> ApiUnreachableError:
    """Return the error of a request without an answer."""
    return ApiUnreachableError(f"the API server gave no answer: {error or type(error).__name__}")


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `kind` restricts the answer to metadata: ``PartialObjectMetadata``, or a list of them."""

    method: str
    path: ApiPath
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    content_type: str = "application/json"
    kind: str | None = None

    @property
    def content(self) -> str | None:
        """The body as sent."""
        if self.body is None:
            return None
        text = json.dumps(self.body)
        return _SURROGATE_PAIR.sub(_yaml_escape, text) if self.content_type.endswith("yaml") else text

    @property
    def writes(self) -> bool:
        """Whether it is a write."""
        return self.method != "GET"

    @property
    def accept(self) -> str:
        """The accepted media type."""
        return f"application/json;as={self.kind};g=meta.k8s.io;v=v1" if self.kind else "application/json"


_Limits = Callable[[], aiohttp.ClientTimeout]
"""Called right before a request is sent."""


def _yaml_escape(pair: re.Match[str]) -> str:
    # JSON is YAML, except for surrogate pairs: YAML escapes such a character as one.
    (character,) = json.loads(f'"{pair[0]}"')
    return f"\\U{ord(character):08x}"


class Transport:
    """Sends requests to one API server.

    It reloads refused credentials once per refusal: tokens and certificates are rotated in their files.
    """

    def __init__(self, credentials: Credentials, load: Callable[[], Awaitable[Credentials]]) -> None:
        self._credentials = credentials
        self._load = load
        self._loading = asyncio.Lock()
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        # Unlimited: watches would otherwise use up all connections.
        connector = aiohttp.TCPConnector(limit=0)
        # With `trust_env`, each request would look for a proxy and for a password in ~/.netrc, in threads.
        self._session = aiohttp.ClientSession(connector=connector)

    async def read(self, request: Request, seconds: Callable[[], float], read: Callable[[bytes], T]) -> T:
        """Send a request and return its answer, decoded by `read`.

        `seconds` returns the time limit; it is called right before each try. An error that it raises cancels the
        request.

        Raises ApiError or ApiUnreachableError: the API server refused, or did not answer. TooLargeAnswerError: the
        answer exceeds the size limit.
        """
        # The renewal of a Lease must not wait behind a thousand statuses.
        waiting = contextlib.nullcontext() if request.path.startswith(_LEASES) else self._at_once
        async with waiting:
            response = await self._send(
                request, lambda: aiohttp.ClientTimeout(seconds(), sock_connect=_CONNECT_SECONDS)
            )
            try:
                return read(await _body(response))
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise unreachable(error) from None
            finally:
                response.release()

    async def stream(self, request: Request, silence: float) -> aiohttp.ClientResponse:
        """Send a request and return its answer as a stream that times out after `silence` seconds; raises as `read`."""
        limits = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=silence)
        return await self._send(request, lambda: limits)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def _send(self, request: Request, limits: _Limits) -> aiohttp.ClientResponse:
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
            # Only the first of many refused requests reloads them.
            if self._credentials is refused:
                try:
                    self._credentials = await self._load()
                except CredentialsError:
                    # The file may be half written; the next request retries.
                    raise error from None

    async def _answer(
        self, request: Request, credentials: Credentials, limits: _Limits
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": request.accept, "Content-Type": request.content_type}
        try:
            authorization = credentials.authorization()
            within = limits()
            # Bounds the work of the API server as well.
            deadline = {"timeout": f"{within.total:.3f}s"} if request.writes else {}
            response = await self._session.request(
                request.method,
                credentials.server + request.path,
                params={**request.query, **deadline},
                headers={**headers, "Authorization": authorization} if authorization else headers,
                data=request.content,
                ssl=credentials.tls,
                server_hostname=credentials.server_name,
                proxy=credentials.proxy or _proxy_of_environment(credentials.server),
                timeout=within,
                # Whoever answers chooses the target; with 307 and 308, the body goes there too.
                allow_redirects=False,
            )
            if response.status < 300:  # noqa: PLR2004  (the first status that is no success)
                if response.content_type != "application/json":
                    response.close()
                    raise MalformedAnswerError(f"the answer is {response.content_type} instead of JSON")
                return response
            if response.status < 400:  # noqa: PLR2004  (the first status that is no redirect)
                response.close()
                raise MalformedAnswerError(
                    f"the answer is a redirect (HTTP {response.status}), which is not followed"
                )
            body = await _body(response)
        except aiohttp.ClientConnectorCertificateError as error:
            raise _UntrustedError(str(unreachable(error))) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(error) from None
        raise refused(response.status, body, response.headers.get("Retry-After", ""))


@lru_cache(maxsize=16)
def _proxy_of_environment(server: str) -> str | None:
    """Return the URL of the proxy by which the environment has a server reached; None where there is none."""
    address = urlsplit(server)
    if not address.hostname or urllib.request.proxy_bypass(address.hostname):
        return None
    return urllib.request.getproxies().get(address.scheme)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > _MOST_BYTES:
            response.close()
            raise TooLargeAnswerError(f"an answer has more than {_MOST_BYTES >> 20} MiB")
    return b"".join(chunks)


class _UntrustedError(ApiUnreachableError):
    """The server's certificate is not trusted."""
