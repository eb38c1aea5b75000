"""Files and folders: what is read, and what is wrong with the files themselves."""

import json
import os
from pathlib import Path

import pytest

from gateway_components.errors import Finding
from gateway_components.identity import Identity
from gateway_components.manifests.load import FileFinding, load

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  namespace: b\n"


def _reported(path: Path) -> list[tuple[int, str, str]]:
    return [(found.line, found.message, found.cure) for found in load([path]).findings]


def test_several_documents_give_their_objects_in_order(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(f"{POD}---\n# nothing\n---\n{POD.replace('Pod', 'Job')}")
    loaded = load([file])
    assert [(str(found.subject), found.line, found.file) for found in loaded.objects] == [
        ("Pod b/a", 1, str(file)),
        ("Job b/a", 9, str(file)),
    ]
    assert not loaded.findings


def test_folder_gives_its_manifests_by_name_and_nothing_below_it(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yaml", "c.json", "d.txt", "e.yaml.orig"):
        (tmp_path / name).write_text(json.dumps({"kind": name}))
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "folder.yaml" / "f.yaml").write_text("kind: below\n")
    loaded = load([tmp_path])
    assert [found.kind for found in loaded.objects] == ["a.yaml", "b.yml", "c.json"]
    assert not loaded.findings


def test_file_is_read_whatever_its_ending(tmp_path: Path) -> None:
    (tmp_path / "manifest.txt").write_text(POD)
    assert len(load([tmp_path / "manifest.txt"]).objects) == 1


def test_items_of_nested_lists_have_their_own_lines(tmp_path: Path) -> None:
    file = tmp_path / "list.yaml"
    file.write_text("kind: List\nitems:\n- kind: A\n- kind: List\n  items:\n  - kind: B\n  - kind: C\n")
    objects = load([file]).objects
    assert [(found.kind, found.line) for found in objects] == [("A", 3), ("B", 6), ("C", 7)]
    assert objects[2].finding(Finding(("kind",), "m")).line == 7


def test_missing_file(tmp_path: Path) -> None:
    assert _reported(tmp_path / "no.yaml") == [
        (1, "cannot be read: No such file or directory", "check the path")
    ]


def test_empty_folder(tmp_path: Path) -> None:
    assert _reported(tmp_path) == [
        (1, "the folder holds no manifest", "add a file that ends in .yaml, .yml, .json")
    ]


def test_what_is_no_file_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "a.yaml").write_text(POD)
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    loaded = load([tmp_path])
    assert [str(found.subject) for found in loaded.objects] == ["Pod b/a"]
    assert [found.file for found in loaded.findings] == [str(tmp_path / "gone.yaml")]


@pytest.mark.parametrize(
    ("name", "severity"),
    [("kustomization.yaml", "warning"), ("kustomization.yml", "warning"), ("kustomize.yaml", "error")],
    ids=["kustomize does not ask for a kind there", "nor there", "a manifest has to have one"],
)
def test_a_file_without_a_kind_is_wrong_unless_of_kustomize(tmp_path: Path, name: str, severity: str) -> None:
    (tmp_path / name).write_text("resources:\n- gateway.yaml\n")
    assert [found.severity for found in load([tmp_path]).findings] == [severity]


def test_empty_file_is_fine(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("")
    assert _reported(tmp_path) == []


def test_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert _reported(tmp_path) == [(1, "cannot be read: Permission denied", "check the path")]


def test_file_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes("kind: ü".encode("latin-1"))
    assert _reported(tmp_path) == [(1, "is not UTF-8 text", "save it as UTF-8")]


def test_file_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a\udcff.yaml").write_text("a: [")
    (finding,) = load([tmp_path]).findings
    str(finding).encode()


def test_file_with_a_fault_gives_nothing_and_the_others_do(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"{POD}---\na: 1\na: 2\n")
    (tmp_path / "b.yaml").write_text(POD)
    loaded = load([tmp_path])
    assert [Path(found.file).name for found in loaded.objects] == ["b.yaml"]
    (finding,) = loaded.findings
    assert (finding.line, finding.message) == (8, 'duplicate key "a", first in line 7')


@pytest.mark.parametrize("text", ["a: b\n", "- a\n", "words\n", "kind: 5\n", "kind:\n", "7\n"])
def test_what_is_no_object(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    assert _reported(tmp_path) == [
        (1, "this is not a Kubernetes object: it has no kind", "add apiVersion and kind")
    ]


def test_item_of_a_list_that_is_no_object(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: List\nitems:\n- kind: A\n-\n- 5\n")
    assert [line for line, _, _ in _reported(tmp_path)] == [4, 5]


def test_finding_is_one_line_that_a_terminal_can_show() -> None:
    finding = FileFinding(
        ("spec", "x"),
        "is\nwrong",
        "mend it",
        subject=Identity("Pod", "", "a\x1b[31m"),
        file="a.yaml",
        line=3,
    )
    assert str(finding) == "a.yaml:3: error: Pod a\ufffd[31m: spec.x: is\ufffdwrong; mend it"
    assert str(FileFinding((), "m", severity="warning", file="a")) == "a:1: warning: m"
