"""Checking a binary: its version, or that it starts."""

import os
import select
import subprocess
import time
from pathlib import Path

from tools.errors import CheckError
from tools.parts import Part
from tools.versions import Version, parse_version, show_version

_VERSION_SECONDS = 30.0
_START_SECONDS = 60.0
# A plugin wants the address of an engine; it reports its port before it calls there.
_NO_ENGINE = "127.0.0.1:1"


def version_of(binary: Path, arguments: tuple[str, ...]) -> Version:
    """Return the version that a binary prints.

    Raises CheckError: it does not run, or prints none.
    """
    command = [str(binary), *arguments]
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_VERSION_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CheckError(f"{binary} does not run: {error}") from error
    version = parse_version(result.stdout)
    if result.returncode != 0 or version is None:
        output = (result.stderr or result.stdout).strip()
        raise CheckError(f"`{' '.join(command)}` prints no version: {output}")
    return version


def check(part: Part, folder: Path) -> None:
    """Check the binary of a part that was built into a folder.

    Raises CheckError: it has another version than the part, or does not start.
    """
    binary = folder / part.name
    if not part.version_arguments:
        _check_start(binary, folder)
        return
    version = version_of(binary, part.version_arguments)
    if version != parse_version(part.version):
        raise CheckError(f"{binary} says that it is {show_version(version)}; {part.version} is wanted")


def _check_start(binary: Path, folder: Path) -> None:
    """Start a plugin and stop it once it has printed its port."""
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    try:
        process = subprocess.Popen(
            [str(binary), _NO_ENGINE],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise CheckError(f"{binary} does not run: {error}") from error
    try:
        line = _first_line(process)
    finally:
        process.kill()
        _, errors = process.communicate()
    if not line.strip().isdigit():
        raise CheckError(
            f"{binary} did not report a port but {line.strip()!r}: {errors.decode(errors='replace').strip()}"
        )


def _first_line(process: subprocess.Popen[bytes]) -> str:
    if process.stdout is None:
        return ""
    descriptor = process.stdout.fileno()
    deadline = time.monotonic() + _START_SECONDS
    output = b""
    while b"\n" not in output:
        readable, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(descriptor, 4096) if readable else b""
        if not chunk:
            break
        output += chunk
    return output.decode(errors="replace").partition("\n")[0]
