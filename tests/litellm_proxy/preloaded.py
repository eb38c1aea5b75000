"""Starts of the real proxy and of MCP programs that share their imports: nine tenths of the time of a start."""

from __future__ import annotations

import json
import math
import os
import subprocess
import tempfile
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PROGRAM = Path(__file__).parent / "programs" / "preloaded.py"


class PreloadedProcess:
    """A start of a program, with the part of `subprocess.Popen` that the harness uses."""

    def __init__(self, server: Preloaded, pid: int) -> None:
        self._server = server
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit status; None while it runs."""
        if self.returncode is None:
            self.returncode = self._server.ask({"status": self.pid})
        return self.returncode

    def wait(self, timeout: float = math.inf) -> int:
        """Return the exit status once there is one.

        Raises
        ------
        subprocess.TimeoutExpired
            It runs longer than `timeout` (seconds).
        """
        try:
            wait_until(lambda: self.poll() is not None, timeout=timeout, what="the end of the program")
        except TimeoutError:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout) from None
        assert self.returncode is not None
        return self.returncode


class Preloaded:
    """A process that has imported LiteLLM; it ends with this one, which holds the other end of its input.

    Parameters
    ----------
    python
        Interpreter of the environment that holds LiteLLM.
    env
        Environment of the imports.
    """

    def __init__(self, python: Path, env: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        path = os.pathsep.join([str(python.parent), os.defpath])
        self._process = subprocess.Popen(
            [str(python), str(_PROGRAM)],
            env={"PATH": path, "TMPDIR": tempfile.gettempdir(), **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read = frozenset(self._answer())

    def serves(self, env: Mapping[str, str]) -> bool:
        """Tell whether a start with these variables is as one that makes the imports itself: they read none of them."""
        return self._read.isdisjoint(env)

    def start(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str],
        folder: Path,
        log: Path,
        *,
        program: Path | None = None,
        output: Path | None = None,
    ) -> PreloadedProcess:
        """Start a program in a folder, as a process group of its own.

        Parameters
        ----------
        arguments, env, folder
            How and where to start it.
        log, output
            What it writes to stderr and to stdout is appended there; both to `log` without an `output`.
        program
            A program in Python; LiteLLM's command by default.
        """
        files = {"log": str(log), "output": str(output or log), "program": program and str(program)}
        request = {"start": list(arguments), "env": dict(env), "folder": str(folder), **files}
        return PreloadedProcess(self, self.ask(request))

    def ask(self, request: Mapping[str, Any]) -> Any:
        """Return the answer to a request.

        Raises
        ------
        RuntimeError
            The process has ended.
        """
        with self._lock:
            assert self._process.stdin
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("LiteLLM cannot be imported; its output says why")
        return json.loads(answer)


@lru_cache(maxsize=1)
def preloaded(python: Path, env: tuple[tuple[str, str], ...]) -> Preloaded:
    """Return the process of this worker that has imported LiteLLM with these variables."""
    return Preloaded(python, dict(env))
