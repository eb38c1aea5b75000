"""What an agent does with a route's address: list the tools and call them, with the official MCP SDK."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .harness import shared_imports, stop_group

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PROGRAM: Final = Path(__file__).parent / "programs" / "mcp_client.py"
_SECONDS: Final = 90


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call.

    Attributes
    ----------
    tool
        Name of the tool as the gateway lists it, or any other.
    arguments
        Its arguments.
    """

    tool: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CallResult:
    """The answer to a tool call.

    Attributes
    ----------
    error
        True when the gateway or the tool refused it.
    text
        Text of the answer, or of the refusal.
    """

    error: bool
    text: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """What one session at an address gave.

    Attributes
    ----------
    tools
        Names of the tools listed, sorted.
    results
        Answers, in the order of the calls.
    """

    tools: tuple[str, ...]
    results: tuple[CallResult, ...]


def converse(url: str, calls: Sequence[Call] = ()) -> Conversation:
    """Open a session at an address, list its tools and make calls.

    Parameters
    ----------
    url
        Where the server speaks streamable HTTP: at a gateway, the address of a route. Redirects are not
        followed.
    calls
        Calls to make in the session.

    Returns
    -------
    Conversation
        What came back.

    Raises
    ------
    RuntimeError
        The session failed; the message is what the client printed.
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
