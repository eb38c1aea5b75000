"""Real MCP servers on loopback, as the upstreams of tool routes."""

import contextlib
import json
import socket
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self

from lab import wait_until
from lab.ports import free_port
from tests.litellm_proxy.fake_server import LOOPBACK
from tests.litellm_proxy.harness import shared_imports, stop_group
from tests.preloaded import PreloadedProcess

Transport = Literal["http", "sse"]
TOOLS: Final = ("echo", "erase", "whoami")

_PROGRAM: Final = Path(__file__).parent / "programs" / "mcp_server.py"
_SDK: Final[Mapping[Transport, tuple[str, str]]] = {
    "http": ("streamable-http", "/mcp"),
    "sse": ("sse", "/sse"),
}


class McpServer:
    """An MCP server with the tools `TOOLS`, made with the official SDK, for a ``with`` statement.

    ``whoami`` answers the server's name, ``echo`` and ``erase`` take a ``text``. It speaks streamable HTTP at ``/mcp``,
    or server-sent events at ``/sse``. Tools named in `others` answer as ``whoami`` does; with any, it is slow to list
    them.
    """

    def __init__(self, name: str, transport: Transport, others: Sequence[str] = ()) -> None:
        self.name = name
        self._others = tuple(others)
        self.transport = transport
        self._port = 0
        self._record = Path()
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Self:
        sdk_transport, _ = _SDK[self.transport]
        with contextlib.ExitStack() as stack:
            work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mcp-server-")))
            self._record = work / "calls.jsonl"
            self._port = free_port()
            process = shared_imports().start(
                str(_PROGRAM),
                [self.name, sdk_transport, str(self._port), str(self._record), *self._others],
                {"PATH": "", "HOME": str(work)},
                work,
                work / "server.log",
            )
            # Open event streams would keep it from ending by itself for long.
            stack.callback(stop_group, process, seconds=3)
            wait_until(lambda: self._listens(process, work), timeout=60, what=f"{self.name} listening")
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    @property
    def port(self) -> int:
        """Port on the loopback address."""
        return self._port

    @property
    def url(self) -> str:
        """Address for ``url`` in ``mcp_servers`` and for ``spec.upstream.external.url``."""
        _, path = _SDK[self.transport]
        return f"http://{LOOPBACK}:{self._port}{path}"

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every tool call that arrived, oldest first: ``{"tool": NAME, "arguments": {…}}``."""
        return [request for request in self._requests() if "tool" in request]

    @property
    def lists(self) -> int:
        """How often the list of tools was asked for."""
        return sum("list" in request for request in self._requests())

    def forget(self) -> None:
        """Drop what is recorded."""
        self._record.unlink(missing_ok=True)

    def _requests(self) -> list[dict[str, Any]]:
        if not self._record.exists():
            return []
        lines = self._record.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def _listens(self, process: PreloadedProcess, work: Path) -> bool:
        if process.poll() is not None:
            log = (work / "server.log").read_text(encoding="utf-8", errors="replace")
            message = f"the MCP server {self.name} ended with {process.returncode}:\n{log[-4000:]}"
            raise RuntimeError(message)
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self._port), timeout=1):
            return True
        return False
