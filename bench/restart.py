"""A daemon that goes and comes back to gateways that nobody changed."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.usage import engine_runs, resident_mib, wait_until_calm, wait_until_watching
from demo.daemon import DaemonProcess

__all__ = ["Restart", "measure_restart"]


@dataclass(frozen=True)
class Restart:
    """Seconds of a restart.

    Attributes
    ----------
    stop
        From SIGTERM to the end of the old daemon.
    watching
        From the start of the new one until it had its picture of the cluster.
    settled
        Until its last engine run had ended, or until `watching` where it needed none.
    engine_runs
        How many runs it needed.
    resident_mib
        Memory of the new daemon afterwards.
    """

    stop: float
    watching: float
    settled: float
    engine_runs: int
    resident_mib: float


def measure_restart(daemon: DaemonProcess, kubeconfig: Path, folder: Path) -> Restart:
    """Stop the daemon, start another with the same state, and stop that one too once it is at rest."""
    stopping = time.perf_counter()
    daemon.stop()
    stopped = time.perf_counter() - stopping
    before = len(engine_runs(daemon))
    began, began_at = time.perf_counter(), datetime.now(UTC)
    with DaemonProcess(kubeconfig, folder, tied=False) as again:
        wait_until_watching(again, times=2)
        watching = time.perf_counter() - began
        settled = (wait_until_calm(again) - began_at).total_seconds()
        return Restart(
            stop=round(stopped, 2),
            watching=round(watching, 2),
            settled=round(max(settled, watching), 2),
            engine_runs=len(engine_runs(again)) - before,
            resident_mib=resident_mib(again),
        )
