"""The scratch folder: one holder at a time, nothing readable by others."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway_components.engine.checkpoint import PROJECT
from gateway_components.engine.errors import EngineError, StateLockedError
from gateway_components.engine.folder import ScratchFolder


def test_a_held_folder_is_refused_to_others_and_free_afterwards(tmp_path: Path) -> None:
    with ScratchFolder(tmp_path / "state"), pytest.raises(StateLockedError, match="in use by another daemon"):
        ScratchFolder(tmp_path / "state")
    with ScratchFolder(tmp_path / "state"):
        pass


def test_a_run_that_outlives_its_daemon_may_end_by_itself(tmp_path: Path) -> None:
    state = ScratchFolder(tmp_path / "state")
    orphan = _orphan(state, "import time; time.sleep(0.3)")
    state.close()

    with ScratchFolder(tmp_path / "state", grace_seconds=20):
        assert orphan.wait(5) == 0, "it was left to finish"


def test_a_run_that_does_not_end_is_ended_and_nobody_else(tmp_path: Path) -> None:
    state = ScratchFolder(tmp_path / "state")
    orphan, bystander = (
        _orphan(state, "input()"),
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE),
    )
    state.close()
    try:
        with ScratchFolder(tmp_path / "state", grace_seconds=0.1):
            assert orphan.wait(5) == -signal.SIGKILL
            assert bystander.poll() is None
    finally:
        bystander.communicate(b"\n")


def _orphan(state: ScratchFolder, code: str) -> subprocess.Popen[bytes]:
    """Return a process that holds what an engine run of the daemon would."""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        pass_fds=[state.lock_descriptor],
        start_new_session=True,
    )


@pytest.mark.parametrize("name", ["../outside", "/outside", "..", ".", ""])
def test_no_name_of_a_stack_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    outside = tmp_path / "state" / "outside"
    outside.mkdir(parents=True)
    with ScratchFolder(tmp_path / "state") as state:
        for use in (state.work_folder, state.forget, state.entries.forget, state.entries.read):
            with pytest.raises(ValueError, match="is not a stack name"):
                use(name)

    assert outside.exists()


def test_locks_that_a_killed_engine_left_are_cleared(tmp_path: Path) -> None:
    lock = tmp_path / "backend" / ".pulumi" / "locks" / "organization" / "lock.json"
    lock.parent.mkdir(parents=True)
    lock.write_text("{}")

    with ScratchFolder(tmp_path):
        assert not lock.exists()


def test_only_the_locks_of_one_stack_are_removed(tmp_path: Path) -> None:
    with ScratchFolder(tmp_path) as state:
        folder = tmp_path / "backend" / ".pulumi" / "locks" / "organization" / PROJECT
        for stack in ("killed", "running"):
            (folder / stack).mkdir(parents=True)
            (folder / stack / "lock.json").write_text("{}")

        state.unlock("killed")

        assert [path.name for path in folder.iterdir()] == ["running"]


def test_the_passphrase_is_made_once_and_private(tmp_path: Path) -> None:
    with ScratchFolder(tmp_path) as state:
        first = state.passphrase()
        assert state.passphrase() == first
    with ScratchFolder(tmp_path) as state:
        assert state.passphrase() == first
    assert len(first) > 30
    assert (tmp_path / "passphrase").stat().st_mode & 0o777 == 0o600
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_nothing_is_left_of_a_stack_that_is_forgotten(tmp_path: Path) -> None:
    with ScratchFolder(tmp_path) as state:
        stacks = tmp_path / "backend" / ".pulumi" / "stacks" / PROJECT
        stacks.mkdir(parents=True)
        for name in ("team.json", "team.json.bak", "team.json.attrs"):
            (stacks / name).write_text("{}")
        work = state.work_folder("team")
        history = tmp_path / "backend" / ".pulumi" / "history" / PROJECT / "team"
        history.mkdir(parents=True)

        assert state.read("team") == b"{}"
        state.forget("team")
        assert state.read("team") is None
        assert list(stacks.iterdir()) == []
        assert not work.exists()
        assert not history.exists()


def test_a_state_from_elsewhere_is_put_where_the_engine_looks(tmp_path: Path) -> None:
    with ScratchFolder(tmp_path) as state:
        state.write("team", b"checkpoint", "v1:salt")

        assert state.read("team") == b"checkpoint"
        assert (state.work_folder("team") / "Pulumi.team.yaml").read_text() == "encryptionsalt: v1:salt\n"


def test_a_full_disk_is_named_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with ScratchFolder(tmp_path) as state:
        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(EngineError, match="No space left on device; make room in it"):
            state.write("team", b"checkpoint", None)


def test_an_unusable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(EngineError, match=r"file/state cannot be used: Not a directory"):
        ScratchFolder(tmp_path / "file" / "state")
