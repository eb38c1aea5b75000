"""What the lab asks etcd itself, through its JSON gateway."""

from __future__ import annotations

import base64
import json
import urllib.request
from typing import Any

_SECONDS = 10.0


def compact(url: str) -> None:
    """Have the etcd at `url` forget all that happened up to now, and keep what is.

    Raises OSError: it refused, or cannot be reached.
    """
    key = base64.b64encode(b"/").decode()
    revision = _ask(f"{url}/v3/kv/range", {"key": key})["header"]["revision"]
    _ask(f"{url}/v3/kv/compaction", {"revision": revision, "physical": True})


def _ask(url: str, question: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(url, data=json.dumps(question).encode())  # noqa: S310  (the lab's own etcd)
    with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
        answer: dict[str, Any] = json.load(response)
    return answer
