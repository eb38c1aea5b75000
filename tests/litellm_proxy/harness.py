"""The real LiteLLM proxy and a fake model provider, both on loopback.

The proxy is the package of the version inside the image that gateways run, started as in the container:
``litellm --config PATH --port PORT``. It gets no environment but the one it is given, so neither keys nor
HTTP proxies of the machine that runs the tests reach it, and it is kept from calling the internet.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LOOPBACK: Final = "127.0.0.1"
QUIET_ENV: Final[Mapping[str, str]] = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else every start fetches the price list
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",  # likewise, at the first Anthropic call
    "LITELLM_LOCAL_BLOG_POSTS": "True",  # likewise, for the admin page
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",  # likewise, for the admin page
    "LITELLM_MODE": "PRODUCTION",  # else a `.env` of a parent folder is read
    "OTEL_EXPORTER": "in_memory",  # else `callbacks: [otel]` prints every span to the log
    "PYTHONUNBUFFERED": "1",
}
_LOG_LINES: Final = 40
_POLL_SECONDS: Final = 0.1


class ProxyError(RuntimeError):
    """The proxy is not installed, or did not become ready; the message says why."""


def litellm_binary() -> Path:
    """Return the path at which ``make litellm`` puts the proxy's program.

    Returns
    -------
    Path
        ``bin/litellm-proxy`` of the virtual environment that runs the tests.
    """
    return Path(sys.prefix, "bin", "litellm-proxy")


def free_port() -> int:
    """Return a loopback port that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Return as soon as a condition holds.

    Parameters
    ----------
    condition
        Asked again and again, without side effects.
    seconds
        Deadline.
    what
        What is waited for, for the error message.

    Raises
    ------
    TimeoutError
        The condition did not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            message = f"not within {seconds:g} s: {what}"
            raise TimeoutError(message)
        time.sleep(_POLL_SECONDS)


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

    def __init__(self, reply: str) -> None:
        self.reply = reply
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
            self._answer(200, _completion(body, self.server.reply))
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


def _completion(body: bytes, reply: str) -> dict[str, object]:
    request = json.loads(body or b"{}")
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": request.get("model", "unknown"),
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": reply}, "finish_reason": "stop"},
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8},
    }


class FakeOpenAI:
    """OpenAI-compatible provider on a free loopback port, for a ``with`` statement.

    Parameters
    ----------
    reply
        What the assistant says to every chat completion.
    """

    def __init__(self, reply: str = "pong") -> None:
        self._server = _Upstream(reply)
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


@dataclass(frozen=True, slots=True)
class Response:
    """An answer of the proxy; statuses are values, not exceptions.

    Attributes
    ----------
    status
        HTTP status.
    body
        Raw body.
    """

    status: int
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", errors="replace")

    def json(self) -> dict[str, object]:
        """Return the body as a JSON object."""
        document = json.loads(self.body)
        if not isinstance(document, dict):
            message = f"no JSON object: {self.text[:200]}"
            raise TypeError(message)
        return document


class LiteLLMProxy:
    """The proxy, running with one configuration for as long as a ``with`` statement lasts.

    It leads a process group of its own, which is stopped whichever way the statement is left.

    Parameters
    ----------
    config
        Path of ``config.yaml``.
    env
        What the container would have in its environment. It wins over `QUIET_ENV`. A
        ``PROMETHEUS_MULTIPROC_DIR`` is created where it does not exist; without one the proxy gets a folder
        that is removed afterwards.
    binary
        Program to start; `litellm_binary` if not given.
    startup_seconds
        Deadline for readiness.
    stop_seconds
        How long the proxy may take to stop by itself before it is killed.
    """

    def __init__(
        self,
        config: Path,
        env: Mapping[str, str],
        *,
        binary: Path | None = None,
        startup_seconds: float = 90.0,
        stop_seconds: float = 10.0,
    ) -> None:
        self._config = config
        self._env = dict(env)
        self._binary = binary or litellm_binary()
        self._startup_seconds = startup_seconds
        self._stop_seconds = stop_seconds
        self._cleanup = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._log_path: Path | None = None
        self._port = 0

    def __enter__(self) -> Self:
        if not self._binary.exists():
            message = f"{self._binary} does not exist: install the LiteLLM proxy with `make litellm`"
            raise ProxyError(message)
        with contextlib.ExitStack() as stack:
            self._start(stack)
            self._wait_ready()
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    @property
    def url(self) -> str:
        """Root URL of the proxy."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def pid(self) -> int:
        """Process id, which is the id of its process group too."""
        return self._running().pid

    def get(self, path: str, *, key: str | None = None) -> Response:
        """Send a GET request.

        Parameters
        ----------
        path
            Path at the proxy, from ``/`` on.
        key
            Key for the header ``Authorization``; none is sent without it.

        Returns
        -------
        Response
            The answer, whatever its status.
        """
        return self._request("GET", path, None, key, seconds=30)

    def post(self, path: str, document: Mapping[str, object], *, key: str | None = None) -> Response:
        """Send a POST request with a JSON body.

        Parameters
        ----------
        path
            Path at the proxy, from ``/`` on.
        document
            The body.
        key
            Key for the header ``Authorization``; none is sent without it.

        Returns
        -------
        Response
            The answer, whatever its status.
        """
        return self._request("POST", path, json.dumps(document).encode(), key, seconds=60)

    def chat(self, model: str, prompt: str, *, key: str | None = None) -> Response:
        """Ask for a chat completion.

        Parameters
        ----------
        model
            Name in the proxy's ``model_list``.
        prompt
            The user's message.
        key
            Key for the header ``Authorization``; none is sent without it.

        Returns
        -------
        Response
            The answer, whatever its status.
        """
        messages = [{"role": "user", "content": prompt}]
        return self.post("/v1/chat/completions", {"model": model, "messages": messages}, key=key)

    def models(self, *, key: str | None = None) -> list[str]:
        """Return the names that ``/v1/models`` lists, in the order of the answer."""
        answer = self.get("/v1/models", key=key)
        data = answer.json().get("data") if answer.status == http.HTTPStatus.OK else None
        if not isinstance(data, list):
            message = f"/v1/models answers {answer.status}: {answer.text[:200]}"
            raise ProxyError(message)
        return [str(entry["id"]) for entry in data]

    def log(self) -> str:
        """Return everything that the proxy has printed so far."""
        if self._log_path is None or not self._log_path.exists():
            return ""
        return self._log_path.read_text(encoding="utf-8", errors="replace")

    def _start(self, stack: contextlib.ExitStack) -> None:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="litellm-proxy-")))
        env = {
            "PATH": os.pathsep.join([str(self._binary.parent), os.defpath]),
            "HOME": str(work),
            "LANG": "C.UTF-8",
            "PROMETHEUS_MULTIPROC_DIR": str(work / "prometheus"),
            **QUIET_ENV,
            **self._env,
        }
        Path(env["PROMETHEUS_MULTIPROC_DIR"]).mkdir(parents=True, exist_ok=True)
        self._port = free_port()
        self._log_path = work / "proxy.log"
        log = stack.enter_context(self._log_path.open("wb"))
        command = [str(self._binary), "--config", str(self._config.resolve())]
        self._process = subprocess.Popen(
            [*command, "--port", str(self._port), "--host", LOOPBACK],
            cwd=work,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        stack.callback(_stop_group, self._process, seconds=self._stop_seconds)

    def _wait_ready(self) -> None:
        process = self._running()
        deadline = time.monotonic() + self._startup_seconds
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise self._failure(f"exited with status {process.returncode} before it was ready")
            with contextlib.suppress(OSError, http.client.HTTPException):
                answer = self._request("GET", "/health/readiness", None, None, seconds=5)
                if answer.status == http.HTTPStatus.OK:
                    return
            time.sleep(_POLL_SECONDS)
        raise self._failure(f"was not ready within {self._startup_seconds:g} s")

    def _failure(self, what: str) -> ProxyError:
        lines = deque(self.log().splitlines(), maxlen=_LOG_LINES)
        return ProxyError(f"the LiteLLM proxy {what}; the end of its log:\n" + "\n".join(lines))

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            message = "the LiteLLM proxy is not started: use it in a `with` statement"
            raise ProxyError(message)
        return self._process

    def _request(
        self, method: str, path: str, body: bytes | None, key: str | None, *, seconds: float
    ) -> Response:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=seconds)
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return Response(answer.status, answer.read())


def _stop_group(process: subprocess.Popen[bytes], *, seconds: float) -> None:
    """Ask a process group to stop, and kill what is left of it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
