"""Processor time, told apart: the daemon, its engine, the control plane, and the benchmark itself."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from demo.daemon import DaemonProcess
from lab.components import API_SERVER, CONTROLLER_MANAGER, ETCD, KWOK, SCHEDULER

_COMPONENTS = frozenset((API_SERVER, CONTROLLER_MANAGER, ETCD, KWOK, SCHEDULER))


@dataclass(frozen=True)
class ProcessorSeconds:
    """Seconds of processor time, user and system; of them, noise of other programs is no part.

    Attributes
    ----------
    daemon
        The daemon's own process.
    engine
        Everything it runs: the engine and its plugins.
    control_plane
        etcd, API server, controllers, scheduler and simulated nodes.
    bench
        This program, which watches.
    """

    daemon: float
    engine: float
    control_plane: float
    bench: float

    def __sub__(self, other: Self) -> "ProcessorSeconds":
        """Return what was used since `other` was read."""
        return ProcessorSeconds(
            **{name: round(value - getattr(other, name), 3) for name, value in vars(self).items()}
        )


class ProcessorMeter:
    """Reads the processor time of a daemon and of the control plane that this process started."""

    def __init__(self, daemon: DaemonProcess) -> None:
        self._daemon = psutil.Process(daemon.pid)
        self._components = [
            process
            for process in psutil.Process().children(recursive=True)
            if _program(process) in _COMPONENTS
        ]

    def read(self) -> ProcessorSeconds:
        """Return the seconds used up to now."""
        daemon, engine = daemon_seconds(self._daemon)
        own = os.times()
        components = sum(_used(process) for process in self._components)
        return ProcessorSeconds(daemon, engine, components, own.user + own.system)


def daemon_seconds(process: psutil.Process) -> tuple[float, float]:
    """Return the seconds that a daemon itself used, and those of everything it ran and runs."""
    times = process.cpu_times()
    # Children that still run are not among `children_*` yet.
    living = sum(_used(child) for child in process.children(recursive=True))
    return times.user + times.system, times.children_user + times.children_system + living


def own_seconds() -> float:
    """Return the seconds that this process and the children it has waited for used."""
    return sum(os.times()[:4])


def _used(process: psutil.Process) -> float:
    try:
        return float(sum(process.cpu_times()[:4]))
    except psutil.NoSuchProcess:
        return 0.0


def _program(process: psutil.Process) -> str:
    try:
        return Path(next(iter(process.cmdline()), "")).name
    except psutil.NoSuchProcess:
        return ""
