"""The engine's program as the Automation API calls it: timed, and in a session of its own."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from gateway_components.engine.errors import (
    EngineFailedError,
    EngineInterruptedError,
    EngineKilledError,
    EngineMissingError,
    EngineTimeoutError,
)
from gateway_components.engine.parent_death import parent_death_prefix
from gateway_components.engine.processes import end_session

__all__ = ["EngineCommand"]

_ERROR = "error: "
"""What the engine's command line puts before its error, the last thing that it prints."""
_REASON_LINES = 6
_INTERRUPTED = "the engine was interrupted"
_FEW_TARGETS = 50
_OLDEST = VersionInfo(3, 250, 0)


class EngineCommand(PulumiCommand):
    """Runs the engine; the Automation API's own extension point.

    Parameters
    ----------
    program
        Path of the ``pulumi`` program.
    time_limit
        Seconds that one run may take.
    inherited
        File descriptor that every run holds open: the lock of the state folder, by which the next daemon finds
        what outlived a killed one.
    may_act
        Tells, in any thread, whether a run may begin, and whether what it did counts.
    redact
        Takes out of the engine's words what nobody may read.

    Attributes
    ----------
    time_limit
        As above; a change of it holds for the next run.
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

    def __init__(
        self,
        program: Path,
        time_limit: float,
        inherited: int | None = None,
        may_act: Callable[[], bool] = lambda: True,
        redact: Callable[[str], str] = str,
    ) -> None:
        # The base class only finds programs in ROOT/bin, so it is not asked to find this one.
        self.command = str(program)
        self.version = _version(program)
        self.time_limit = time_limit
        self._redact = redact
        self._prefix = parent_death_prefix()
        self._inherited = () if inherited is None else (inherited,)
        self._running: dict[subprocess.Popen[str], str] = {}
        self._barred: set[str] = set()
        self._stopped: set[subprocess.Popen[str]] = set()
        self._halted = False
        self._may_act = may_act

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run ``pulumi ARGS`` in `cwd`, as the Automation API wants it.

        Raises
        ------
        EngineKilledError, EngineTimeoutError, EngineInterruptedError
            As for `execute`.
        pulumi.automation.CommandError
            It exited with another code than 0; the cause, an `EngineFailedError`, has the words for a user.
        """
        result = self.execute(args, cwd, additional_env, on_output, on_error)
        if result.code != 0:
            raise create_command_error(result) from self.failure(result)
        return result

    def execute(
        self,
        args: Sequence[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run ``pulumi ARGS`` in `cwd`, and return its output and exit code, whatever that is.

        Raises
        ------
        EngineKilledError
            A signal ended it.
        EngineTimeoutError
            It took longer than the time limit and was ended.
        EngineInterruptedError
            It was interrupted, or is not to begin.
        """
        command = [*self._prefix, self.command, "--non-interactive", *args]
        env = {
            **os.environ,
            **additional_env,
            "PULUMI_AUTOMATION_API": "true",
            "GOGC": _garbage_collection(args),
        }
        if self._is_barred(cwd):
            raise EngineInterruptedError(_INTERRUPTED)
        seconds = self.time_limit
        with self._started(command, cwd, env) as process:
            output, errors = _Reader(process.stdout, on_output), _Reader(process.stderr, on_error)
            if not self._finished(process, seconds):
                message = f"the engine did not finish within {seconds:g} s and was ended"
                raise EngineTimeoutError(message)
            result = CommandResult(output.text(), errors.text(), process.returncode)
            interrupted = process in self._stopped
        if interrupted or self._is_barred(cwd):
            raise EngineInterruptedError(_INTERRUPTED)
        if result.code < 0:
            raise EngineKilledError(-result.code)
        return result

    def failure(self, result: CommandResult) -> EngineFailedError:
        """Return the error of a run that exited with another code than 0."""
        lines = [line.strip() for line in result.stderr.splitlines()]
        places = [place for place, line in enumerate(lines) if line.startswith(_ERROR)]
        said = lines[places[-1] :][:_REASON_LINES] if places else []
        return EngineFailedError(result.code, self._redact(" ".join(said).removeprefix(_ERROR)))

    def stop(self) -> None:
        """Interrupt every run; returns when all have ended. Each one then raises in its own thread."""
        running = list(self._running)
        self._stopped.update(running)
        for process in running:
            process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + self.interrupt_seconds
        for process in running:
            self._wait(process, max(deadline - time.monotonic(), 0))

    def halt(self) -> None:
        """Kill every run, plugins and all, and let no other begin: for who may not act any more."""
        self._halted = True
        for process in list(self._running):
            end_session(process.pid)

    def bar(self, cwd: str) -> None:
        """Interrupt what runs in the folder `cwd` and let nothing begin there until `unbar`; waits for no end."""
        self._barred.add(cwd)
        for process, folder in list(self._running.items()):
            if folder == cwd:
                threading.Thread(target=self._end, args=(process, self.barred_seconds), daemon=True).start()

    def unbar(self, cwd: str) -> None:
        """Let runs begin in the folder `cwd` again."""
        self._barred.discard(cwd)

    def _is_barred(self, cwd: str) -> bool:
        return self._halted or cwd in self._barred or not self._may_act()

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
            if self._is_barred(cwd):
                self._end(process, 0 if self._halted else self.barred_seconds)
            yield process
        finally:
            self._running.pop(process, None)
            self._stopped.discard(process)
            if process.returncode != 0:
                end_session(process.pid)
            process.wait()

    def _finished(self, process: subprocess.Popen[str], seconds: float) -> bool:
        """Wait for the end of a run; False where it had to be ended, for it took longer than it may."""
        late = threading.Event()

        def end() -> None:
            late.set()
            self._end(process, self.interrupt_seconds)

        # With a time limit of its own, `wait` would look 20 times a second, and notice the end that much later.
        limit = threading.Timer(seconds, end)
        limit.daemon = True
        limit.start()
        try:
            process.wait()
        finally:
            limit.cancel()
        return not late.is_set()

    @staticmethod
    def _end(process: subprocess.Popen[str], seconds: float) -> None:
        # The engine alone: told so, it ends its plugins itself.
        process.send_signal(signal.SIGINT)
        EngineCommand._wait(process, seconds)

    @staticmethod
    def _wait(process: subprocess.Popen[str], seconds: float) -> None:
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


def _garbage_collection(args: Sequence[str]) -> str:
    # A small run is too short for a collection to pay; a large one would take gigabytes without.
    return "off" if args.count("--target") <= _FEW_TARGETS else "400"


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
