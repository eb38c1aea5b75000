"""How the daemon can end."""

from enum import IntEnum

__all__ = ["Exit"]


class Exit(IntEnum):
    """Exit codes of the daemon."""

    STOPPED = 0
    INTERNAL_ERROR = 1
    BAD_SETTINGS = 2
    NO_ENGINE = 3
    NO_CREDENTIALS = 4
    STATE_IN_USE = 5
    INTERRUPTED = 6
    LOST_LEASE = 7
