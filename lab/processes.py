"""The lab's side of the supervisor: starts, watches and stops components through it."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from lab import supervisor
from lab.errors import LabError, PortTakenError

_STOP_SECONDS = 20.0
_LOG_LINES = 15
_LOG_BYTES = 65536


class Processes:
    """The component processes of one lab; they end when this object is closed or this process dies.

    The lab's folder gets the logs, and is removed at the end. `lock` is the descriptor of the lock on it, handed on to
    the supervisor and closed here.
    """

    def __init__(self, folder: Path, lock: int) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", supervisor.__file__, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C reaches the lab alone, which then ends the rest in order
                pass_fds=(lock,),
            )
        finally:
            os.close(lock)

    def start(self, name: str, command: list[str]) -> int:
        """Start a component and return its process id.

        Raises LabError: it cannot be started.
        """
        answer = self._ask(do="start", name=name, command=command, log=str(self._log(name)))
        return int(answer["pid"])

    def stop(self, name: str, *, grace: float = 5.0) -> None:
        """Stop a component: SIGTERM, then SIGKILL after `grace` seconds."""
        self._ask(do="stop", name=name, grace=grace)

    def remove_at_end(self, path: Path) -> None:
        """Have a file outside the lab's folder removed when the lab ends."""
        self._ask(do="remove-at-end", path=str(path.absolute()))

    def check(self) -> None:
        """Raise a LabError if a component has ended, a PortTakenError where its port was in use.

        The message shows the end of its log.
        """
        codes: dict[str, int | None] = self._ask(do="status")["codes"]
        for name, code in codes.items():
            if code is not None:
                end = self.log_end(name)
                kind = PortTakenError if "address already in use" in end else LabError
                raise kind(f"{name} ended with code {code}. The end of its log:\n{end}")

    def log_end(self, name: str) -> str:
        """Return the last lines of a component's log."""
        path = self._log(name)
        if not path.exists():
            return "(no log)"
        text = path.read_bytes()[-_LOG_BYTES:].decode(errors="replace")
        return "\n".join(text.splitlines()[-_LOG_LINES:])

    def close(self) -> None:
        """End all components and remove the folder; may be called again."""
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # Its components die with it: the kernel kills them.
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _ask(self, **request: object) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or stdin.closed:
            raise LabError("the lab has been stopped")
        with self._lock:
            try:
                stdin.write(json.dumps(request).encode() + b"\n")
                stdin.flush()
                line = stdout.readline()
            except BrokenPipeError:
                line = b""
        if not line:
            raise LabError("the lab's supervisor has ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise LabError(f"{request.get('name', 'supervisor')}: {answer['error']}")
        return answer
