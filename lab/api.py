"""The few requests that the lab itself sends to its API server, and to etcd."""

import base64
import http.client
import json
import re
import ssl
import threading
import urllib.request
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from lab.errors import ApiError
from lab.ports import HOST

Manifest = dict[str, Any]

_REQUEST_SECONDS = 10.0
_APPLY = "application/apply-patch+yaml"
_SURROGATES = re.compile(r"\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}")
_CLOSED_BY_SERVER = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)


class Api:
    """A client of one API server; each thread keeps a connection open, for a handshake costs more than a request.

    It is reached on the loopback address. The certificate to trust need not exist before it is up. What the API server
    refuses is an ApiError; where it cannot be reached, an OSError.
    """

    def __init__(self, port: int, token: str, certificate: Path) -> None:
        self._port = port
        self._token = token
        self._certificate = certificate
        self._tls: ssl.SSLContext | None = None
        self._open = threading.local()

    def ready(self) -> bool:
        """Return whether the API server says that it is ready."""
        try:
            status, _ = self._send("GET", "/readyz")
        # OSError covers a refused connection and a certificate file that is not there yet.
        except (OSError, http.client.HTTPException):
            return False
        return status == HTTPStatus.OK

    def get(self, path: str) -> Manifest | None:
        """Return an object, or None if there is none."""
        status, content = self._send("GET", path)
        return None if status == HTTPStatus.NOT_FOUND else _manifest(path, status, content)

    def create(self, path: str, manifest: Manifest) -> Manifest:
        """Create an object and return it as stored."""
        return _manifest(path, *self._send("POST", path, manifest))

    def replace(self, path: str, manifest: Manifest, manager: str) -> Manifest:
        """Replace an object, as a tool that calls itself `manager`, and return it as stored."""
        return _manifest(path, *self._send("PUT", f"{path}?fieldManager={manager}", manifest))

    def patch(self, path: str, operations: Sequence[Manifest], manager: str) -> Manifest:
        """Patch an object (RFC 6902), as a tool that calls itself `manager`, and return it as stored."""
        path = f"{path}?fieldManager={manager}"
        return _manifest(path, *self._send("PATCH", path, operations, "application/json-patch+json"))

    def delete(self, path: str) -> None:
        """Delete an object without waiting until it is gone."""
        _manifest(path, *self._send("DELETE", path))

    def delete_all(self, path: str) -> None:
        """Delete all objects of a collection without waiting until they are gone; none if it is not served."""
        status, content = self._send("DELETE", path)
        # The answer holds the objects, which may be nested deeper than Python reads.
        if status >= HTTPStatus.BAD_REQUEST and status != HTTPStatus.NOT_FOUND:
            _manifest(path, status, content)

    def apply(self, path: str, manifest: Manifest, manager: str) -> Manifest:
        """Apply an object on the server's side, as a tool that calls itself `manager`; return it as stored."""
        path = f"{path}?fieldManager={manager}&force=true"
        return _manifest(path, *self._send("PATCH", path, manifest, _APPLY))

    def merge(self, path: str, patch: Manifest, manager: str) -> Manifest:
        """Merge a patch (RFC 7396) into an object, as a tool that calls itself `manager`; return it as stored."""
        path = f"{path}?fieldManager={manager}"
        return _manifest(path, *self._send("PATCH", path, patch, "application/merge-patch+json"))

    def _send(
        self,
        method: str,
        path: str,
        body: Manifest | Sequence[Manifest] | None = None,
        content_type: str = "application/json",
    ) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": content_type}
        content = None if body is None else json.dumps(body)
        if content_type == _APPLY and content:
            content = _SURROGATES.sub(_as_yaml, content)
        kept: http.client.HTTPSConnection | None = getattr(self._open, "connection", None)
        if kept is not None:
            try:
                return self._answer(kept, method, path, content, headers)
            except _CLOSED_BY_SERVER:
                # It had been idle, or the API server was restarted.
                pass
        self._open.connection = self._connection()
        return self._answer(self._open.connection, method, path, content, headers)

    def _answer(
        self,
        connection: http.client.HTTPSConnection,
        method: str,
        path: str,
        content: str | None,
        headers: dict[str, str],
    ) -> tuple[int, bytes]:
        try:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except BaseException:
            connection.close()
            self._open.connection = None
            raise

    def _connection(self) -> http.client.HTTPSConnection:
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=str(self._certificate))
        return http.client.HTTPSConnection(HOST, self._port, context=self._tls, timeout=_REQUEST_SECONDS)


def _as_yaml(pair: re.Match[str]) -> str:
    """Return a surrogate pair of JSON, which YAML lacks, as the one escape that YAML has for it."""
    (character,) = json.loads(f'"{pair[0]}"')
    return f"\\U{ord(character):08x}"


def _manifest(path: str, status: int, content: bytes) -> Manifest:
    try:
        manifest: Manifest = json.loads(content)
    except ValueError:
        manifest = {"message": content.decode(errors="replace")}
    if status >= HTTPStatus.BAD_REQUEST:
        raise ApiError(status, f"{path}: {manifest.get('message', f'status {status}')}")
    return manifest


def compact_etcd(url: str) -> None:
    """Have the etcd at `url` forget all that happened up to now, and keep what is.

    Raises OSError: it refused, or cannot be reached.
    """
    key = base64.b64encode(b"/").decode()
    revision = _ask(f"{url}/v3/kv/range", {"key": key})["header"]["revision"]
    _ask(f"{url}/v3/kv/compaction", {"revision": revision, "physical": True})


def _ask(url: str, question: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(url, data=json.dumps(question).encode())  # noqa: S310  (the lab's own etcd)
    with urllib.request.urlopen(request, timeout=_REQUEST_SECONDS) as response:  # noqa: S310
        answer: dict[str, Any] = json.load(response)
    return answer
