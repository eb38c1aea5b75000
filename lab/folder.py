"""The folder of one lab: created locked, so that the folders of dead labs can be told from those in use."""

import fcntl
import os
import secrets
import shutil
import tempfile
from pathlib import Path

_PREFIX = "gateway-lab-"


def create_folder() -> tuple[Path, int]:
    """Create a folder for a lab, and lock it until every copy of the descriptor is closed; return both."""
    parent = Path(tempfile.gettempdir())
    name = f"{_PREFIX}{secrets.token_hex(6)}"
    unlocked = parent / f".{name}"
    unlocked.mkdir(mode=0o700)
    lock = os.open(unlocked, os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(lock, fcntl.LOCK_EX)
    # It gets the name that `remove_stale_folders` looks for only once it is locked.
    return unlocked.rename(parent / name), lock


def remove_stale_folders() -> list[Path]:
    """Remove this user's lab folders that no living lab holds, and return them."""
    removed = []
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            if folder.stat().st_uid != os.getuid():
                continue
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            continue  # it is another's, or its lab removed it just now
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
        finally:
            os.close(lock)
    return removed
