"""The user's cache folder: one folder per part and content, complete or not there at all."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_UNFINISHED = ".unfinished-"
_KEY_DIGITS = 16


def cache_root() -> Path:
    """Return the cache folder: `GATEWAY_TOOLS_CACHE`, or one in the user's folder for caches."""
    if chosen := os.environ.get("GATEWAY_TOOLS_CACHE"):
        return Path(chosen).absolute()
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(user).absolute() / "gateway-components"


def content_key(recipe: str, files: list[Path]) -> str:
    """Return a key that changes with the recipe and with the name or content of any file.

    Raises OSError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for text in (recipe.encode(), *(part for file in sorted(files) for part in _name_and_content(file))):
        digest.update(len(text).to_bytes(8, "big"))
        digest.update(text)
    return digest.hexdigest()[:_KEY_DIGITS]


def _name_and_content(file: Path) -> tuple[bytes, bytes]:
    return file.name.encode(), file.read_bytes()


@contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock that other processes respect; it ends with the process at the latest.

    Its file stays, since removing it would break the lock. `waiting` is called once if another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def produce(
    root: Path, name: str, key: str, make: Callable[[Path], None], *, waiting: Callable[[], None]
) -> Path:
    """Return a folder of the cache, made first if it is not there.

    Parameters
    ----------
    name, key
        What is made, and the key of what it is made from.
    make
        Fills a new folder. If it raises, the folder is removed and nothing enters the cache.
    waiting
        Called once if another process is making it; what that one made is used then.
    """
    finished = root / f"{name}-{key}"
    if finished.is_dir():
        return finished
    with locked(root / f"{name}.lock", waiting):
        if finished.is_dir():
            return finished
        # Whoever left these behind is dead, since the lock is ours.
        for unfinished in root.glob(f"{name}{_UNFINISHED}*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        folder = root / f"{name}{_UNFINISHED}{os.getpid()}"
        folder.mkdir(parents=True)
        try:
            make(folder)
            folder.rename(finished)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return finished
