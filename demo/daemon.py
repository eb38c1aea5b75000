"""The daemon as a process of its own, as a user would run it."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from lab.supervisor import die_with_parent

_STOP_SECONDS = 5
_KILL_SECONDS = _STOP_SECONDS + 20
_LOG_LINES = 20


class DaemonProcess:
    """Runs ``gatewayctl daemon`` until the end of a `with` block.

    Parameters
    ----------
    kubeconfig
        Credentials of the cluster.
    folder
        Gets its state and its log; kept at the end, so that another daemon can go on from there.
    tied
        Whether the kernel is to end it when this process is killed; only for a process that has one thread.

    Attributes
    ----------
    log
        File that its log goes to.
    pid
        Its process id.
    """

    def __init__(self, kubeconfig: Path, folder: Path, *, tied: bool = True) -> None:
        self.log = folder / "daemon.log"
        temporary = folder / "tmp"
        temporary.mkdir(exist_ok=True)
        program = Path(sys.executable).parent / "gatewayctl"
        # Every cluster has this one, and no tenant may write there.
        home = ("--install-namespace", "kube-system")
        command = [str(program), "daemon", "--scratch-folder", str(folder / "state"), *home]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--stop-seconds", str(_STOP_SECONDS), "--log-format", "json"],
                # What a daemon that is killed leaves behind goes with the rest.
                env={**os.environ, "KUBECONFIG": str(kubeconfig), "TMPDIR": str(temporary)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches this program alone, which then ends the rest in order
                # Asked for only where there is no other thread, so preexec_fn is safe.
                preexec_fn=die_with_parent if tied else None,  # noqa: PLW1509
            )
        self.pid = self._process.pid

    def exit_code(self) -> int | None:
        """Return its exit code; None while it runs."""
        return self._process.poll()

    def log_end(self) -> str:
        """Return the last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:])

    def stop(self) -> None:
        """Ask it to end and wait until it has; may be called again."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_KILL_SECONDS)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
