"""The scratch folder: the engine's file backend, work folders and passphrase; one process at a time uses it."""

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from gateway_components.engine.checkpoint import PROJECT
from gateway_components.engine.entries import StateEntries, stack_folder
from gateway_components.engine.errors import EngineError, StateLockedError
from gateway_components.engine.process import end_holders

_ENGINE_LOCK = "engine.lock"
_LOCK_PAUSE_SECONDS = 0.05
_KILL_SECONDS = 10.0


class ScratchFolder:
    """Everything the engine keeps between runs; an `EngineError` where it cannot be read or written.

    It is disposable: server-side apply adopts what exists. One lock keeps other daemons out. Every engine run inherits
    another one, by which a run that outlives a killed daemon is found and killed; it has `grace_seconds` to exit.

    `entries` are the states of all stacks; the engine's backend has the slice of the last run. The folder is created
    with access for its owner alone.

    Raises StateLockedError: another daemon uses it.
    """

    def __init__(self, path: Path, grace_seconds: float = 2.0) -> None:
        self.path = path.absolute()
        self.entries = StateEntries(self.path / "states")
        try:
            self._backend.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.chmod(0o700)
            self._daemon_lock = self._open("daemon.lock")
            self._engine_lock = self._open(_ENGINE_LOCK)
        except OSError as error:
            message = f"the scratch folder {self.path} cannot be used: {error.strerror}; name a writable one"
            raise EngineError(message) from None
        try:
            self._take_locks(grace_seconds)
        except EngineError:
            self.close()
            raise
        # Their owner held the lock of the folder, which is ours now: no engine is running.
        shutil.rmtree(self._backend / ".pulumi" / "locks", ignore_errors=True)

    @property
    def lock_descriptor(self) -> int:
        """Descriptor of the lock that engine runs inherit."""
        return self._engine_lock

    @property
    def backend_url(self) -> str:
        """URL of the engine's backend."""
        return self._backend.as_uri()

    def work_folder(self, stack: str) -> Path:
        """Return the folder the engine runs `stack` in; the stack's salt in it halves key derivation."""
        folder = self._work_folder(stack)
        with self.used("written"):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def read(self, stack: str) -> bytes | None:
        """Return the checkpoint that the engine has of a stack, if it has one."""
        file = self._state_file(stack)
        with self.used("read"):
            return file.read_bytes() if file.exists() else None

    def write(self, stack: str, checkpoint: bytes, salt: str | None) -> None:
        """Write the checkpoint of a stack, and the salt that belongs to it."""
        file = self._state_file(stack)
        settings = self.work_folder(stack) / f"Pulumi.{stack}.yaml"
        with self.used("written"):
            if salt:
                settings.write_text(f"encryptionsalt: {salt}\n")
            file.parent.mkdir(parents=True, exist_ok=True)
            fresh = file.with_suffix(".new")
            fresh.write_bytes(checkpoint)
            fresh.replace(file)

    def forget(self, stack: str) -> None:
        """Remove an empty stack."""
        state = self._state_file(stack)
        with self.used("written"):
            for file in (state, state.with_suffix(".json.bak"), state.with_suffix(".json.attrs")):
                file.unlink(missing_ok=True)
        shutil.rmtree(self._work_folder(stack), ignore_errors=True)
        self.entries.forget(stack)
        self.clear_history(stack)

    def unlock(self, stack: str) -> None:
        """Remove the locks of a killed run; no other run of the stack may be active."""
        for folder in (self._backend / ".pulumi" / "locks").glob(f"*/{PROJECT}/{stack}"):
            shutil.rmtree(folder, ignore_errors=True)

    def clear_history(self, stack: str) -> None:
        """Remove the copies of the state that each run leaves behind."""
        shutil.rmtree(self._backend / ".pulumi" / "history" / PROJECT / stack, ignore_errors=True)

    def passphrase(self) -> str:
        """Return the passphrase of the state, generated once per folder."""
        file = self.path / "passphrase"
        if not file.exists():
            fresh = file.with_suffix(".new")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(32))
            fresh.replace(file)
        return file.read_text()

    def close(self) -> None:
        """Release the folder."""
        os.close(self._engine_lock)
        os.close(self._daemon_lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def used(self, how: str) -> Iterator[None]:
        """Turn the error of a disk that is full or read-only into one that names the cure."""
        try:
            yield
        except OSError as error:
            message = (
                f"the scratch folder {self.path} cannot be {how}: {error.strerror}; make room in it, or name another "
                "one with --scratch-folder"
            )
            raise EngineError(message) from None

    def _open(self, name: str) -> int:
        return os.open(self.path / name, os.O_RDWR | os.O_CREAT, 0o600)

    def _take_locks(self, grace_seconds: float) -> None:
        if not _locked(self._daemon_lock, 0):
            message = f"the scratch folder {self.path} is in use by another daemon; name another one"
            raise StateLockedError(message)
        if _locked(self._engine_lock, grace_seconds):
            return
        end_holders(self.path / _ENGINE_LOCK)
        if not _locked(self._engine_lock, _KILL_SECONDS):
            message = f"the scratch folder {self.path} is in use by an engine run that cannot be ended"
            raise StateLockedError(message)

    def _work_folder(self, stack: str) -> Path:
        return stack_folder(self.path / "work", stack)

    def _state_file(self, stack: str) -> Path:
        return self._backend / ".pulumi" / "stacks" / PROJECT / f"{stack}.json"

    @property
    def _backend(self) -> Path:
        return self.path / "backend"


def _locked(descriptor: int, wait_seconds: float) -> bool:
    """Take a lock; False if another process holds it for longer than `wait_seconds`."""
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_LOCK_PAUSE_SECONDS)
        else:
            return True
