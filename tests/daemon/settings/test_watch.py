"""A settings file that changes: what is put in force, what is refused, and what is noticed at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway_components.daemon.settings.file import Sources
from gateway_components.daemon.settings.live import LiveSettings
from gateway_components.daemon.settings.model import Settings
from gateway_components.daemon.settings.watch import SettingsReader, follow
from tests.daemon.mount import mount

SECONDS = 8
"""Less than the time after which the file is looked at anyhow: what is noticed by then was watched."""


class File:
    """A settings file that is read already, and what reading it again leads to."""

    def __init__(self, path: Path, text: str = "", **given: Any) -> None:
        self.path = path
        if text:
            path.write_text(text)
        sources = Sources(path, given, defaults={"kubeconfig": None, "scratch_folder": "/scratch"})
        self.live = LiveSettings(sources.read())
        self.told: list[bool] = []
        self.reader = SettingsReader(self.live, sources, self.told.append)

    def look(self) -> list[Any]:
        """Look at the file and return the lines that were logged."""
        with capture_logs() as lines:
            self.reader.look()
        return lines

    def say(self, text: str) -> list[Any]:
        """Write the file, look at it and return the lines that were logged."""
        self.path.write_text(text)
        return self.look()


@pytest.fixture
def file(tmp_path: Path) -> File:
    found = File(tmp_path / "settings.yaml", "workers: 3\n")
    found.look()
    found.told.clear()
    return found


def test_a_change_is_put_in_force_and_told_with_its_values(file: File) -> None:
    seen: list[Settings] = []
    file.live.subscribe(seen.append)

    (line,) = file.say("workers: 5\nlog_level: debug\n")

    assert (file.live.current.workers, file.live.current.log_level) == (5, "debug")
    assert seen == [file.live.current]
    assert (line["event"], line["changed"]) == ("settings changed", {"workers": 5, "log_level": "debug"})
    assert file.told == [True]


def test_a_setting_that_is_taken_out_is_the_default_again(file: File) -> None:
    file.say("batch_seconds: 1\n")
    assert file.live.current.workers == Settings(kubeconfig=None, scratch_folder=Path("/s")).workers
    assert file.live.current.batch_seconds == 1


def test_a_bad_file_is_told_once_and_the_old_settings_hold(file: File) -> None:
    before = file.live.current

    (line,) = file.say("log_level: debug\nworkers: 0\nbatch_second: 1\n")

    assert file.live.current == before, "no part of a bad file holds"
    assert (line["event"], line["file"], line["log_level"]) == ("settings refused", str(file.path), "warning")
    told = {
        (line["field"], line["line"]),
        *((also.split(": ")[1], int(also.split(":")[1])) for also in line["also"]),
    }
    assert told == {("workers", 2), ("batch_second", 3)}
    assert "The old settings hold." in line["cure"]
    assert file.look() == [], "the same text is told once"
    assert file.told == [False]


def test_a_file_put_right_holds_again(file: File) -> None:
    file.say("workers: 0\n")
    file.say("workers: 6\n")
    assert file.live.current.workers == 6
    assert file.told == [False, True]


@pytest.mark.parametrize(
    "text",
    [
        "kubeconfig: /other",
        "scratch_folder: /other",
        "backend: s3://bucket",
        "install_namespace: other",
        "namespaces: [a]",
        "leader_election: false",
        "http_port: 8080",
        "log_format: json",
    ],
)
def test_what_needs_a_restart_is_told_and_the_rest_applies(file: File, text: str) -> None:
    lines = file.say(f"workers: 3\nstop_seconds: 7\n{text}\n")

    name = text.partition(":")[0]
    assert [line["event"] for line in lines] == ["settings changed", "settings need a restart"]
    assert lines[1]["fields"] == [name]
    assert "restart the daemon" in lines[1]["cure"]
    assert file.live.current.stop_seconds == 7
    assert getattr(file.live.current, name) == getattr(
        Settings(kubeconfig=None, scratch_folder=Path("/scratch")), name
    )
    assert file.told == [False]


def test_what_the_command_line_says_stays(tmp_path: Path) -> None:
    file = File(tmp_path / "settings.yaml", "workers: 3\n", workers=9)
    assert file.say("workers: 5\n") == []
    assert file.live.current.workers == 9


@pytest.mark.parametrize("take", ["remove", "empty"])
def test_a_file_that_goes_and_comes_back_is_not_believed_gone(file: File, take: str) -> None:
    file.path.unlink() if take == "remove" else file.path.write_text("")
    assert file.look() == []
    assert file.live.current.workers == 3

    file.say("workers: 4\n")

    assert file.live.current.workers == 4
    assert file.told == [True]


def test_a_file_that_stays_away_is_told_and_the_old_settings_hold(file: File) -> None:
    file.path.unlink()
    file.look()
    (line,) = file.look()
    assert (line["event"], line["error"]) == ("settings refused", "is missing")
    assert file.look() == []
    assert file.live.current.workers == 3


def test_a_file_that_stays_empty_means_the_defaults(file: File) -> None:
    file.say("")
    file.look()
    assert file.live.current.workers == Settings(kubeconfig=None, scratch_folder=Path("/s")).workers


@asynccontextmanager
async def _followed(file: File) -> AsyncIterator[asyncio.Event]:
    """Follow the file, and set the event that is returned at each change of settings."""
    changed = asyncio.Event()
    file.live.subscribe(lambda _: changed.set())
    following = asyncio.create_task(follow(file.reader))
    try:
        yield changed
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def _replace(path: Path, text: str) -> None:
    """Write a file as careful programs do: whole, and then renamed."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text)
    beside.rename(path)


async def test_a_swap_of_a_mounted_config_map_is_noticed(tmp_path: Path) -> None:
    file = File(mount(tmp_path, "workers: 3\n"))
    async with _followed(file) as changed:
        for workers in (4, 5):
            mount(tmp_path, f"workers: {workers}\n")
            await asyncio.wait_for(changed.wait(), SECONDS)
            assert file.live.current.workers == workers
            changed.clear()


async def test_a_file_that_is_replaced_or_written_or_away_for_a_while_is_noticed(tmp_path: Path) -> None:
    file = File(tmp_path / "settings.yaml", "workers: 3\n")
    async with _followed(file) as changed:
        _replace(file.path, "workers: 4\n")
        await asyncio.wait_for(changed.wait(), SECONDS)
        changed.clear()

        file.path.write_text("workers: 5\n")
        await asyncio.wait_for(changed.wait(), SECONDS)
        changed.clear()

        file.path.unlink()
        file.path.write_text("workers: 6\n")
        await asyncio.wait_for(changed.wait(), SECONDS)

        assert file.live.current.workers == 6
