"""Free ports on the loopback address."""

import random
import socket

from lab.errors import LabError

HOST = "127.0.0.1"
# Below the range from which the kernel serves outgoing connections: such a connection cannot take the API
# server's port while it is stopped and must come back on the same one.
_RANGE = range(10000, 30000)
_TRIES = 200


def free_port() -> int:
    """Return a port on which nothing listens at the moment.

    Another process may take it before it is used: whoever uses it has to be ready for that.

    Raises LabError: none was found.
    """
    for port in random.sample(_RANGE, _TRIES):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise LabError(f"no free port on {HOST} between {_RANGE.start} and {_RANGE.stop}")
