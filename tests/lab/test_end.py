"""However a lab ends, no process and no folder of it stays behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from lab import ControlPlane, wait_until
from lab.folder import create_folder, remove_stale_folders
from tests.lab.processes import processes_of
from tools.location import PROJECT

pytestmark = pytest.mark.lab

NO_CRDS = ("--crds", "/nonexistent")


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Have labs put their folders into one of this test, which must be empty at the end."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield folder
    wait_until(lambda: not list(folder.iterdir()), timeout=60, what="lab folders removed")


@contextmanager
def running_lab(
    tmp_path: Path, *command: str
) -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process]]]:
    """Run `python -m lab` until it is ready; yield it and all processes it started."""
    kubeconfig = tmp_path / "kubeconfig"
    arguments = [sys.executable, "-m", "lab", *NO_CRDS, "--kubeconfig", str(kubeconfig), *command]
    with subprocess.Popen(arguments, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            wanted = "Ctrl-C" if not command else "running"
            while wanted not in (line := process.stdout.readline()):
                assert line, "the lab ended early"
            assert kubeconfig.exists()
            started = psutil.Process(process.pid).children(recursive=True)
            assert len(started) >= 6
            yield process, started
        finally:
            process.kill()
    wait_until(lambda: not kubeconfig.exists(), timeout=60, what="kubeconfig removed")


def assert_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 128 + signal.SIGTERM),
        (signal.SIGKILL, -signal.SIGKILL),
        pytest.param(signal.SIGINT, 0, marks=pytest.mark.soak),
        pytest.param(signal.SIGHUP, 128 + signal.SIGHUP, marks=pytest.mark.soak),
    ],
)
def test_signal_ends_everything(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with running_lab(tmp_path) as (process, started):
        process.send_signal(number)
        assert process.wait(30) == code
        assert_gone(started)


@pytest.mark.soak
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signal_ends_a_command_too(tmp_path: Path, number: signal.Signals) -> None:
    command = ("--", "sh", "-c", "echo running; exec sleep 300")
    with running_lab(tmp_path, *command) as (process, started):
        # The shell says so just before it becomes the sleep.
        wait_until(
            lambda: [child for child in started if child.name() == "sleep"], timeout=60, what="the command"
        )
        process.send_signal(number)
        process.wait(30)
        assert_gone(started)


def test_signal_during_the_start_ends_everything(own_temporary_folder: Path) -> None:
    process = subprocess.Popen([sys.executable, "-m", "lab", *NO_CRDS], cwd=PROJECT)
    wait_until(lambda: list(own_temporary_folder.glob("*/etcd.log")), timeout=60, what="etcd started")
    started = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    assert process.wait(30) == 128 + signal.SIGTERM
    assert_gone(started)


@pytest.mark.soak
def test_killed_supervisor_takes_the_components_along(tmp_path: Path) -> None:
    with running_lab(tmp_path) as (process, started):
        supervisor = psutil.Process(process.pid).children()[0]
        supervisor.kill()
        assert process.wait(30) == 1
        assert_gone(started)
        (tmp_path / "kubeconfig").unlink()  # nobody was left to remove it
    assert remove_stale_folders()


@pytest.mark.soak
def test_exit_code_of_a_command_is_the_labs(tmp_path: Path) -> None:
    script = 'test -s "$KUBECONFIG" && exit 7'
    command = [sys.executable, "-m", "lab", *NO_CRDS, "--", "sh", "-c", script]
    assert subprocess.run(command, cwd=PROJECT, check=False).returncode == 7


@pytest.mark.soak
def test_existing_kubeconfig_is_not_overwritten(tmp_path: Path) -> None:
    precious = tmp_path / "config"
    precious.write_text("precious")
    command = [sys.executable, "-m", "lab", *NO_CRDS, "--kubeconfig", str(precious), "--", "true"]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "File exists" in result.stderr
    assert precious.read_text() == "precious"


@pytest.mark.soak
def test_exception_in_a_with_block_ends_everything() -> None:
    started: list[psutil.Process] = []

    def fail() -> None:
        with ControlPlane.start() as lab:
            started.extend(processes_of(lab))
            assert len(started) == 6
            raise RuntimeError("a failing test")

    with pytest.raises(RuntimeError, match="a failing test"):
        fail()
    assert_gone(started)


def test_only_folders_of_dead_labs_are_stale() -> None:
    living, living_lock = create_folder()
    dead, dead_lock = create_folder()
    os.close(dead_lock)
    assert remove_stale_folders() == [dead]
    assert living.is_dir()
    os.close(living_lock)
    assert remove_stale_folders() == [living]
