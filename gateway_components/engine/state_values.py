"""What may stand in any part of a state: known fields, times, and values that mean nothing to the engine."""

import re
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from gateway_components.api.syntax import shown
from gateway_components.engine.errors import StateUnreadableError
from gateway_components.errors import shortened

__all__ = ["check_fields", "check_time", "check_values", "refusal"]

Raw = Mapping[str, Any]

_MARK = "4dabf18193072939515e22adb298388d"
"""Key that marks a special value for the engine: a secret, or a file that it opens by its path."""
_LONGEST = 400
_MOST_LEVELS = 256
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]{1,9})?(Z|[-+][0-9]{2}:[0-9]{2})")
_NUMBERS = (int, float)


def check_fields(found: Raw, known: Mapping[str, type], where: str) -> None:
    """Refuse fields that are not known, or of another type: the engine takes some names in capitals as well."""
    for name, value in found.items():
        if name not in known:
            raise refusal(f"{shown(name)} of {where}")
        if not isinstance(value, known[name]):
            raise refusal(f"{name} of {where} as another type")


def check_time(text: str | None, where: str) -> None:
    """Refuse a text that the engine reads as no time."""
    if text is None:
        return
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise refusal(f"{where} as another type") from None
    if not _TIME.fullmatch(text):
        raise refusal(f"{where} as another type")


def check_values(value: object, where: str) -> None:
    """Refuse values that the engine interprets."""
    for found, level in _values(value):
        if level > _MOST_LEVELS:
            raise refusal(f"{where}, more than {_MOST_LEVELS} levels deep")
        if isinstance(found, dict) and _MARK in found:
            raise refusal(f"{where}: a secret, a file or a reference")
        if isinstance(found, _NUMBERS) and not abs(found) <= sys.float_info.max:
            # JSON has neither infinity nor NaN, and the engine no whole numbers beyond.
            raise refusal(f"{where}: what is not a number")


def _values(value: object) -> Iterator[tuple[object, int]]:
    # Without recursion: JSON may nest deeper than Python allows.
    waiting = [(value, 0)]
    while waiting:
        found, level = waiting.pop()
        yield found, level
        below = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
        waiting += ((one, level + 1) for one in below)


def refusal(what: str) -> StateUnreadableError:
    """Return the refusal of a state that contains `what`."""
    return StateUnreadableError(f"this is not a state of a daemon: it contains {shortened(what, _LONGEST)}")
