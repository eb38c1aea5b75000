"""Nothing stays behind: a run has one temporary folder, and every process it starts bears its mark or that name."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest

_MARK = "GATEWAY_TEST_RUN"
_GRACE_SECONDS = 20.0
"""How long what was told to end may take: plugins of an engine that was killed, components of a lab."""
_PAUSE_SECONDS = 0.1
_TESTS = "tests"
"""Folder with the temporary folders of tests; pytest makes and removes them."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if _is_worker(config):
        return
    folder = Path(tempfile.mkdtemp(prefix="gateway-tests-"))
    os.environ["TMPDIR"] = str(folder)
    os.environ[_MARK] = secrets.token_hex(8)
    tempfile.tempdir = None
    config.stash[_FOLDER] = folder
    if config.option.basetemp is None:
        config.option.basetemp = str(folder / _TESTS)
    # A run that is told to end ends its workers, and is checked; a shell starts background jobs deaf to Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    try:
        yield
    finally:
        # The workers have ended by now.
        if not _is_worker(session.config):
            _check(session)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left = config.stash.get(_LEFT, [])
    if left:
        terminalreporter.section("left behind by the run", red=True, bold=True)
        for line in left:
            terminalreporter.write_line(line)


def _check(session: pytest.Session) -> None:
    folder = session.config.stash[_FOLDER]
    interrupted = session.exitstatus == pytest.ExitCode.INTERRUPTED
    deadline = time.monotonic() + (0 if interrupted else _GRACE_SECONDS)
    while (processes := _processes(folder)) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
    left = [f"process {process.pid}: {_command(process)}" for process in processes]
    left += [f"folder or file {path}" for path in folder.iterdir() if path.name != _TESTS]
    session.config.stash[_LEFT] = left
    if left and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    for process in processes:
        process.kill()
    shutil.rmtree(folder, ignore_errors=True)


def _processes(folder: Path) -> list[psutil.Process]:
    """Return the processes that this run started and that still live."""
    own, found = os.getpid(), []
    for process in psutil.process_iter():
        try:
            living = process.pid != own and process.status() != psutil.STATUS_ZOMBIE
            if living and _is_ours(process, folder):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _is_ours(process: psutil.Process, folder: Path) -> bool:
    if process.ppid() == os.getpid() and "multiprocessing.resource_tracker" in _command(process):
        # Python's own helper, which ends with this process.
        return False
    # Some programs get no environment but the one that their test gives them.
    marked: bool = process.environ().get(_MARK) == os.environ[_MARK]
    return marked or any(str(folder) in argument for argument in process.cmdline())


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())[:200]
    except psutil.Error:
        return "it has just ended"


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


_FOLDER = pytest.StashKey[Path]()
_LEFT = pytest.StashKey[list[str]]()
