"""Parent process of a lab's components: it ends them and removes the lab's folder, however the lab ends.

The lab starts this file as a script of its own session and talks to it in JSON lines over stdin and stdout.
When stdin closes (the lab stopped, failed, or was killed with SIGKILL), it kills every component, removes the
lab's folder and exits. It uses only the standard library and imports nothing of this project, so that it
starts in a few hundredths of a second.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_PARENT_CHECK_SECONDS = 1.0


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends; to be used as `preexec_fn`.

    Only for parents with one thread: the kernel watches the thread that forked, not the process. Other systems
    than Linux lack this; there, components outlive the supervisor if someone kills that one.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class _Ended(Exception):
    """The supervisor was asked to end."""


class Supervisor:
    """Owns the component processes of one lab, whose folder is removed at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._remove: list[Path] = []

    def serve(self) -> None:
        """Answer requests until stdin closes or the parent is gone, then clean up."""
        try:
            self._serve_requests()
        except _Ended:
            pass
        finally:
            self._clean_up()

    def _serve_requests(self) -> None:
        parent = os.getppid()
        buffer = b""
        while True:
            readable, _, _ = select.select([sys.stdin.fileno()], [], [], _PARENT_CHECK_SECONDS)
            # A forked child of the lab may hold the pipe open after the lab has died.
            if os.getppid() != parent:
                return
            if not readable:
                continue
            chunk = os.read(sys.stdin.fileno(), 65536)
            if not chunk:
                return
            buffer += chunk
            while b"\n" in buffer:
                line, buffer = buffer.split(b"\n", 1)
                os.write(sys.stdout.fileno(), json.dumps(self._answer(json.loads(line))).encode() + b"\n")

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            match request["do"]:
                case "start":
                    return {"pid": self._start(request["name"], request["command"], request["log"])}
                case "stop":
                    return {"code": self._stop(request["name"], request["grace"])}
                case "status":
                    return {"codes": {name: child.poll() for name, child in self._children.items()}}
                case "remove-at-end":
                    self._remove.append(Path(request["path"]))
                    return {}
        except OSError as error:
            return {"error": str(error)}
        return {"error": f"unknown request {request['do']!r}"}

    def _start(self, name: str, command: list[str], log: str) -> int:
        # What components put into these two folders goes with the lab's.
        environment = os.environ | {"HOME": str(self._folder), "TMPDIR": str(self._folder)}
        with Path(log).open("ab") as output:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._folder,
                env=environment,
                # This process has one thread, so neither of the two dangers of preexec_fn applies.
                preexec_fn=die_with_parent,  # noqa: PLW1509
            )
        self._children[name] = child
        return child.pid

    def _stop(self, name: str, grace: float) -> int:
        child = self._children.pop(name)
        child.terminate()
        try:
            return child.wait(grace)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()

    def _clean_up(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        # Killed rather than asked: all their data lies in the folder that goes next.
        for child in self._children.values():
            child.kill()
        for child in self._children.values():
            child.wait()
        for path in self._remove:
            path.unlink(missing_ok=True)
        shutil.rmtree(self._folder, ignore_errors=True)


def _end(_number: int, _frame: object) -> None:
    raise _Ended


def main() -> None:
    """Run the supervisor of the folder named on the command line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    Supervisor(Path(sys.argv[1])).serve()


if __name__ == "__main__":
    main()
