"""Settings that change while a daemon runs."""

from collections.abc import Callable

from gateway_components.daemon.settings.model import Settings

__all__ = ["LiveSettings"]


class LiveSettings:
    """The settings in force; whoever uses one reads it at each use, or subscribes to changes.

    Parameters
    ----------
    settings
        Those to begin with.
    """

    def __init__(self, settings: Settings) -> None:
        self._current = settings
        self._told: list[Callable[[Settings], None]] = []

    @property
    def current(self) -> Settings:
        """The settings in force."""
        return self._current

    def subscribe(self, told: Callable[[Settings], None]) -> None:
        """Call `told` with the new settings after each change."""
        self._told.append(told)

    def change(self, settings: Settings) -> None:
        """Put other settings in force."""
        self._current = settings
        for told in self._told:
            told(settings)
