"""The state folder: one holder at a time, nothing readable by others."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway_components.engine.errors import EngineError, StateLockedError
from gateway_components.engine.state import PROJECT, StateFolder


def test_a_held_folder_is_refused_to_others_and_free_afterwards(tmp_path: Path) -> None:
    with StateFolder(tmp_path / "state"), pytest.raises(StateLockedError, match="in use by another daemon"):
        StateFolder(tmp_path / "state", wait_seconds=0)
    with StateFolder(tmp_path / "state", wait_seconds=0):
        pass


def test_a_run_that_outlives_its_daemon_keeps_the_folder_locked(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    orphan = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[state.lock_descriptor]
    )
    state.close()
    try:
        with pytest.raises(StateLockedError):
            StateFolder(tmp_path / "state", wait_seconds=0)
    finally:
        orphan.communicate(b"\n")
    with StateFolder(tmp_path / "state", wait_seconds=0):
        pass


def test_locks_that_a_killed_engine_left_are_cleared(tmp_path: Path) -> None:
    lock = tmp_path / "backend" / ".pulumi" / "locks" / "organization" / "lock.json"
    lock.parent.mkdir(parents=True)
    lock.write_text("{}")

    with StateFolder(tmp_path):
        assert not lock.exists()


def test_the_passphrase_is_made_once_and_private(tmp_path: Path) -> None:
    with StateFolder(tmp_path) as state:
        first = state.passphrase()
        assert state.passphrase() == first
    with StateFolder(tmp_path) as state:
        assert state.passphrase() == first
    assert len(first) > 30
    assert (tmp_path / "passphrase").stat().st_mode & 0o777 == 0o600
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_stacks_are_those_with_state_until_forgotten(tmp_path: Path) -> None:
    with StateFolder(tmp_path) as state:
        stacks = tmp_path / "backend" / ".pulumi" / "stacks" / PROJECT
        stacks.mkdir(parents=True)
        for name in ("team.json", "team.json.bak", "team.json.attrs"):
            (stacks / name).write_text("{}")
        state.work_folder("team")

        assert state.stacks() == {"team"}
        state.forget("team")
        assert state.stacks() == frozenset()
        assert list(stacks.iterdir()) == []


def test_an_unusable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(EngineError, match=r"file/state cannot be used: Not a directory"):
        StateFolder(tmp_path / "file" / "state")
