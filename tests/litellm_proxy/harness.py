"""The real LiteLLM proxy on loopback.

The proxy is the package of the version inside the image that gateways run, started as in the container:
``litellm --config PATH --port PORT``. Starts share the imports where these read no variable that the test sets. The
proxy gets no environment but the one it is given, so neither keys nor HTTP proxies of the machine that runs the tests
reach it, and it is kept from calling the internet.
"""

import contextlib
import functools
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from lab import wait_until
from lab.ports import free_port
from tests.preloaded import Preloaded, PreloadedProcess

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
_MULTIPROC: Final = "PROMETHEUS_MULTIPROC_DIR"


class ProxyError(RuntimeError):
    """The proxy is not installed, or did not become ready; the message says why."""


def litellm_binary() -> Path:
    """Return the path at which ``make litellm`` puts the proxy's program, in the environment that runs the tests."""
    return Path(sys.prefix, "bin", "litellm-proxy")


@functools.lru_cache(maxsize=1)
def shared_imports() -> Preloaded:
    """Return the process of this worker that has imported LiteLLM and the MCP SDK."""
    python = litellm_binary().resolve().parent / "python"
    modules = (
        "litellm.proxy.proxy_cli",
        "litellm.proxy.proxy_server",
        "mcp.client.streamable_http",
        "mcp.server.fastmcp",
    )
    path = os.pathsep.join([str(python.parent), os.defpath])
    # Of the folder of metrics, the imports want to know only whether there is one.
    with tempfile.TemporaryDirectory(prefix="litellm-metrics-") as metrics:
        env = {"PATH": path, "TMPDIR": tempfile.gettempdir(), _MULTIPROC: metrics, **QUIET_ENV}
        return Preloaded(python, modules, env)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer of the proxy; statuses are values, not exceptions."""

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
        self._shares_imports = binary is None
        self._startup_seconds = startup_seconds
        self._stop_seconds = stop_seconds
        self._cleanup = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes] | PreloadedProcess | None = None
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
        """Send a GET request, and return the answer; `key` is for the header ``Authorization``."""
        return self._request("GET", path, None, key, seconds=30)

    def post(self, path: str, document: Mapping[str, object], *, key: str | None = None) -> Response:
        """Send a POST request with a JSON body, and return the answer; `key` is for the header ``Authorization``."""
        return self._request("POST", path, json.dumps(document).encode(), key, seconds=60)

    def chat(self, model: str, prompt: str, *, key: str | None = None) -> Response:
        """Ask for a chat completion, and return the answer; `key` is for the header ``Authorization``."""
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
            _MULTIPROC: str(work / "prometheus"),
            **QUIET_ENV,
            **self._env,
        }
        Path(env[_MULTIPROC]).mkdir(parents=True, exist_ok=True)
        self._port = free_port()
        self._log_path = work / "proxy.log"
        log = stack.enter_context(self._log_path.open("wb"))
        config = str(self._config.resolve())
        arguments = ["--config", config, "--port", str(self._port), "--host", LOOPBACK]
        imported = shared_imports() if self._shares_imports else None
        if imported and imported.serves(self._env.keys() - {_MULTIPROC}):
            self._process = imported.start(str(self._binary.resolve()), arguments, env, work, self._log_path)
        else:
            self._process = subprocess.Popen(
                [str(self._binary), *arguments],
                cwd=work,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        stack.callback(stop_group, self._process, seconds=self._stop_seconds)

    def _wait_ready(self) -> None:
        try:
            wait_until(self._is_ready, timeout=self._startup_seconds, what="ready")
        except TimeoutError:
            raise self._failure(f"was not ready within {self._startup_seconds:g} s") from None

    def _is_ready(self) -> bool:
        process = self._running()
        if process.poll() is not None:
            raise self._failure(f"exited with status {process.returncode} before it was ready")
        with contextlib.suppress(OSError, http.client.HTTPException):
            answer = self._request("GET", "/health/readiness", None, None, seconds=5)
            return answer.status == http.HTTPStatus.OK
        return False

    def _failure(self, what: str) -> ProxyError:
        lines = deque(self.log().splitlines(), maxlen=_LOG_LINES)
        return ProxyError(f"the LiteLLM proxy {what}; the end of its log:\n" + "\n".join(lines))

    def _running(self) -> subprocess.Popen[bytes] | PreloadedProcess:
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


def stop_group(process: subprocess.Popen[bytes] | PreloadedProcess, *, seconds: float) -> None:
    """Ask a process group to stop, and kill what is left of it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
