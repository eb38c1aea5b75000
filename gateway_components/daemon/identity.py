"""Who this process is to others that want to lead, and whom it may follow at once."""

import socket
import uuid
from contextlib import suppress

from gateway_components.engine.state import StateFolder

__all__ = ["identity", "last_leader", "note_leader"]

_FILE = "leader"


def identity() -> str:
    """Return a name that no other process has (as client-go): pods may share the name of their host, and all paths."""
    return f"{socket.gethostname()}_{uuid.uuid4()}"


def last_leader(folder: StateFolder) -> str:
    """Return who led from this folder last; empty where nobody is known to have.

    Whoever holds the lock of the folder knows that it is dead, with every engine it started: its Lease is free.
    """
    try:
        return (folder.path / _FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def note_leader(folder: StateFolder, name: str) -> None:
    """Note who leads, so that the next process in this folder need not wait for the Lease to expire."""
    # Half a name, or none, costs no more than that wait.
    with suppress(OSError):
        (folder.path / _FILE).write_text(name, encoding="utf-8")
