"""Signals as exceptions, so that whatever was started is stopped by `with` blocks on every path."""

import signal

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signalled(BaseException):
    """A signal of this `number` asks this program to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def raise_signals() -> None:
    """From now on, have the first signal raise `Signalled` and ignore those that follow."""
    for number in _NUMBERS:
        signal.signal(number, _raise)


def ignore_signals() -> None:
    """From now on, let no signal interrupt what cleans up."""
    for number in _NUMBERS:
        signal.signal(number, signal.SIG_IGN)


def _raise(number: int, _frame: object) -> None:
    # Further ones must not interrupt the clean-up; and the supervisor does it should this process be killed.
    ignore_signals()
    raise Signalled(number)
