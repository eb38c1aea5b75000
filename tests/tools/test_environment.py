import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import environment


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in environment.FILES:
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


def test_no_package_comes_without_its_hash(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command))
    environment.create(project)
    _, packages, ours = commands
    assert {"--require-hashes", "--no-deps"} <= set(packages)
    assert {"--no-build-isolation", "--no-deps"} <= set(ours), "what builds it is one of these packages"


LOCKS = sorted(Path(environment.PROJECT).rglob("constraints*.txt"))
HASHED = [lock for lock in LOCKS if ".venv" not in lock.parts]


@pytest.mark.parametrize("lock", HASHED, ids=[str(lock.relative_to(environment.PROJECT)) for lock in HASHED])
def test_every_locked_package_has_a_version_and_hashes(lock: Path) -> None:
    entries = re.sub(r" \\\n\s*", " ", lock.read_text()).splitlines()
    packages = [entry for entry in entries if entry and not entry.startswith("#")]
    assert packages
    for package in packages:
        assert re.match(r"[\w.-]+==[\w.+-]+ .*--hash=sha256:[0-9a-f]{64}", package), package[:60]


def test_the_lock_has_what_the_requirements_ask_for() -> None:
    def pins(text: str) -> set[str]:
        return {
            pin.replace("_", "-").lower()
            for pin in re.findall(r"^([\w.-]+(?:\[\w,-]+\])?==[^\s;]+)", text, re.MULTILINE)
        }

    for requirements, lock in (
        ("requirements-dev", "constraints"),
        ("requirements-image", "constraints-image"),
    ):
        texts = [(environment.PROJECT / f"{name}.txt").read_text() for name in ("requirements", requirements)]
        locked = pins((environment.PROJECT / f"{lock}.txt").read_text())
        assert set().union(*map(pins, texts)) <= locked, f"{lock}.txt is stale: make lock"


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
