"""A fake HTTP service on loopback, which keeps what it is asked."""

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Self

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request that a fake service got: path with query, header values by lower-case name, raw body."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def authorization(self) -> str | None:
        """The header ``Authorization``, as sent."""
        return self.headers.get("authorization")

    def json(self) -> dict[str, object]:
        """Return the body as a JSON object."""
        document = json.loads(self.body)
        if not isinstance(document, dict):
            message = f"{self.path}: the body is no JSON object: {self.body[:200]!r}"
            raise TypeError(message)
        return document


class _Server(ThreadingHTTPServer):
    """Server that hands every request to the service that owns it."""

    daemon_threads = True

    def __init__(self, service: "FakeServer") -> None:
        self.service = service
        super().__init__((LOOPBACK, 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    """JSON in, JSON out."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        """Record the request and answer what the service says."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, answer = self.server.service.take(RecordedRequest(self.path, headers, body))
        payload = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: object, **__: object) -> None:
        """Print nothing: the tests read `FakeServer.requests`."""


class FakeServer(ABC):
    """A service on a free loopback port, for a ``with`` statement."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recorded: list[RecordedRequest] = []
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name=type(self).__name__,
            daemon=True,
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Root URL, without a path."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    @property
    def requests(self) -> list[RecordedRequest]:
        """A copy of everything that came in so far, oldest first."""
        with self._lock:
            return list(self._recorded)

    def forget(self) -> None:
        """Drop the recorded requests."""
        with self._lock:
            self._recorded.clear()

    def take(self, request: RecordedRequest) -> tuple[int, object]:
        """Record a request and return the status and the document of the answer."""
        with self._lock:
            self._recorded.append(request)
        return self._respond(request)

    @abstractmethod
    def _respond(self, request: RecordedRequest) -> tuple[int, object]:
        """Return the status and the document of the answer."""
