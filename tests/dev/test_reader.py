"""What a folder of manifests holds while somebody works on it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway_components.dev.view import FolderReader, Reading
from tests.manifests.texts import GATEWAY

OTHER = GATEWAY.replace("example", "other")


class Folder:
    """A folder, and the names of the gateways that are read in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reader = FolderReader(path, "team")
        self.last = Reading()

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)

    def names(self) -> list[str]:
        """Read the folder, and return the names of its gateways, those at fault among them."""
        self.last = self.reader.read()
        return sorted(key.name for key in self.last.objects.sources)

    def errors(self) -> list[str]:
        """Return what was wrong at the last reading, without the folder's name."""
        found = self.last.objects.findings
        return [str(one).removeprefix(f"{self.path}/") for one in found if one.severity == "error"]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    found = Folder(tmp_path)
    found.write("a.yaml", GATEWAY)
    found.write("b.yaml", OTHER)
    assert found.names() == ["example", "other"]
    return found


FAULTS = [
    ("no YAML", "a: [\n", "a.yaml:2"),
    ("a name that is not written yet", GATEWAY.replace("name: example", "name:"), "metadata.name"),
    ("no metadata", "apiVersion: v1\nkind: Secret\n", "metadata"),
    ("not UTF-8", "\udcff", "UTF-8"),
]


@pytest.mark.parametrize(("why", "text", "message"), FAULTS, ids=[case[0] for case in FAULTS])
def test_a_file_at_fault_is_reported_and_counts_as_it_was(
    folder: Folder, why: str, text: str, message: str
) -> None:
    (folder.path / "a.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))

    assert folder.names() == ["example", "other"]
    assert any(message in error for error in folder.errors())
    assert not folder.last.incomplete

    folder.write("a.yaml", GATEWAY.replace("example", "renamed"))
    assert folder.names() == ["other", "renamed"]
    assert folder.errors() == []


def test_an_object_at_fault_is_there_and_has_no_model(folder: Folder) -> None:
    folder.write("a.yaml", GATEWAY.replace("aiModels", "aiModel"))
    assert folder.names() == ["example", "other"]
    assert [key.name for key in folder.last.objects.models] == ["other"]


TAKEN_AWAY: list[tuple[str, Callable[[Path], object]]] = [
    ("removed", lambda path: path.unlink()),
    ("emptied", lambda path: path.write_text("")),
    ("commented out", lambda path: path.write_text("# later\n")),
]


@pytest.mark.parametrize(("why", "take"), TAKEN_AWAY, ids=[case[0] for case in TAKEN_AWAY])
def test_a_file_is_believed_gone_at_the_second_reading(
    folder: Folder, why: str, take: Callable[[Path], object]
) -> None:
    take(folder.path / "a.yaml")
    assert folder.names() == ["example", "other"]
    assert folder.last.again
    assert folder.names() == ["other"]
    assert not folder.last.again


def test_a_file_that_comes_back_was_never_gone(folder: Folder) -> None:
    for _ in range(3):
        (folder.path / "a.yaml").unlink()
        assert folder.names() == ["example", "other"]
        folder.write("a.yaml", GATEWAY)
        assert folder.names() == ["example", "other"]


def test_an_object_that_moves_to_another_file_stays(folder: Folder) -> None:
    folder.write("b.yaml", f"{GATEWAY}---\n{OTHER}")
    (folder.path / "a.yaml").unlink()
    assert folder.names() == ["example", "other"]
    assert folder.names() == ["example", "other"]
    assert folder.errors() == []


def test_the_last_file_can_go(folder: Folder) -> None:
    for name in ("a.yaml", "b.yaml"):
        (folder.path / name).unlink()
    folder.names()
    assert folder.names() == []
    assert folder.errors() == []
    assert not folder.last.incomplete


def test_a_file_that_was_never_read_may_hold_anything(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("a.yaml", "a: [")
    folder.write("b.yaml", OTHER)
    assert folder.names() == ["other"]
    assert folder.last.incomplete

    folder.write("a.yaml", GATEWAY)
    assert folder.names() == ["example", "other"]
    assert not folder.last.incomplete


def test_a_folder_that_goes_keeps_all(folder: Folder) -> None:
    moved = folder.path.rename(folder.path.with_name("elsewhere"))
    assert folder.names() == ["example", "other"]
    assert folder.names() == ["example", "other"]
    moved.rename(folder.path)
    assert folder.names() == ["example", "other"]
