"""A raw watch in a thread of its own: when exactly the API server told of each change."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import Self

from bench.client import Client, Raw, connect
from lab import ControlPlane, LabError

ObjectName = tuple[str, str]
"""Namespace and name."""


class Watch:
    """Watches the collection at `path` from now on until the end of a `with` block."""

    def __init__(self, lab: ControlPlane, path: str) -> None:
        with Client(lab) as client:
            version = client.get(f"{path}?limit=1")["metadata"]["resourceVersion"]
        self._path = path
        self._connection = connect(lab, None)
        headers = {"Authorization": f"Bearer {lab.admin_token}"}
        self._connection.request("GET", f"{path}?watch=true&resourceVersion={version}", headers=headers)
        self._response = self._connection.getresponse()
        # Parsed by `wait`, so that looking on costs next to nothing while something is measured.
        self._events: list[tuple[float, bytes]] = []
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def forget(self) -> None:
        """Drop what was seen so far; `wait` then finds later changes only."""
        with self._changed:
            self._events.clear()

    def wait(
        self, names: Iterable[ObjectName], holds: Callable[[Raw], bool], timeout: float
    ) -> dict[ObjectName, float]:
        """Wait until `holds` was true of each of `names`; return when it first was.

        Raises LabError: it was not within `timeout` seconds, or the watch has ended.
        """
        missing, found = set(names), dict[ObjectName, float]()
        deadline = time.monotonic() + timeout
        position = 0
        with self._changed:
            while True:
                while position < len(self._events):
                    seen, line = self._events[position]
                    position += 1
                    item: Raw = json.loads(line)["object"]
                    name = item["metadata"]["namespace"], item["metadata"]["name"]
                    if name in missing and holds(item):
                        missing.remove(name)
                        found[name] = seen
                if not missing:
                    return found
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    why = "the watch has ended" if self._ended else f"not within {timeout:g} s"
                    waiting = ", ".join("/".join(name) for name in sorted(missing)[:5])
                    raise LabError(f"{self._path}: {why}; {len(missing)} missing, such as {waiting}")
                self._changed.wait(left)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Shutting the socket down wakes the thread, which sits in a read.
        if self._connection.sock is not None:
            self._connection.sock.shutdown(2)
        self._thread.join()
        self._connection.close()

    def _read(self) -> None:
        try:
            for line in self._response:
                seen = time.perf_counter()
                with self._changed:
                    self._events.append((seen, line))
                    self._changed.notify_all()
        except (OSError, ValueError, http.client.HTTPException):
            pass  # the connection was shut down
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
