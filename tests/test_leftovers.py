"""A test run leaves no process and no folder behind, however it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from lab.waiting import wait_until

_TEST = """
import os, subprocess, time
from pathlib import Path

def test_waits():
    child = subprocess.Popen(["sleep", "600"])
    note = Path(os.environ["NOTE"])
    note.with_suffix(".part").write_text(f"{child.pid} {os.environ['TMPDIR']}")
    note.with_suffix(".part").rename(note)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted_run_ends_what_it_started(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "test_waits.py").write_text(_TEST)
    note = tmp_path / "note"
    options = ["-p", "tests.plugins.leftovers", "-c", os.devnull, "--rootdir", str(tmp_path), "-n", "1"]
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, str(tmp_path)],
        env={**os.environ, "NOTE": str(note), "PYTHONPATH": str(Path(__file__).parent.parent)},
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509  (as a shell does)
    )
    wait_until(note.exists, timeout=60, what="a running test")
    child, folder = note.read_text().split()

    run.send_signal(number)

    assert run.wait(60) == pytest.ExitCode.INTERRUPTED
    wait_until(lambda: not _lives(int(child)), timeout=60, what="end of the process of the test")
    assert not Path(folder).exists()


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
