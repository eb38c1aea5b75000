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


def test_interruption_ends_the_command_and_what_it_started(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, signal\n"
        "from tools.progress import end_on_signal, run_with_progress\n"
        "signal.signal(signal.SIGTERM, end_on_signal)\n"
        f"command = ['sh', '-c', 'sleep 300 & echo $! > {tmp_path}/pid.new;"
        f" mv {tmp_path}/pid.new {tmp_path}/pid; wait']\n"
        f"run_with_progress(command, cwd=pathlib.Path('{tmp_path}'), environment=os.environ, describe=str)\n"
    )
    run = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT)
    wait_until((tmp_path / "pid").exists, timeout=60, what="the command started")
    pid = (tmp_path / "pid").read_text().strip()
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
