"""Names of processes that want to lead, and the note by which one follows its predecessor at once."""

from pathlib import Path

from gateway_components.daemon.identity import identity, last_leader, note_leader
from gateway_components.engine.state import StateFolder


def test_no_two_processes_have_one_name() -> None:
    assert identity() != identity()


def test_the_next_process_in_a_folder_knows_who_led_from_there(tmp_path: Path) -> None:
    with StateFolder(tmp_path) as folder:
        assert last_leader(folder) == ""
        note_leader(folder, "first")
    with StateFolder(tmp_path) as folder:
        assert last_leader(folder) == "first"
    with StateFolder(tmp_path / "another") as folder:
        assert last_leader(folder) == ""


def test_a_note_that_cannot_be_read_or_written_is_none(tmp_path: Path) -> None:
    (tmp_path / "leader").mkdir()
    with StateFolder(tmp_path) as folder:
        note_leader(folder, "first")
        assert last_leader(folder) == ""
