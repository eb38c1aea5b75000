"""Ends what an engine run left behind: its plugins are in process groups of their own, and outlive it by minutes."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

__all__ = ["end_holders", "end_session"]


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
