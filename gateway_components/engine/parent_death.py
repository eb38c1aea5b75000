"""Has the kernel end a program with the process that started it, however that one ends.

On Linux alone. The kernel watches the thread that started the program: that thread must live as long as the program.
Also a script of its own, which imports nothing else of this project: ``parent_death.py PROGRAM ARGUMENT…`` becomes
that program.
"""

import ctypes
import os
import sys

__all__ = ["parent_death_prefix"]

_PR_SET_PDEATHSIG = 1
_SIGKILL = 9


def parent_death_prefix() -> tuple[str, ...]:
    """Return what goes before a command whose program is to end with its parent; nothing where no kernel does that.

    ``setpriv`` of util-linux takes half a millisecond, Python twenty times as long.
    """
    if sys.platform != "linux":
        return ()
    # Loaded here: the script does not wait for it.
    import subprocess  # noqa: PLC0415

    prefix = ("setpriv", "--pdeathsig", "KILL")
    try:
        # There are others of that name, which know no such option.
        subprocess.run([*prefix, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return (sys.executable, "-I", "-S", __file__)
    return prefix


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606  (becoming another program is the purpose)
