"""What an agent does with a route's address: list the tools and call them, with the official MCP SDK."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.litellm_proxy.harness import shared_imports, stop_group

_PROGRAM: Final = Path(__file__).parent / "programs" / "mcp_client.py"
_SECONDS: Final = 90


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool, by the name that the gateway lists or any other."""

    tool: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CallResult:
    """The answer to a call, or the text of the refusal of gateway or tool, which is an `error`."""

    error: bool
    text: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """The names of the tools at an address, sorted, and the answers in the order of the calls."""

    tools: tuple[str, ...]
    results: tuple[CallResult, ...]


def converse(url: str, calls: Sequence[Call] = ()) -> Conversation:
    """Open a session at an address of streamable HTTP, list its tools and make calls; redirects are not followed.

    Raises RuntimeError: the session failed; the message is what the client printed.
    """
    document = json.dumps([{"tool": call.tool, "arguments": dict(call.arguments)} for call in calls])
    with tempfile.TemporaryDirectory(prefix="mcp-client-") as name:
        folder = Path(name)
        log, output = folder / "log", folder / "output"
        process = shared_imports().start(str(_PROGRAM), [url, document], {"PATH": ""}, folder, log, output)
        try:
            code = process.wait(_SECONDS)
        finally:
            stop_group(process, seconds=0)
        if code:
            message = f"the MCP session at {url} failed:\n{log.read_text()[-4000:]}"
            raise RuntimeError(message)
        answer = json.loads(output.read_text())
    return Conversation(
        tuple(answer["tools"]),
        tuple(CallResult(result["error"], result["text"]) for result in answer["results"]),
    )
