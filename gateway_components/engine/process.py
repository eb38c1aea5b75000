"""The engine's process, as the Automation API runs it: with a time limit, and in a session of its own.

Plugins run in process groups of their own, and would outlive the engine by minutes.
"""

import contextlib
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil
from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from semver import VersionInfo

from gateway_components.engine.errors import (
    EngineFailedError,
    EngineInterruptedError,
    EngineKilledError,
    EngineMissingError,
    EngineTimeoutError,
)
from gateway_components.engine.protocol import command_error

_ERROR = "error: "
"""Prefix of the engine's error, which is the last thing it prints."""
_REASON_LINES = 6
_INTERRUPTED = "the engine was interrupted"
_MOST_MIB, _LEAST_MIB = 200, 64
"""Heap of engine and provider each, beyond which they collect garbage; less is in use with one gateway."""
_HEAP_SHARE = 0.3
"""Of the memory of both: what is no heap takes as much again."""
_WHOLE_STATE = {"GOGC": "400"}
"""A state of unknown size, which may need more than any limit; without collections it would take gigabytes."""
_OLDEST = VersionInfo(3, 250, 0)
_PR_SET_PDEATHSIG = 1
_DIE_WITH_PARENT = (
    f"import ctypes, os, sys; ctypes.CDLL(None).prctl({_PR_SET_PDEATHSIG}, {int(signal.SIGKILL)}); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
"""Asks the kernel for that, then executes its arguments."""


def parent_death_prefix() -> tuple[str, ...]:
    """Return the prefix of a command that the kernel kills together with its parent; empty where it cannot.

    The kernel watches the thread that starts the command: it must live as long as the command. ``setpriv`` of
    util-linux takes half a millisecond, Python twenty times as long.
    """
    if sys.platform != "linux":
        return ()
    prefix = ("setpriv", "--pdeathsig", "KILL")
    try:
        # Other programs of that name lack the option.
        subprocess.run([*prefix, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return (sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT)
    return prefix


def end_session(session: int) -> None:
    """Kill every process of a session."""
    for process in _others():
        with contextlib.suppress(ProcessLookupError, psutil.Error):
            if os.getsid(process.pid) == session:
                process.kill()


def end_holders(file: Path) -> None:
    """Kill every other process that holds `file` open."""
    for process in _others():
        with contextlib.suppress(psutil.Error, OSError):
            if any(Path(held.path) == file for held in process.open_files()):
                process.kill()


def _others() -> Iterator[psutil.Process]:
    own = os.getpid()
    return (process for process in psutil.process_iter() if process.pid != own)


class EngineCommand(PulumiCommand):
    """Runs the engine, by the Automation API's own extension point.

    Parameters
    ----------
    program
        Path of the ``pulumi`` program.
    time_limit
        Seconds per run.
    inherited
        File descriptor that every run holds open: the lock of the scratch folder. By it, the next daemon finds the
        runs that outlived a killed one.
    may_act
        Returns, in any thread, whether a run may begin, and whether its outcome counts.
    redact
        Removes secrets from the engine's output.
    memory_mib
        What engine and plugins may take together.

    Attributes
    ----------
    time_limit
        As above; a change takes effect with the next run.
    interrupt_seconds, barred_seconds
        Seconds that an interrupted run gets to exit before it is killed; and one whose outcome no longer counts.

    Raises
    ------
    EngineMissingError
        The program does not run, or its version is not supported.
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
        memory_mib: float = math.inf,
    ) -> None:
        heap_mib = int(min(max(memory_mib * _HEAP_SHARE, _LEAST_MIB), _MOST_MIB))
        self._slice = {"GOGC": "off", "GOMEMLIMIT": f"{heap_mib}MiB"}
        # Not by the base class, which only looks in ROOT/bin.
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
        """Run ``pulumi ARGS`` in `cwd`, as the Automation API wants it; raises as `execute`.

        Also raises pulumi.automation.CommandError: it failed; the cause is an `EngineFailedError`, whose message is fit
        for a user.
        """
        result = self.execute(args, cwd, additional_env, on_output, on_error)
        if result.code != 0:
            raise command_error(result) from self.failure(result)
        return result

    def execute(
        self,
        args: Sequence[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run ``pulumi ARGS`` in `cwd`, and return output and exit code.

        Raises EngineKilledError: a signal killed it. EngineTimeoutError: it exceeded the time limit.
        EngineInterruptedError: it was interrupted, or may not begin.
        """
        command = [*self._prefix, self.command, "--non-interactive", *args]
        env = {
            **os.environ,
            **additional_env,
            "PULUMI_AUTOMATION_API": "true",
            **(_WHOLE_STATE if "--target" in args else self._slice),
        }
        if self._is_barred(cwd):
            raise EngineInterruptedError(_INTERRUPTED)
        seconds = self.time_limit
        with self._started(command, cwd, env) as process:
            output, errors = _Reader(process.stdout, on_output), _Reader(process.stderr, on_error)
            if not self._finished(process, seconds):
                message = f"the engine did not finish within {seconds:g} s and was killed"
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
        """Interrupt every run and wait for its end; each one raises in its own thread."""
        running = list(self._running)
        self._stopped.update(running)
        for process in running:
            process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + self.interrupt_seconds
        for process in running:
            self._wait(process, max(deadline - time.monotonic(), 0))

    def halt(self) -> None:
        """Kill every run with its plugins, and start none any more: this process may no longer act."""
        self._halted = True
        for process in list(self._running):
            end_session(process.pid)

    def bar(self, cwd: str) -> None:
        """Interrupt the run in the folder `cwd` without waiting for its end, and start none there until `unbar`."""
        self._barred.add(cwd)
        for process, folder in list(self._running.items()):
            if folder == cwd:
                threading.Thread(target=self._end, args=(process, self.barred_seconds), daemon=True).start()

    def unbar(self, cwd: str) -> None:
        """Allow runs in the folder `cwd` again."""
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
        late = threading.Event()

        def end() -> None:
            late.set()
            self._end(process, self.interrupt_seconds)

        # `wait` with a timeout polls 20 times a second, and notices the end that much later.
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
        # The engine alone: it shuts its plugins down by itself.
        process.send_signal(signal.SIGINT)
        EngineCommand._wait(process, seconds)

    @staticmethod
    def _wait(process: subprocess.Popen[str], seconds: float) -> None:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            end_session(process.pid)


class _Reader:
    """Collects the lines of a stream in a thread, so that a full pipe never blocks the engine."""

    def __init__(self, stream: IO[str] | None, on_line: OnOutput | None) -> None:
        self._lines: list[str] = []
        self._stream = stream
        self._on_line = on_line
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def text(self) -> str:
        """Return what was read, without waiting for a grandchild that holds the stream open."""
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
