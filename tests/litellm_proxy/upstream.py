"""A fake model provider on loopback, which keeps what it is asked."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request that the fake provider got.

    Attributes
    ----------
    path
        Path with its query.
    headers
        Header values by lower-case name.
    body
        Raw body.
    """

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


class _Upstream(ThreadingHTTPServer):
    """Server that keeps what it was asked."""

    daemon_threads = True

    def __init__(self, reply: str, tool: str) -> None:
        self.reply = reply
        self.tool = tool
        self.lock = threading.Lock()
        self.recorded: list[RecordedRequest] = []
        super().__init__((LOOPBACK, 0), _UpstreamHandler)


class _UpstreamHandler(BaseHTTPRequestHandler):
    """Chat completions in the form of the OpenAI API."""

    protocol_version = "HTTP/1.1"
    server: _Upstream

    def do_POST(self) -> None:
        """Record the request, and answer if it is a chat completion."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.lock:
            self.server.recorded.append(RecordedRequest(self.path, headers, body))
        if self.path.partition("?")[0] in {"/v1/chat/completions", "/chat/completions"}:
            self._answer(200, _completion(body, self.server.reply, self.server.tool))
        else:
            error = {"message": f"no such path: {self.path}", "type": "invalid_request_error", "code": "404"}
            self._answer(404, {"error": error})

    def _answer(self, status: int, document: Mapping[str, object]) -> None:
        payload = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_: object, **__: object) -> None:
        """Print nothing: the tests read `FakeOpenAI.requests`."""


def _completion(body: bytes, reply: str, tool: str) -> dict[str, object]:
    request = json.loads(body or b"{}")
    message: dict[str, object] = {"role": "assistant", "content": reply}
    call = _tool_call(request, tool) if tool else None
    if call:
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": request.get("model", "unknown"),
        "choices": [
            {"index": 0, "message": message, "finish_reason": "tool_calls" if call else "stop"},
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
    }


def _tool_call(request: Mapping[str, Any], tool: str) -> dict[str, object] | None:
    last = request["messages"][-1]
    offered = [entry["function"]["name"] for entry in request.get("tools") or ()]
    name = next((name for name in offered if name.endswith(tool)), None)
    if name is None or last["role"] != "user":
        return None
    function = {"name": name, "arguments": json.dumps({"text": last["content"]})}
    return {"id": "call-fake", "type": "function", "function": function}


class FakeOpenAI:
    """OpenAI-compatible provider on a free loopback port, for a ``with`` statement.

    Parameters
    ----------
    reply
        What the assistant says to every chat completion.
    tool
        End of the name of a tool. A user who offers it has it called with the prompt as ``text`` first.
    """

    def __init__(self, reply: str = "pong", *, tool: str = "") -> None:
        self._server = _Upstream(reply, tool)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="fake-openai", daemon=True
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
    def base_url(self) -> str:
        """URL for ``OPENAI_API_BASE`` and for ``api_base``."""
        return f"{self.url}/v1"

    @property
    def requests(self) -> list[RecordedRequest]:
        """A copy of everything that came in so far, oldest first."""
        with self._server.lock:
            return list(self._server.recorded)

    def forget(self) -> None:
        """Drop the recorded requests."""
        with self._server.lock:
            self._server.recorded.clear()
