"""Starts of programs that share their imports, which take most of the processor time of a start."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_PROGRAM = Path(__file__).with_name("preloaded_program.py")
_SECONDS = 120


class PreloadedProcess:
    """A start of a program, with the part of `subprocess.Popen` that the tests use."""

    def __init__(self, server: Preloaded, pid: int) -> None:
        self._server = server
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit status; None while it runs."""
        if self.returncode is None:
            self.returncode = self._server.ask({"status": self.pid})
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status once there is one.

        Raises
        ------
        subprocess.TimeoutExpired
            It runs longer than `timeout` (seconds).
        """
        if self.poll() is None:
            process = os.pidfd_open(self.pid)
            try:
                ended, _, _ = select.select([process], [], [], timeout)
            finally:
                os.close(process)
            if not ended:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            self.poll()
        assert self.returncode is not None
        return self.returncode


class Preloaded:
    """A process that has imported modules; it ends with this one, which holds the other end of its input.

    Parameters
    ----------
    python
        Interpreter of the environment that holds the modules.
    modules
        What to import.
    env
        Environment of the imports.
    once
        Code that is executed after them, for what the programs would do each time with the same result.
    """

    def __init__(self, python: Path, modules: Sequence[str], env: Mapping[str, str], once: str = "") -> None:
        self._lock = threading.Lock()
        self._env = dict(env)
        self._process = subprocess.Popen(
            # No folder of the tests is where modules are looked for.
            [str(python), "-P", str(_PROGRAM), once, *modules],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read = frozenset(self._answer())

    def serves(self, variables: Iterable[str]) -> bool:
        """Tell whether a start with other values of these is as one that makes the imports itself: they read none."""
        return self._read.isdisjoint(variables)

    def changed(self, env: Mapping[str, str]) -> set[str]:
        """Return the names of the variables that the imports saw otherwise than they are in `env`."""
        return {name for name in env.keys() | self._env.keys() if env.get(name) != self._env.get(name)}

    def start(
        self,
        program: str,
        arguments: Sequence[str],
        env: Mapping[str, str],
        folder: Path,
        log: Path,
        output: Path | None = None,
        input: Path = Path(os.devnull),  # noqa: A002
    ) -> PreloadedProcess:
        """Start a program in Python in a folder, as a process group of its own.

        Parameters
        ----------
        program
            Path of a file, or name of a module.
        arguments, env, folder
            How and where to start it.
        log, output
            What it writes to stderr and to stdout is appended there; both to `log` without an `output`.
        input
            What it reads from stdin.
        """
        files = {"folder": str(folder), "log": str(log), "output": str(output or log), "input": str(input)}
        request = {"program": program, "arguments": list(arguments), "env": dict(env), **files}
        return PreloadedProcess(self, self.ask(request))

    def run(
        self,
        program: str,
        arguments: Sequence[str],
        env: Mapping[str, str],
        folder: Path,
        input: str = "",  # noqa: A002
    ) -> subprocess.CompletedProcess[str]:
        """Start a program as `start` does, with a text to read, and return how it ended and what it wrote.

        Raises
        ------
        subprocess.TimeoutExpired
            It runs for longer than two minutes.
        """
        with tempfile.TemporaryDirectory() as made:
            given, output, log = (Path(made, name) for name in ("input", "output", "log"))
            given.write_text(input)
            process = self.start(program, arguments, env, folder, log, output, given)
            try:
                code = process.wait(_SECONDS)
            finally:
                # One that runs for longer is left to nobody.
                process.send_signal(signal.SIGKILL)
            return subprocess.CompletedProcess(arguments, code, output.read_text(), log.read_text())

    def close(self) -> None:
        """End it; the programs that it has started go on."""
        assert self._process.stdin
        assert self._process.stdout
        with self._process.stdin, self._process.stdout:
            pass
        self._process.wait()

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
            raise RuntimeError("the modules cannot be imported; the output of the imports says why")
        return json.loads(answer)
