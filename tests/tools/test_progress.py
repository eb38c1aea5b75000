import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.waiting import wait_until
from tools.errors import ToolsError
from tools.location import PROJECT
from tools.progress import run_with_progress


def describe(lines: int) -> str:
    return f"{lines} done"


def test_prints_a_sign_of_life(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run_with_progress(
        ["sh", "-c", "echo a; echo b; sleep 0.5"],
        cwd=tmp_path,
        environment=os.environ,
        describe=describe,
        heartbeat=0.1,
    )
    assert "0 s, 2 done" in capsys.readouterr().out


def test_failure_shows_the_output(tmp_path: Path) -> None:
    with pytest.raises(ToolsError, match="no space left"):
        run_with_progress(
            ["sh", "-c", "echo no space left >&2; exit 1"],
            cwd=tmp_path,
            environment=os.environ,
            describe=describe,
        )


STARTED = """
import os, pathlib, signal, subprocess, sys
from tools.progress import end_on_signal, run_with_progress
signal.signal(signal.SIGTERM, end_on_signal)
folder = pathlib.Path(sys.argv[1])
command = ["sh", "-c", "sleep 300 & echo $! > pid.new; mv pid.new pid; wait"]
{interrupted}
run_with_progress(command, cwd=folder, environment=os.environ, describe=str)
"""
WHILE_IT_STARTS = """
class Interrupted(subprocess.Popen):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        while not (folder / "pid").exists():
            pass
        signal.raise_signal(signal.SIGTERM)
subprocess.Popen = Interrupted
"""


@pytest.mark.parametrize("interrupted", ["", WHILE_IT_STARTS], ids=["while it runs", "while it starts"])
def test_interruption_ends_the_command_and_what_it_started(tmp_path: Path, interrupted: str) -> None:
    code = STARTED.format(interrupted=interrupted)
    run = subprocess.Popen([sys.executable, "-c", code, tmp_path], cwd=PROJECT)
    wait_until((tmp_path / "pid").exists, timeout=60, what="the command started")
    pid = (tmp_path / "pid").read_text().strip()
    if not interrupted:
        run.terminate()
    assert run.wait(30) == 128 + 15
    wait_until(lambda: not _runs(pid), timeout=60, what="the command's child ended")


def _runs(pid: str) -> bool:
    """Return whether a process runs; one that has ended but that nobody has asked about does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
