"""Memory and CPU of the daemon, and what its log says of engine runs."""

import json
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import psutil

from demo.daemon import DaemonProcess
from lab import LabError, wait_until

__all__ = [
    "Idle",
    "PeakMemory",
    "engine_runs",
    "measure_idle",
    "resident_mib",
    "wait_until_calm",
    "wait_until_watching",
]

_MIB = 1024 * 1024
_SAMPLE_SECONDS = 0.25
_CALM_SECONDS = 1.5
_LIMIT_SECONDS = 60.0


@dataclass(frozen=True)
class Idle:
    """A daemon with nothing to do: percent of one core, and engine runs (there should be none)."""

    seconds: float
    cpu_percent: float
    engine_runs: int


class PeakMemory:
    """Samples the memory of the daemon and of the engine it runs, until the end of a `with` block."""

    def __init__(self, daemon: DaemonProcess) -> None:
        self._process = psutil.Process(daemon.pid)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.mib = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._end.wait(_SAMPLE_SECONDS):
            self.mib = max(self.mib, sum(_resident(process) for process in _family(self._process)))


def resident_mib(daemon: DaemonProcess) -> float:
    """Return the resident memory of the daemon itself."""
    return round(_resident(psutil.Process(daemon.pid)), 1)


def measure_idle(daemon: DaemonProcess, seconds: float) -> Idle:
    """Watch a daemon that has nothing to do; what its children used counts too."""
    process = psutil.Process(daemon.pid)
    runs, used, began = len(engine_runs(daemon)), _cpu_seconds(process), time.perf_counter()
    time.sleep(seconds)
    passed = time.perf_counter() - began
    percent = 100 * (_cpu_seconds(process) - used) / passed
    return Idle(round(passed, 1), round(percent, 2), len(engine_runs(daemon)) - runs)


def engine_runs(daemon: DaemonProcess) -> list[dict[str, Any]]:
    """Return what the log says of each engine run."""
    return _lines(daemon, "engine ran")


def wait_until_watching(daemon: DaemonProcess, times: int = 1) -> None:
    """Wait until the log has said `times` times that a daemon has its picture of the cluster.

    Raises
    ------
    LabError
        The daemon has ended.
    """

    def watching() -> bool:
        if daemon.exit_code() is not None:
            raise LabError(f"the daemon ended. The end of its log:\n{daemon.log_end()}")
        return len(_lines(daemon, "watching")) >= times

    wait_until(watching, timeout=_LIMIT_SECONDS, what="the daemon watching")


def wait_until_calm(daemon: DaemonProcess) -> datetime:
    """Wait until no engine has run for a while; return when the log last said something."""
    process = psutil.Process(daemon.pid)
    calm_since: float = time.monotonic()

    def calm() -> bool:
        nonlocal calm_since
        if process.children():
            calm_since = time.monotonic()
        return time.monotonic() - calm_since > _CALM_SECONDS

    wait_until(calm, timeout=_LIMIT_SECONDS, what="the daemon at rest")
    return datetime.fromisoformat(_log(daemon)[-1]["timestamp"])


def _lines(daemon: DaemonProcess, event: str) -> list[dict[str, Any]]:
    return [line for line in _log(daemon) if line.get("event") == event]


def _log(daemon: DaemonProcess) -> list[dict[str, Any]]:
    # The last line may be half written.
    return [json.loads(line) for line in daemon.log.read_text().split("\n")[:-1] if line.startswith("{")]


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _resident(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / _MIB
    except psutil.NoSuchProcess:
        return 0.0


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    # Children that still run are not among `children_*` yet.
    living = sum(sum(child.cpu_times()[:2]) for child in process.children(recursive=True))
    return float(times.user + times.system + times.children_user + times.children_system + living)
