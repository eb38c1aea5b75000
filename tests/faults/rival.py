"""``gatewayctl`` with a Lease of a few seconds, held up as a busy machine does it.

``FROZEN=MODULE:QUALIFIED_NAME:NUMBER`` stops the whole process before the n-th call of a function, until somebody
continues it. While the file ``held-up`` stands in its scratch folder, the event loop of its Lease does nothing.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from gateway_components.cli.main import main
from gateway_components.daemon.leader import Leader, Terms
from tests.faults.fatal import arm

PROGRAM = sys.executable, "-m", "tests.faults.rival"
HELD_UP = "held-up"
LEASE_SECONDS = 4
_LOOK_SECONDS = 0.05


def hold_up(marker: Path) -> None:
    """Keep the event loop that renews the Lease of a leader from doing anything while `marker` exists."""
    acquire = Leader._acquire

    def look() -> None:
        while marker.exists():
            time.sleep(_LOOK_SECONDS)
        asyncio.get_running_loop().call_later(_LOOK_SECONDS, look)

    async def acquire_and_look(leader: Leader) -> None:
        await acquire(leader)
        look()

    Leader._acquire = acquire_and_look  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    Terms.__init__.__defaults__ = (LEASE_SECONDS, 2.5, 0.5, 1.0)
    hold_up(Path(sys.argv[sys.argv.index("--scratch-folder") + 1]) / HELD_UP)
    if "FROZEN" in os.environ:
        module, name, number = os.environ["FROZEN"].split(":")
        arm(module, name, "before", int(number), signal.SIGSTOP)
    main()
