"""Logs of commands that are not services: warnings alone, in plain text, on standard error."""

import logging
import sys

import structlog

__all__ = ["log_warnings_only"]


def log_warnings_only() -> None:
    """Show what goes wrong beneath, such as a broken watch, and nothing else."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.dev.ConsoleRenderer(colors=False)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
