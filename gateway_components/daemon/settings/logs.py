"""The daemon's log on standard error, whose level can change while it runs."""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

__all__ = ["LogLevel", "configure_logs"]


class LogLevel:
    """Lets through what is worth a line.

    Parameters
    ----------
    name
        The least that is: ``debug``, ``info`` or ``warning``.
    """

    def __init__(self, name: str) -> None:
        self.set(name)

    def set(self, name: str) -> None:
        """Change the least that is worth a line."""
        self._least: int = logging.getLevelNamesMapping()[name.upper()]

    def __call__(self, _: WrappedLogger, method: str, line: EventDict) -> EventDict:
        """Return the line, or drop it; structlog calls this first."""
        name = "error" if method == "exception" else method
        if logging.getLevelNamesMapping()[name.upper()] < self._least:
            raise structlog.DropEvent
        return line


def configure_logs(log_format: str, level: str) -> LogLevel:
    """Log to standard error.

    Parameters
    ----------
    log_format
        ``json``, ``text``, or ``auto`` for text on a terminal, else JSON.
    level
        The least that is worth a line.

    Returns
    -------
    LogLevel
        Changes that.
    """
    text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    renderer: Any = structlog.dev.ConsoleRenderer() if text else structlog.processors.JSONRenderer()
    least = LogLevel(level)
    structlog.configure(
        processors=[
            least,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        # The wrapper's level is fixed once a logger was used.
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    return least
