"""Programs that stand in for real ones."""

from collections.abc import Callable
from pathlib import Path

import pytest

MakeProgram = Callable[..., Path]


@pytest.fixture
def program(tmp_path: Path) -> MakeProgram:
    """Return a function that writes a shell script as an executable program."""

    def make(name: str, script: str, *, folder: str = "programs") -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return make
