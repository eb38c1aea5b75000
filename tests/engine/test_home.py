"""The home of engine runs."""

import os
import subprocess
from pathlib import Path

import pytest

from gateway_components.engine.errors import EngineError
from gateway_components.engine.programs import PROVIDER, PROVIDER_VERSION
from gateway_components.engine.workspace import make_home


@pytest.fixture
def real(tmp_path: Path) -> Path:
    home = tmp_path / "real"
    home.mkdir()
    return home


@pytest.fixture
def provider(tmp_path: Path) -> Path:
    """Return a program, with a name to quote, that prints what it is called with."""
    path = tmp_path / "a provider"
    path.write_text('#!/bin/sh\nfor word in "$@"; do echo "<$word>"; done\n')
    path.chmod(0o755)
    return path


def plugin(home: Path) -> Path:
    return home / "plugins" / f"resource-kubernetes-v{PROVIDER_VERSION}" / PROVIDER


def printed(program: Path) -> str:
    return subprocess.run([program, "plain", "two words"], capture_output=True, text=True, check=True).stdout


def test_its_provider_becomes_the_real_one(tmp_path: Path, real: Path, provider: Path) -> None:
    made = make_home(tmp_path / "scratch" / "home", real, provider)
    assert printed(plugin(made)) == "<plain>\n<two words>\n"
    assert not (made / "credentials.json").exists()


def test_where_no_script_may_run_the_provider_is_linked(
    tmp_path: Path, real: Path, provider: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    for _ in range(2):
        made = make_home(tmp_path / "home", real, provider)
        assert plugin(made).readlink() == provider


def test_the_engine_can_make_no_folder_for_logs(tmp_path: Path, real: Path, provider: Path) -> None:
    made = make_home(tmp_path / "home", real, provider)
    with pytest.raises(FileExistsError):
        (made / "logs").mkdir()


def test_a_home_that_was_made_before_follows_the_real_one(tmp_path: Path, real: Path, provider: Path) -> None:
    make_home(tmp_path / "home", real, tmp_path / "gone")
    moved = real.rename(tmp_path / "moved")
    (moved / "credentials.json").write_text("{}")
    made = make_home(tmp_path / "home", moved, provider)
    assert printed(plugin(made))
    assert (made / "credentials.json").read_text() == "{}"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, real: Path, provider: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match=r"file/home cannot be used"):
        make_home(tmp_path / "file" / "home", real, provider)


@pytest.mark.parametrize(
    "linked", [".", "logs", "plugins", f"plugins/resource-kubernetes-v{PROVIDER_VERSION}"]
)
def test_what_a_link_in_it_leads_to_stays_as_it_is(
    tmp_path: Path, real: Path, provider: Path, linked: str
) -> None:
    theirs, made = plugin(real), tmp_path / "home"
    theirs.parent.mkdir(parents=True)
    theirs.write_text(provider.read_text())
    theirs.chmod(0o755)
    (made / linked).parent.mkdir(parents=True, exist_ok=True)
    (made / linked).symlink_to(real / linked)

    make_home(made, real, theirs)

    assert theirs.read_text() == provider.read_text()
    assert printed(plugin(made)) == "<plain>\n<two words>\n"
    assert sorted(real.rglob("*")) == [real / "plugins", theirs.parent, theirs]


def test_the_home_of_pulumi_itself_is_refused_and_unchanged(real: Path, provider: Path) -> None:
    theirs = plugin(real)
    theirs.parent.mkdir(parents=True)
    provider.rename(theirs)
    (real / "credentials.json").write_text("{}")
    before = theirs.read_text()

    with pytest.raises(EngineError, match="is the home of Pulumi itself"):
        make_home(real, real, theirs)

    assert theirs.read_text() == before
    assert (real / "credentials.json").read_text() == "{}"
