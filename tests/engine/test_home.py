"""The home of engine runs."""

from pathlib import Path

import pytest

from gateway_components.engine.errors import EngineError
from gateway_components.engine.home import make_home


@pytest.fixture
def real(tmp_path: Path) -> Path:
    home = tmp_path / "real"
    (home / "plugins" / "resource-kubernetes-v1").mkdir(parents=True)
    return home


def test_plugins_are_those_of_the_real_home(tmp_path: Path, real: Path) -> None:
    made = make_home(tmp_path / "scratch" / "home", real)
    assert [folder.name for folder in (made / "plugins").iterdir()] == ["resource-kubernetes-v1"]
    assert not (made / "credentials.json").exists()


def test_the_engine_can_make_no_folder_for_logs(tmp_path: Path, real: Path) -> None:
    made = make_home(tmp_path / "home", real)
    with pytest.raises(FileExistsError):
        (made / "logs").mkdir()


def test_a_home_that_was_made_before_follows_the_real_one(tmp_path: Path, real: Path) -> None:
    make_home(tmp_path / "home", real)
    moved = real.rename(tmp_path / "moved")
    (moved / "credentials.json").write_text("{}")
    made = make_home(tmp_path / "home", moved)
    assert (made / "plugins").resolve() == moved / "plugins"
    assert (made / "credentials.json").read_text() == "{}"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, real: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match=r"file/home cannot be used"):
        make_home(tmp_path / "file" / "home", real)
