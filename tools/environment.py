"""Creates the virtual environment `.venv`; run as a script, by any Python, before anything else.

It imports only the standard library and keeps to a syntax that an old Python can read, so that an old Python
gets a message instead of a syntax error.
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
PROJECT = Path(__file__).resolve().parent.parent
FILES = ("requirements.txt", "requirements-dev.txt", "constraints.txt", "pyproject.toml")


def wanted_key(project: Path) -> str:
    """Return a key that changes with the requirements and with the Python that runs this."""
    digest = hashlib.sha256(sys.version.encode())
    for name in FILES:
        digest.update((project / name).read_bytes())
    return digest.hexdigest()


def create(project: Path) -> None:
    """Create or update the virtual environment of a project unless it is up to date.

    Two runs at once are safe: the second waits and then finds nothing left to do.

    Raises subprocess.CalledProcessError: a package cannot be installed; pip has said why.
    """
    environment = project / ".venv"
    stamp = environment / ".installed"
    key = wanted_key(project)
    environment.mkdir(exist_ok=True)
    with (environment / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == key:
            return
        print("Installing the Python packages into .venv …", flush=True)
        python = str(environment / "bin" / "python")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        for command in (
            [sys.executable, "-m", "venv", str(environment)],
            # The file names all packages, so nothing has to be resolved; each is checked against its hash.
            [*pip, "--no-deps", "--require-hashes", "-r", "constraints.txt"],
            # With the pinned setuptools from that file, or pip would fetch one without a hash.
            [*pip, "--no-deps", "--no-build-isolation", "-e", "."],
        ):
            subprocess.run(command, cwd=project, check=True)
        stamp.write_text(key)


def main() -> int:
    """Create this project's environment and return the exit code."""
    if sys.version_info < OLDEST:
        wanted = ".".join(str(number) for number in OLDEST)
        print(
            f"error: Python {wanted} or newer is needed; {sys.executable} is {sys.version.split()[0]}. "
            f"Install one and run: make PYTHON=python{wanted} …",
            file=sys.stderr,
        )
        return 1
    try:
        create(PROJECT)
    except subprocess.CalledProcessError as error:
        print(f"error: {' '.join(error.cmd[:4])} … failed with code {error.returncode}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
