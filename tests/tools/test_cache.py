import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.cache import cache_root, content_key, produce


def never_waiting() -> None:
    raise AssertionError("nobody else holds the lock")


def fill_with_nothing(_folder: Path) -> None:
    pass


def test_cache_root_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("GATEWAY_TOOLS_CACHE", raising=False)
    assert cache_root() == tmp_path / ".cache" / "gateway-components"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == tmp_path / "xdg" / "gateway-components"
    monkeypatch.setenv("GATEWAY_TOOLS_CACHE", str(tmp_path / "own"))
    assert cache_root() == tmp_path / "own"


def test_key_changes_with_recipe_content_and_names(tmp_path: Path) -> None:
    file = tmp_path / "go.mod"
    file.write_text("go 1.26")
    key = content_key("recipe", [file])
    assert content_key("recipe", [file]) == key
    assert len(key) == 16
    keys = {key, content_key("other", [file])}
    renamed = file.rename(tmp_path / "go.sum")
    keys.add(content_key("recipe", [renamed]))
    renamed.write_text("go 1.27")
    keys.add(content_key("recipe", [renamed]))
    assert len(keys) == 4


def test_key_ignores_the_order_and_the_folder_of_files(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        (folder / "go.mod").write_text("one")
        (folder / "go.sum").write_text("two")
    first, second = ([folder / "go.mod", folder / "go.sum"] for folder in folders)
    assert content_key("recipe", first) == content_key("recipe", second[::-1])


def test_produces_once(tmp_path: Path) -> None:
    made = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "binary").write_text("content")

    for _ in range(2):
        folder = produce(tmp_path, "part", "key", make, waiting=never_waiting)
        assert (folder / "binary").read_text() == "content"
    assert len(made) == 1


def test_failure_leaves_nothing_and_the_next_run_starts_over(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("no disk")

    with pytest.raises(RuntimeError, match="no disk"):
        produce(tmp_path, "part", "key", fail, waiting=never_waiting)
    assert [path.name for path in tmp_path.iterdir()] == ["part.lock"]
    assert produce(tmp_path, "part", "key", fill_with_nothing, waiting=never_waiting).is_dir()


def test_folders_of_killed_runs_are_removed(tmp_path: Path) -> None:
    dead = tmp_path / "part.unfinished-1"
    other = tmp_path / "other.unfinished-1"
    dead.mkdir()
    other.mkdir()
    produce(tmp_path, "part", "key", fill_with_nothing, waiting=never_waiting)
    assert not dead.exists()
    assert other.exists()


def _make_slowly(folder: Path) -> None:
    """Make a part only once another process waits for the lock, which it tells by creating a file."""
    with (folder.parent / "made").open("a") as log:
        log.write(f"{os.getpid()}\n")
    (folder.parent / "making").touch()
    deadline = 30.0
    subprocess.run(
        ["timeout", str(deadline), "sh", "-c", f"until [ -e {folder.parent}/waiting ]; do sleep 0.02; done"],
        check=True,
    )


def _produce(root: Path) -> None:
    produce(root, "part", "key", _make_slowly, waiting=(root / "waiting").touch)


def test_two_runs_at_once_build_once_and_one_says_it_waits(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    runs = [context.Process(target=_produce, args=(tmp_path,)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(60)
    assert [run.exitcode for run in runs] == [0, 0]
    assert len((tmp_path / "made").read_text().splitlines()) == 1
    assert (tmp_path / "part-key").is_dir()


def test_the_lock_of_a_killed_run_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, os, signal\n"
        "from tools.cache import produce\n"
        "produce(pathlib.Path(sys.argv[1]), 'part', 'key',"
        " lambda folder: os.kill(os.getpid(), signal.SIGKILL), waiting=lambda: None)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert run.returncode == -9
    assert list(tmp_path.glob("part.unfinished-*"))
    produce(tmp_path, "part", "key", fill_with_nothing, waiting=never_waiting)
    assert not list(tmp_path.glob("part.unfinished-*"))
