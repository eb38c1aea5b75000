"""What an interrupt of a run reaches and what it spares, with a stand-in for the engine."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway_components.engine import stacks, workspace
from gateway_components.engine.diagnostics import Outcome
from gateway_components.engine.errors import EngineInterruptedError
from gateway_components.engine.folder import ScratchFolder
from gateway_components.engine.stacks import Stacks
from gateway_components.engine.workspace import Backend
from gateway_components.identity import Identity
from lab import wait_until
from tests.engine.test_stacks import wanted

Begin = Callable[[str], Stacks]
SECONDS = 60.0
KEY, OBJECTS = wanted("ns", "a")
FORGOTTEN = Identity("AiGateway", "ns", "forgotten")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where a stand-in tells what it does."""
    return tmp_path


@pytest.fixture
def begin(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Return what makes stacks of an engine that does as the cases of a shell script say, with its state elsewhere."""
    made: list[Stacks] = []
    program = folder / "pulumi"
    monkeypatch.setattr(stacks, "find_engine", lambda: program)
    monkeypatch.setattr(workspace, "find_provider", lambda: folder / "provider")
    with ScratchFolder(folder / "state") as state:

        def begun(cases: str) -> Stacks:
            program.write_text(
                f'#!/bin/sh\ncd {folder}\ncase "$*" in\nversion) echo v3.250.0;;\n{cases}\n'
                '*"stack export"*) echo \'{"version": 3, "deployment": {}}\';;\nesac\n'
            )
            program.chmod(0o755)
            made.append(Stacks(state, None, SECONDS, Backend("file:///elsewhere", "passphrase")))
            return made[0]

        yield begun
        for one in made:
            one.halt()


class Applying(threading.Thread):
    """Applies a gateway."""

    def __init__(self, tried: Stacks) -> None:
        super().__init__(daemon=True)
        self.tried = tried
        self.ended: Outcome | EngineInterruptedError | None = None
        self.start()

    def run(self) -> None:
        try:
            self.ended = self.tried.apply("ns", {KEY: OBJECTS}, [FORGOTTEN], refresh=False)
        except EngineInterruptedError as error:
            self.ended = error


def exists(path: Path) -> None:
    wait_until(path.exists, timeout=SECONDS, what=path.name)


def test_a_look_at_the_state_after_a_run_can_be_interrupted(begin: Begin, folder: Path) -> None:
    applying = Applying(begin('*"stack export"*) touch looking; exec sleep 1000;;'))
    exists(folder / "looking")

    applying.tried.interrupt("ns")
    applying.join(SECONDS)

    assert isinstance(applying.ended, EngineInterruptedError)
    assert applying.tried.running() == frozenset()


def test_an_interrupt_spares_who_removes_the_lock_of_a_run(begin: Begin, folder: Path) -> None:
    applying = Applying(
        begin(
            '*" up "*) touch up; exec sleep 1000;;\n'
            "*cancel*) touch unlocking; until [ -e go ]; do sleep 0.02; done; touch unlocked;;"
        )
    )
    exists(folder / "up")
    applying.tried.interrupt("ns")
    exists(folder / "unlocking")

    applying.tried.interrupt("ns")
    (folder / "go").touch()
    applying.join(SECONDS)

    assert (folder / "unlocked").exists()
    assert isinstance(applying.ended, EngineInterruptedError)


ENDS = [
    ("kill -9 $$", "it was killed"),
    ("exit 2", "it crashed"),
    ("exit 0", "it says nothing of its gateway, as where it lost its program"),
    ("exit 1", "it failed, and does not say with which gateway"),
]


@pytest.mark.parametrize(("end", "why"), ENDS, ids=[case[1] for case in ENDS])
def test_what_an_engine_did_not_tell_of_is_not_determined(begin: Begin, end: str, why: str) -> None:
    applying = Applying(begin(f'*" up "*) {end};;'))
    applying.join(SECONDS)

    assert isinstance(applying.ended, Outcome)
    assert applying.ended.undetermined == {KEY}, why
    assert applying.ended.released == {FORGOTTEN}, "the state has it no longer"
