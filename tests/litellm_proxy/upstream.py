"""A fake model provider on loopback."""

import json
from collections.abc import Mapping
from typing import Any

from tests.litellm_proxy.fake_server import FakeServer, RecordedRequest


class FakeOpenAI(FakeServer):
    """OpenAI-compatible provider on a free loopback port, for a ``with`` statement; it answers `reply` to every chat.

    A user who offers a tool whose name ends in `tool` has it called with the prompt as ``text`` first.
    """

    def __init__(self, reply: str = "pong", *, tool: str = "") -> None:
        super().__init__()
        self._reply = reply
        self._tool = tool

    @property
    def base_url(self) -> str:
        """URL for ``OPENAI_API_BASE`` and for ``api_base``."""
        return f"{self.url}/v1"

    def _respond(self, request: RecordedRequest) -> tuple[int, object]:
        if request.path.partition("?")[0] in {"/v1/chat/completions", "/chat/completions"}:
            return 200, _completion(request.body, self._reply, self._tool)
        error = {"message": f"no such path: {request.path}", "type": "invalid_request_error", "code": "404"}
        return 404, {"error": error}


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
