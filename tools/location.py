"""Where the set-up puts binaries, and finding one there."""

from __future__ import annotations

import os
from pathlib import Path

from tools.errors import MissingToolError

PROJECT = Path(__file__).resolve().parent.parent
MODULES = PROJECT / "tools"
VENV_BIN = PROJECT / ".venv" / "bin"


def locate(name: str) -> Path:
    """Return the path of a binary in the virtual environment.

    Raises MissingToolError: it is not there.
    """
    path = VENV_BIN / name
    if not os.access(path, os.X_OK):
        raise MissingToolError(f"{name} is not installed in {VENV_BIN}; `make setup` finds or builds it")
    return path


def link(name: str, target: Path) -> None:
    """Link a binary into the virtual environment, in place of what is there by that name."""
    path = VENV_BIN / name
    if path.is_symlink() and path.readlink() == target:
        return
    new = VENV_BIN / f".{name}.{os.getpid()}"
    new.symlink_to(target)
    new.replace(path)
