"""The state folder: the engine's backend, its scratch folders and the passphrase, used by one process at a time."""

import fcntl
import os
import secrets
import shutil
import time
from pathlib import Path
from typing import Self

from gateway_components.engine.errors import EngineError, StateLockedError

__all__ = ["PROJECT", "StateFolder"]

PROJECT = "litellm-gateways"
"""Name of the Pulumi project whose stacks the daemon keeps, one per namespace."""


_LOCK_PAUSE_SECONDS = 0.1


class StateFolder:
    """A folder with everything the engine keeps between runs.

    Losing it is no loss: server-side apply adopts what exists. It is locked for one process and the engine
    runs it started.

    Parameters
    ----------
    path
        The folder; made where it is missing, readable by its owner alone.
    wait_seconds
        How long to wait for another holder, which may be an engine run of a daemon that was killed.

    Raises
    ------
    StateLockedError
        Another process holds it.
    EngineError
        It cannot be written.
    """

    def __init__(self, path: Path, wait_seconds: float = 10.0) -> None:
        self.path = path.absolute()
        try:
            self._backend.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.chmod(0o700)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            message = f"the state folder {self.path} cannot be used: {error.strerror}; name a writable one"
            raise EngineError(message) from None
        try:
            self._take_lock(time.monotonic() + wait_seconds)
        except StateLockedError:
            os.close(self._lock)
            raise
        self._clear_stale_locks()

    @property
    def lock_descriptor(self) -> int:
        """Descriptor that keeps the folder locked for as long as any process holds it open."""
        return self._lock

    @property
    def backend_url(self) -> str:
        """URL of the engine's backend."""
        return self._backend.as_uri()

    def work_folder(self, stack: str) -> Path:
        """Return the folder the engine runs `stack` in; it keeps the stack's salt, which halves key derivation."""
        folder = self.path / "work" / stack
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def stacks(self) -> frozenset[str]:
        """Return the names of the stacks that have state."""
        folder = self._backend / ".pulumi" / "stacks" / PROJECT
        return frozenset(file.stem for file in folder.glob("*.json"))

    def forget(self, stack: str) -> None:
        """Remove a stack that holds nothing any more."""
        state = self._backend / ".pulumi" / "stacks" / PROJECT / f"{stack}.json"
        for file in (state, state.with_suffix(".json.bak"), state.with_suffix(".json.attrs")):
            file.unlink(missing_ok=True)
        shutil.rmtree(self.path / "work" / stack, ignore_errors=True)

    def passphrase(self) -> str:
        """Return the passphrase of the state, made up once per folder."""
        file = self.path / "passphrase"
        if not file.exists():
            fresh = file.with_suffix(".new")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(32))
            fresh.replace(file)
        return file.read_text()

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take_lock(self, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    message = f"the state folder {self.path} is in use by another daemon; name another one"
                    raise StateLockedError(message) from None
                time.sleep(_LOCK_PAUSE_SECONDS)
            else:
                return

    @property
    def _backend(self) -> Path:
        return self.path / "backend"

    def _clear_stale_locks(self) -> None:
        # Whoever wrote them held the lock of the folder, which is ours now: no engine is running.
        shutil.rmtree(self._backend / ".pulumi" / "locks", ignore_errors=True)
