"""A real MCP server made with the official SDK: ``mcp_server.py NAME TRANSPORT PORT RECORD``.

It serves ``/mcp`` (``streamable-http``) or ``/sse`` (``sse``) on the loopback address, and appends every
tool call that arrives to the file RECORD as a line of JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

__all__ = ["main"]


def main(name: str, transport: str, port: str, record: str) -> None:
    """Serve until the process is ended.

    Parameters
    ----------
    name
        What the tool ``whoami`` answers.
    transport
        ``streamable-http`` or ``sse``.
    port
        Port to listen on.
    record
        File for the calls.
    """
    from mcp.server.fastmcp import FastMCP  # type: ignore[import-not-found]  # noqa: PLC0415

    server = FastMCP(name, host="127.0.0.1", port=int(port), log_level="WARNING")

    def keep(tool: str, **arguments: str) -> None:
        with Path(record).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"tool": tool, "arguments": arguments}) + "\n")

    def whoami() -> str:
        """Say which server this is."""
        keep("whoami")
        return name

    def echo(text: str) -> str:
        """Say it again."""
        keep("echo", text=text)
        return text

    def erase(text: str) -> str:
        """Do something that not everybody may do."""
        keep("erase", text=text)
        return f"erased {text}"

    for tool in (whoami, echo, erase):
        server.add_tool(tool)
    server.run(transport=transport)


if __name__ == "__main__":
    main(*sys.argv[1:])
