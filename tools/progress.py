"""Running a long command with a sign of life now and then."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tools.errors import ToolsError

HEARTBEAT_SECONDS = 15.0
_TAIL_LINES = 30


def say(text: str) -> None:
    """Print a line at once, also when the output goes to a file."""
    print(text, flush=True)


def run_with_progress(
    command: list[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    describe: Callable[[int], str],
    heartbeat: float = HEARTBEAT_SECONDS,
) -> None:
    """Run a command; print how long it has been running and what it has done so far, every `heartbeat` seconds.

    `describe` turns the number of lines that the command has printed into what is shown.

    Raises ToolsError: the command failed; the message shows the end of its output.
    """
    process = None
    started = time.monotonic()
    try:
        with _deferred_signals():
            # A process group of its own lets an interruption end the command together with what it started.
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(environment),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                process_group=0,
            )
        counter = _LineCounter(process)
        while True:
            try:
                code = process.wait(heartbeat)
                break
            except subprocess.TimeoutExpired:
                say(f"      … {time.monotonic() - started:.0f} s, {describe(counter.count)}")
    except BaseException:
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
        raise
    tail = counter.finish()
    if code != 0:
        raise ToolsError(f"`{' '.join(command[:2])} …` in {cwd} failed:\n{tail}")


class _LineCounter:
    """Reads the output of a process in a thread; counts its lines and keeps the last ones."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.count = 0
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._process = process
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.count += 1
            self._tail.append(line.rstrip())

    def finish(self) -> str:
        """Return the last lines once the output has ended."""
        self._thread.join()
        return "\n".join(self._tail)


@contextlib.contextmanager
def _deferred_signals() -> Iterator[None]:
    """Handle a signal at the end of the block: until then, nobody could end what the block has started."""
    pending: list[int] = []
    handlers = {
        number: signal.signal(number, lambda caught, _: pending.append(caught))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for received in pending:
            signal.raise_signal(received)


def end_on_signal(number: int, _frame: object) -> None:
    """Signal handler that ends this program through its clean-up."""
    sys.exit(128 + number)
