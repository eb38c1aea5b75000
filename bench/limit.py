"""A limit of memory that the kernel enforces, as on a container."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import LabError, wait_until

_TOP = Path("/sys/fs/cgroup")
_SECONDS = 30.0


@contextmanager
def limited_memory(name: str, mib: int) -> Iterator[Path]:
    """Make a cgroup with so much memory; yield the file that takes the number of a process.

    Raises LabError: the machine lets nobody make one; that takes root.
    """
    first = (_TOP / "memory").is_dir()
    folder = _TOP / ("memory" if first else "") / name
    try:
        folder.mkdir()
        (folder / ("memory.limit_in_bytes" if first else "memory.max")).write_text(str(mib * 2**20))
    except OSError as error:
        raise LabError(f"memory cannot be limited here: {error}") from error
    members = folder / "cgroup.procs"
    try:
        yield members
    finally:
        wait_until(lambda: not members.read_text(), timeout=_SECONDS, what="the end of all processes")
        folder.rmdir()
