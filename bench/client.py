"""Requests to the lab's API server on one connection, each answered with the moment of its answer."""

import http.client
import json
import ssl
import time
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlsplit

from lab import ControlPlane, LabError

Raw = dict[str, Any]

_SECONDS = 60.0
_IDLE_SECONDS = 30.0
"""After a longer pause the API server may have closed the connection."""


def connect(lab: ControlPlane, timeout: float | None) -> http.client.HTTPSConnection:
    """Return a new connection to the API server of `lab`."""
    address = urlsplit(lab.url)
    context = ssl.create_default_context(cafile=str(lab.certificate))
    return http.client.HTTPSConnection(address.hostname or "", address.port, context=context, timeout=timeout)


class Client:
    """A connection that is kept, so that its set-up is not measured with each request."""

    def __init__(self, lab: ControlPlane) -> None:
        self._token = lab.admin_token
        self._connection = connect(lab, _SECONDS)
        self._used = time.monotonic()

    def get(self, path: str) -> Raw:
        """Return an object."""
        return self._send("GET", path, None, "application/json")[0]

    def create(self, path: str, body: Raw) -> tuple[Raw, float]:
        """Create an object; return it as stored, and when that was acknowledged."""
        return self._send("POST", path, body, "application/json")

    def merge_patch(self, path: str, body: Raw) -> tuple[Raw, float]:
        """Merge `body` into an object; return it as stored, and when that was acknowledged."""
        return self._send("PATCH", path, body, "application/merge-patch+json")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _send(self, method: str, path: str, body: Raw | None, content_type: str) -> tuple[Raw, float]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": content_type}
        if time.monotonic() - self._used > _IDLE_SECONDS:
            self._connection.close()  # the request opens it again
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = self._connection.getresponse()
        content = response.read()
        answered, self._used = time.perf_counter(), time.monotonic()
        answer: Raw = json.loads(content)
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise LabError(f"{method} {path}: {answer.get('message')}")
        return answer, answered
