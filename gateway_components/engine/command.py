"""The engine's program as the Automation API calls it: timed, in a session of its own, and no run too many."""

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from gateway_components.engine.errors import (
    EngineInterruptedError,
    EngineMissingError,
    EngineTimeoutError,
)
from gateway_components.engine.processes import end_session

__all__ = ["EngineCommand"]

_INTERRUPTED = "the engine was interrupted"
_OLDEST = VersionInfo(3, 250, 0)
_UPDATE_SUMMARY = json.dumps(
    [
        {
            "kind": "update",
            "startTime": "1970-01-01T00:00:00.000Z",
            "message": "",
            "environment": {},
            "config": {},
            "result": "succeeded",
        }
    ]
)


class EngineCommand(PulumiCommand):
    """Runs the engine; the Automation API's own extension point.

    ``Stack.up`` asks the engine three times more after each run: twice for the outputs of the stack and once
    for its history. Nobody here reads them and they take longer than the run, so they are answered at once.

    Parameters
    ----------
    program
        Path of the ``pulumi`` program.
    time_limit
        Seconds that one run may take.
    inherited
        File descriptor that every run holds open: the lock of the state folder, by which the next daemon finds
        what outlived a killed one.

    Attributes
    ----------
    interrupt_seconds
        How long an interrupted run may take to end by itself before it is killed.
    barred_seconds
        The same where what it does is of no use any more.

    Raises
    ------
    EngineMissingError
        The program does not run or is too old.
    """

    interrupt_seconds = 10.0
    barred_seconds = 2.0

    def __init__(self, program: Path, time_limit: float, inherited: int | None = None) -> None:
        # The base class only finds programs in ROOT/bin, so it is not asked to find this one.
        self.command = str(program)
        self.version = _version(program)
        self._time_limit = time_limit
        self._inherited = () if inherited is None else (inherited,)
        self._running: dict[subprocess.Popen[str], str] = {}
        self._barred: set[str] = set()

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run ``pulumi ARGS`` in `cwd`.

        Raises
        ------
        EngineTimeoutError
            It took longer than the time limit and was ended.
        EngineInterruptedError
            It was interrupted, or is not to begin.
        pulumi.automation.CommandError
            It exited with another code than 0.
        """
        if args[:2] == ["stack", "output"]:
            return CommandResult("{}", "", 0)
        if args[:2] == ["stack", "history"]:
            return CommandResult(_UPDATE_SUMMARY, "", 0)
        command = [self.command, "--non-interactive", *args]
        env = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        if cwd in self._barred:
            raise EngineInterruptedError(_INTERRUPTED)
        with self._started(command, cwd, env) as process:
            output, errors = _Reader(process.stdout, on_output), _Reader(process.stderr, on_error)
            try:
                process.wait(self._time_limit)
            except subprocess.TimeoutExpired:
                self._end(process, self.interrupt_seconds)
                message = f"the engine did not finish within {self._time_limit:g} s and was ended"
                raise EngineTimeoutError(message) from None
            result = CommandResult(output.text(), errors.text(), process.returncode)
        if cwd in self._barred:
            raise EngineInterruptedError(_INTERRUPTED)
        if result.code != 0:
            raise create_command_error(result)
        return result

    def stop(self) -> None:
        """Interrupt every run; returns when all have ended. Each one then raises in its own thread."""
        for process in list(self._running):
            self._end(process, self.interrupt_seconds)

    def bar(self, cwd: str) -> None:
        """Interrupt what runs in the folder `cwd` and let nothing begin there until `unbar`; waits for no end."""
        self._barred.add(cwd)
        for process, folder in list(self._running.items()):
            if folder == cwd:
                threading.Thread(target=self._end, args=(process, self.barred_seconds), daemon=True).start()

    def unbar(self, cwd: str) -> None:
        """Let runs begin in the folder `cwd` again."""
        self._barred.discard(cwd)

    @contextlib.contextmanager
    def _started(
        self, command: list[str], cwd: str, env: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=env,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            pass_fds=self._inherited,
        )
        self._running[process] = cwd
        try:
            if cwd in self._barred:
                self._end(process, self.barred_seconds)
            yield process
        finally:
            self._running.pop(process, None)
            if process.returncode != 0:
                end_session(process.pid)
            process.wait()

    @staticmethod
    def _end(process: subprocess.Popen[str], seconds: float) -> None:
        # The engine alone: told so, it ends its plugins itself.
        process.send_signal(signal.SIGINT)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            end_session(process.pid)


class _Reader:
    """Collects the lines of a stream in a thread of its own, so that a full pipe never blocks the engine."""

    def __init__(self, stream: IO[str] | None, on_line: OnOutput | None) -> None:
        self._lines: list[str] = []
        self._stream = stream
        self._on_line = on_line
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def text(self) -> str:
        """Return what was read. A grandchild that holds the stream open is not waited for."""
        self._thread.join(timeout=2)
        return "\n".join(self._lines)

    def _read(self) -> None:
        if self._stream is None:
            return
        with self._stream:
            for line in self._stream:
                stripped = line.rstrip()
                if self._on_line:
                    self._on_line(stripped)
                self._lines.append(stripped)


def _version(program: Path) -> VersionInfo:
    env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(
            [program, "version"], env=env, capture_output=True, text=True, check=True, timeout=60
        )
        version = VersionInfo.parse(done.stdout.strip().removeprefix("v"))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        message = f"{program} does not run: {error}; run `make setup`, or install Pulumi"
        raise EngineMissingError(message) from None
    if version < _OLDEST or version.major > _OLDEST.major:
        message = f"{program} has version {version}, but {_OLDEST} or a later {_OLDEST.major}.x is needed"
        raise EngineMissingError(message)
    return version
