from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools import environment


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("requirements.txt", "requirements-dev.txt", "constraints.txt", "pyproject.toml"):
        (tmp_path / name).write_text("")
    return tmp_path


def test_installs_again_only_when_a_requirement_changes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command))
    environment.create(project)
    assert [command[2:4] for command in commands] == [
        ["venv", str(project / ".venv")],
        *[["pip", "install"]] * 2,
    ]
    environment.create(project)
    assert len(commands) == 3
    (project / "constraints.txt").write_text("pulumi==3.250.0")
    environment.create(project)
    assert len(commands) == 6


def test_failed_installation_is_tried_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(subprocess, "run", fail)
    for _ in range(2):
        with pytest.raises(subprocess.CalledProcessError):
            environment.create(project)


def test_old_python_gets_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    assert environment.main() == 1
    assert "error: Python 3.11 or newer is needed" in capsys.readouterr().err
