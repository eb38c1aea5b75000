"""An MCP client made with the official SDK: ``mcp_client.py URL CALLS``.

The calls are a JSON list of ``{"tool": NAME, "arguments": {…}}``. It opens one session of streamable HTTP at the URL,
lists the tools, makes the calls in turn, and prints ``{"tools": […], "results": [{"error": …, "text": …}, …]}``. It
follows no redirect: what it is given has to be the right address.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any


async def main(url: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    """List the tools at an address, and make calls, each of a name and arguments.

    Return the names of the tools, and for each call whether it failed and the text of the answer.
    """
    import httpx  # type: ignore[import-not-found]  # noqa: PLC0415
    from mcp import ClientSession  # type: ignore[import-not-found]  # noqa: PLC0415
    from mcp.client.streamable_http import (  # type: ignore[import-not-found]  # noqa: PLC0415
        streamable_http_client,
    )

    async with (
        httpx.AsyncClient(follow_redirects=False, timeout=30) as http,
        streamable_http_client(url, http_client=http) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tools = sorted(tool.name for tool in (await session.list_tools()).tools)
        results = []
        for call in calls:
            result = await session.call_tool(call["tool"], call.get("arguments", {}))
            text = "\n".join(getattr(part, "text", "") for part in result.content)
            results.append({"error": result.isError, "text": text})
    return {"tools": tools, "results": results}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))))  # noqa: T201
