"""What the engine does, and leaves, by its environment."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway_components.engine.checkpoint import read_checkpoint
from gateway_components.engine.folder import ScratchFolder
from gateway_components.engine.programs import find_engine
from gateway_components.engine.stacks import Stacks
from gateway_components.engine.workspace import Backend, engine_environment

SECONDS = 120.0


@pytest.fixture
def state(tmp_path: Path) -> Iterator[ScratchFolder]:
    with ScratchFolder(tmp_path / "state") as folder:
        yield folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Return the folder of another backend."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def test_a_run_does_not_look_at_the_states_of_others(elsewhere: Path, tmp_path: Path) -> None:
    environment = {**os.environ, **engine_environment(Backend(elsewhere.as_uri(), "x"), None)}

    def said() -> str:
        done = subprocess.run(
            [find_engine(), "stack", "ls", "--all"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout + done.stderr

    said()
    # Whoever looks warns of a file in this place.
    (elsewhere / ".pulumi" / "stacks").mkdir()
    (elsewhere / ".pulumi" / "stacks" / "old.json").write_text("{}")

    assert "old" not in said()


def test_the_state_of_another_backend_is_read_and_no_stack_made(
    state: ScratchFolder, elsewhere: Path
) -> None:
    states = Stacks(state, None, SECONDS, Backend(elsewhere.as_uri(), "x")).states

    assert states.exported("team") is None
    assert not list(elsewhere.rglob("team*"))

    states.release("team", ())
    exported = states.exported("team")
    assert exported
    assert "manifest" in read_checkpoint(exported)
