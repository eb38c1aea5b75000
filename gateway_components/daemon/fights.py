"""How long to leave alone what somebody changes again as soon as it is put right, pure."""

from dataclasses import dataclass

from gateway_components.plan.keys import GatewayKey

__all__ = ["Fights"]

_AT_ONCE = 4
"""As many corrections of one gateway are made without a pause."""
_QUIET_SECONDS = 60.0
"""After this long without one, nobody fights any more."""
_FIRST_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Fight:
    corrections: int
    last: float

    @property
    def pause(self) -> float:
        further = self.corrections - _AT_ONCE
        return min(_FIRST_PAUSE_SECONDS * 2 ** (further - 1), _LONGEST_PAUSE_SECONDS) if further > 0 else 0.0


class Fights:
    """Remembers corrections, and makes each further one of the same gateway wait longer.

    Another controller that writes a field of ours would otherwise have the engine run without end.
    """

    def __init__(self) -> None:
        self._fights: dict[GatewayKey, _Fight] = {}

    def corrected(self, key: GatewayKey, now: float) -> None:
        """Note that drift of `key` was put right at `now` (seconds)."""
        before = self._fights.get(key)
        goes_on = before is not None and now - before.last <= before.pause + _QUIET_SECONDS
        self._fights[key] = _Fight(before.corrections + 1 if before and goes_on else 1, now)

    def until(self, key: GatewayKey) -> float | None:
        """Return when (seconds) `key` may be put right again; None where nobody fights about it."""
        fight = self._fights.get(key)
        return fight.last + fight.pause if fight and fight.pause else None

    def forget(self, key: GatewayKey) -> None:
        """Drop all memory of a gateway."""
        self._fights.pop(key, None)
