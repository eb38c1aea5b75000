"""``gatewayctl`` under a supervisor, as in a pod: whoever loses the lease ends, and is started again.

It waits only some seconds for a silent watch, for a Secret that was deleted and after trouble, so that no test has to
wait longer.
"""

import os
import signal
import subprocess
import sys
from functools import partial

from gateway_components.backoff import Backoff
from gateway_components.cli.main import main
from gateway_components.daemon.reconcile import grace
from gateway_components.daemon.run import Exit
from gateway_components.kube import reflector
from lab.supervisor import die_with_parent

PROGRAM = sys.executable, "-m", "tests.faults.impatient"
_SUPERVISED = "SUPERVISED"


def supervise() -> int:
    """Run this program as a child, again as long as it loses its lease, and return its last exit code."""
    while True:
        # This process has one thread, so preexec_fn is safe.
        child = subprocess.Popen(
            [*PROGRAM, *sys.argv[1:]],
            env={**os.environ, _SUPERVISED: "true"},
            preexec_fn=die_with_parent,  # noqa: PLW1509
        )
        signal.signal(signal.SIGTERM, partial(_pass_on, child))
        code = child.wait()
        if code != Exit.LOST_LEASE:
            return code


def _pass_on(child: subprocess.Popen[bytes], number: int, _: object) -> None:
    child.send_signal(number)


def _soon(first: float, longest: float) -> Backoff:
    return Backoff(first, min(longest, 2.0))


if __name__ == "__main__":
    if _SUPERVISED not in os.environ:
        sys.exit(supervise())
    reflector._SILENCE_SECONDS = 5.0
    grace._SECONDS = 5.0
    reflector.Backoff = _soon  # type: ignore[attr-defined,assignment]
    main()
