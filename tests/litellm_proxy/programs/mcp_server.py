"""A real MCP server made with the official SDK: ``mcp_server.py NAME TRANSPORT PORT RECORD``.

It serves ``/mcp`` (``streamable-http``) or ``/sse`` (``sse``) on the loopback address, and appends every
tool call and every request for the list of tools to the file RECORD, as a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

_SLOW_SECONDS = 0.5


def main(name: str, transport: str, port: str, record: str, *others: str) -> None:
    """Serve ``streamable-http`` or ``sse`` until the process is ended, and record calls in a file.

    The tool ``whoami`` answers `name`, as tools named in `others` do. With one of them, the server takes its time to
    list its tools.
    """
    from mcp.server.fastmcp import FastMCP  # type: ignore[import-not-found]  # noqa: PLC0415

    class Server(FastMCP):  # type: ignore[misc]
        async def list_tools(self) -> Any:
            keep({"list": name})
            if others:
                await asyncio.sleep(_SLOW_SECONDS)
            return await super().list_tools()

    server = Server(name, host="127.0.0.1", port=int(port), log_level="WARNING")

    def keep(request: dict[str, Any]) -> None:
        with Path(record).open("a", encoding="utf-8") as file:
            file.write(json.dumps(request) + "\n")

    def keep_call(tool: str, **arguments: str) -> None:
        authorization = server.get_context().request_context.request.headers.get("authorization")
        seen = {"authorization": authorization} if authorization else {}
        keep({"tool": tool, "arguments": arguments, **seen})

    def whoami() -> str:
        """Say which server this is."""
        keep_call("whoami")
        return name

    def echo(text: str) -> str:
        """Say it again."""
        keep_call("echo", text=text)
        return text

    def erase(text: str) -> str:
        """Do something that not everybody may do."""
        keep_call("erase", text=text)
        return f"erased {text}"

    for tool in (whoami, echo, erase):
        server.add_tool(tool)
    for other in others:
        server.add_tool(whoami, name=other)
    server.run(transport=transport)


if __name__ == "__main__":
    main(*sys.argv[1:])
