"""Memory of the daemon, what it does while it is idle, and what its log says of engine runs."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil

from bench.processor import daemon_seconds
from demo.daemon import DaemonProcess
from lab import LabError, wait_until

_MIB = 1024 * 1024
_PEAK_SECONDS = 0.5
_SAMPLE_SECONDS = 0.25
_CALM_SECONDS = 1.5
_CALM_SHARE = 0.1
_LIMIT_SECONDS = 120.0


@dataclass(frozen=True)
class Idle:
    """A daemon with nothing to do: percent of one core, and how often a second one of its threads woke up.

    There should be no engine runs.
    """

    seconds: float
    cpu_percent: float
    engine_runs: int
    wakeups: float


class PeakMemory:
    """Samples memory of the daemon, and of that with all it runs, until the end of a `with` block; keeps the most."""

    def __init__(self, daemon: DaemonProcess) -> None:
        self._process = psutil.Process(daemon.pid)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.daemon_mib = self.together_mib = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._end.wait(_PEAK_SECONDS):
            daemon, *engines = (_resident(process) for process in _family(self._process))
            self.daemon_mib = max(self.daemon_mib, round(daemon, 1))
            self.together_mib = max(self.together_mib, round(daemon + sum(engines), 1))


def resident_mib(daemon: DaemonProcess) -> float:
    """Return the resident memory of the daemon itself."""
    return round(_resident(psutil.Process(daemon.pid)), 1)


def measure_idle(daemon: DaemonProcess, seconds: float) -> Idle:
    """Watch a daemon that has nothing to do; what its children used counts too."""
    process = psutil.Process(daemon.pid)
    runs, used, began = len(engine_runs(daemon)), sum(daemon_seconds(process)), time.perf_counter()
    woken = _wakeups(daemon.pid)
    time.sleep(seconds)
    passed = time.perf_counter() - began
    woken = _wakeups(daemon.pid) - woken
    percent = 100 * (sum(daemon_seconds(process)) - used) / passed
    runs = len(engine_runs(daemon)) - runs
    return Idle(round(passed, 1), round(percent, 2), runs, round(woken / passed, 1))


def _wakeups(pid: int) -> int:
    """Return how often the threads of a process went to sleep, which is how often they woke up."""
    statuses = (file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/status"))
    lines = (line for status in statuses for line in status.splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))


def engine_runs(daemon: DaemonProcess) -> list[dict[str, Any]]:
    """Return what the log says of each engine run."""
    return _lines(daemon, "engine ran")


def wait_until_watching(daemon: DaemonProcess, times: int = 1) -> None:
    """Wait until the log has said `times` times that a daemon has its cache of the cluster.

    Raises LabError: the daemon has ended.
    """

    def watching() -> bool:
        if daemon.exit_code() is not None:
            raise LabError(f"the daemon ended. The end of its log:\n{daemon.log_end()}")
        return len(_lines(daemon, "watching")) >= times

    wait_until(watching, timeout=_LIMIT_SECONDS, what="the daemon watching")


def wait_until_calm(daemon: DaemonProcess) -> float:
    """Wait until the daemon and its engine have done next to nothing for a while; return since when."""
    process = psutil.Process(daemon.pid)
    deadline = time.monotonic() + _LIMIT_SECONDS
    calm_since, used = time.perf_counter(), sum(daemon_seconds(process))
    while time.perf_counter() - calm_since < _CALM_SECONDS:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the daemon at rest: not within {_LIMIT_SECONDS:g} s")
        time.sleep(_SAMPLE_SECONDS)
        now = sum(daemon_seconds(process))
        if now - used > _CALM_SHARE * _SAMPLE_SECONDS:
            calm_since = time.perf_counter()
        used = now
    return calm_since


def _lines(daemon: DaemonProcess, event: str) -> list[dict[str, Any]]:
    return [line for line in _log(daemon) if line.get("event") == event]


def _log(daemon: DaemonProcess) -> Iterator[dict[str, Any]]:
    # The last line may be half written.
    return (json.loads(line) for line in daemon.log.read_text().split("\n")[:-1] if line.startswith("{"))


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _resident(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / _MIB
    except psutil.NoSuchProcess:
        return 0.0
