"""Carries requests to one API server: credentials that are replaced while it runs, limits, errors translated once."""

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

import aiohttp

from gateway_components.errors import GatewayError
from gateway_components.kube.answers import refused, unreachable
from gateway_components.kube.credentials import Credentials
from gateway_components.kube.errors import (
    ApiError,
    ApiUnreachableError,
    CredentialsError,
    MalformedAnswerError,
    TooLargeAnswerError,
)

__all__ = ["Request", "Transport"]

T = TypeVar("T")

_SURROGATE_PAIR = re.compile(r"\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}")
_AT_ONCE = 8
"""Requests at the same time, beside watches: they keep an API server busy, and each connection has large buffers."""
_LEASES = "/apis/coordination.k8s.io/"
_MOST_BYTES = 2**26
"""Of one answer. A page with more is asked for again as several smaller ones."""
_CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `kind` asks for no more than metadata: ``PartialObjectMetadata``, or a list of them."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    content_type: str = "application/json"
    kind: str | None = None

    @property
    def content(self) -> str | None:
        """The body as it is sent."""
        if self.body is None:
            return None
        text = json.dumps(self.body)
        return _SURROGATE_PAIR.sub(_yaml_escape, text) if self.content_type.endswith("yaml") else text

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.method != "GET"

    @property
    def accept(self) -> str:
        """What the answer is to be."""
        return f"application/json;as={self.kind};g=meta.k8s.io;v=v1" if self.kind else "application/json"


_Limits = Callable[[], aiohttp.ClientTimeout]
"""Asked right before a request is sent."""


def _yaml_escape(pair: re.Match[str]) -> str:
    # JSON is YAML, but for characters beyond the basic plane: YAML has one escape for them, and no surrogates.
    (character,) = json.loads(f'"{pair[0]}"')
    return f"\\U{ord(character):08x}"


class Transport:
    """Sends requests to one API server.

    Credentials that it refuses are read again, once for each refusal: tokens and certificates are replaced in their
    files while a daemon runs.

    Parameters
    ----------
    credentials
        Which API server, and who asks.
    load
        Reads the credentials again.
    """

    def __init__(self, credentials: Credentials, load: Callable[[], Awaitable[Credentials]]) -> None:
        self._credentials = credentials
        self._load = load
        self._loading = asyncio.Lock()
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        # No limit of its own: as many watches as that would leave nothing for all else.
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(connector=connector, trust_env=True)

    async def read(self, request: Request, seconds: Callable[[], float], read: Callable[[bytes], T]) -> T:
        """Send a request and return what `read` makes of its answer.

        Parameters
        ----------
        request
            What to send.
        seconds
            Asked right before it is sent, also for another time: how long it may take. What it raises ends the
            request.
        read
            Decodes the answer.

        Raises
        ------
        ApiError, ApiUnreachableError
            The API server refused, or gave no answer.
        TooLargeAnswerError
            It gave one without end.
        """
        # A lease that is renewed behind a thousand statuses is renewed too late.
        waiting = contextlib.nullcontext() if request.path.startswith(_LEASES) else self._at_once
        async with waiting:
            response = await self._send(request, lambda: _within(seconds()))
            try:
                return read(await _body(response))
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise unreachable(error) from None
            finally:
                response.release()

    async def stream(self, request: Request, silence: float) -> aiohttp.ClientResponse:
        """Send a request and return its answer, to be read as it comes; it breaks after seconds of `silence`.

        Raises
        ------
        ApiError, ApiUnreachableError
            As for `read`.
        """
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
            # Of many requests that are refused at once the first one reads them.
            if self._credentials is refused:
                try:
                    self._credentials = await self._load()
                except CredentialsError:
                    # Perhaps half written at this moment; the next request tries again.
                    raise error from None

    async def _answer(
        self, request: Request, credentials: Credentials, limits: _Limits
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": request.accept, "Content-Type": request.content_type}
        try:
            authorization = credentials.authorization()
            within = limits()
            # Nor does the API server go on with a write that nobody waits for any more.
            deadline = {"timeout": f"{within.total:.3f}s"} if request.writes else {}
            response = await self._session.request(
                request.method,
                credentials.server + request.path,
                params={**request.query, **deadline},
                headers={**headers, "Authorization": authorization} if authorization else headers,
                data=request.content,
                ssl=credentials.tls,
                server_hostname=credentials.server_name,
                proxy=credentials.proxy,
                timeout=within,
            )
            if response.status < 300:  # noqa: PLR2004  (the first status that is no success)
                if response.content_type != "application/json":
                    response.close()
                    raise MalformedAnswerError(f"{response.content_type} came instead of JSON")
                return response
            body = await _body(response)
        except aiohttp.ClientConnectorCertificateError as error:
            raise _UntrustedError(str(unreachable(error))) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise unreachable(error) from None
        raise refused(response.status, body, response.headers.get("Retry-After", ""))


async def _body(response: aiohttp.ClientResponse) -> bytes:
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > _MOST_BYTES:
            # What is left of it is not worth waiting for.
            response.close()
            raise TooLargeAnswerError(f"an answer has more than {_MOST_BYTES >> 20} MiB")
    return b"".join(chunks)


def _within(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, sock_connect=_CONNECT_SECONDS)


class _UntrustedError(ApiUnreachableError):
    """The server's certificate is none of those to trust."""
