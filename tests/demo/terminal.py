"""A program on a pseudo terminal, and what a person would see there."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
from collections.abc import Mapping
from pathlib import Path

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Terminal:
    """Runs a program on a terminal of its own and collects what it writes."""

    def __init__(
        self, command: list[str], folder: Path, environment: Mapping[str, str], columns: int = 160
    ) -> None:
        # Whoever runs tests in workers tells them the size of another terminal.
        environment = {key: value for key, value in environment.items() if key not in {"LINES", "COLUMNS"}}
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
        )
        os.close(slave)
        self._written = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def text(self) -> str:
        """Return all that was written so far, without escape sequences."""
        return _ESCAPES.sub("", self._written.decode(errors="replace"))

    def press_control_c(self) -> None:
        os.write(self._master, b"\x03")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self._master)

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._master, 65536)
            except OSError:  # nobody has the other side open any more
                return
            if not chunk:
                return
            self._written += chunk
