"""Looks at the settings file whenever it changes; what is wrong with it is told once, and the old settings hold."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import structlog
from watchfiles import awatch

from gateway_components.daemon.settings.file import SettingsError, Sources, read_text
from gateway_components.daemon.settings.live import LiveSettings
from gateway_components.daemon.settings.model import LIVE, adopt

__all__ = ["SettingsReader", "follow"]

_LOOK_MILLISECONDS = 10_000
"""After which the file is looked at anyhow: a link may lead to a folder that is not watched, or that is replaced."""
_STEP_MILLISECONDS = 200
"""How often the watcher wakes up, and how long a file must stay as it is: nobody waits for settings."""


class SettingsReader:
    """Puts what the settings file says in force, look by look.

    Parameters
    ----------
    live
        The settings in force.
    sources
        Where they come from, with a file.
    told
        Called for each new text of the file with whether all of it could be put in force.
    """

    def __init__(
        self, live: LiveSettings, sources: Sources, told: Callable[[bool], None] = lambda _: None
    ) -> None:
        self._live = live
        self._sources = sources
        self._told = told
        self._seen: str | None = None
        self._in_doubt = False
        self._log = structlog.get_logger()

    @property
    def folder(self) -> Path | None:
        """The folder of the file; None where there is no file."""
        return self._sources.file.absolute().parent if self._sources.file else None

    def look(self) -> None:
        """Read the file, and put it in force where its text is new.

        One that is missing or empty is believed at the second look: somebody may be about to write it.
        """
        try:
            text = read_text(self._sources.file) if self._sources.file else ""
            fault = None
        except SettingsError as error:
            text, fault = "", error
        doubtful = not text.strip()
        if doubtful and not self._in_doubt:
            self._in_doubt = True
            return
        self._in_doubt = doubtful
        seen = str(fault) if fault else text
        if seen == self._seen:
            return
        self._seen = seen
        try:
            if fault:
                raise fault
            complete = self._put_in_force(text)
        except SettingsError as error:
            self._refuse(error)
            complete = False
        self._told(complete)

    def _put_in_force(self, text: str) -> bool:
        current = self._live.current
        wanted = self._sources.settings(text)
        differing = current.differing(wanted)
        changed, refused = differing & LIVE, differing - LIVE
        if changed:
            self._live.change(adopt(current, wanted))
            values = {name: getattr(wanted, name) for name in sorted(changed)}
            self._log.warning("settings changed", file=str(self._sources.file), changed=values)
        if refused:
            self._log.warning(
                "settings need a restart",
                file=str(self._sources.file),
                fields=sorted(refused),
                cure="restart the daemon, or take these changes back; the old values hold",
            )
        return not refused

    def _refuse(self, error: SettingsError) -> None:
        first, *others = error.faults
        self._log.warning(
            "settings refused",
            file=first.place,
            line=first.line,
            field=first.field,
            error=first.message,
            cure=f"{first.cure} The old settings hold.",
            also=[str(fault) for fault in others],
        )


async def follow(reader: SettingsReader) -> None:
    """Let `reader` look whenever something happens in the folder of its file, until cancelled.

    The folder is watched and not the file, which editors replace, and Kubernetes too: in a mounted ConfigMap the file
    is a link through a link that is swapped.
    """
    if reader.folder is None:
        await asyncio.Event().wait()
        return
    reader.look()
    async with aclosing(_happenings(reader.folder)) as happenings:
        async for _ in happenings:
            reader.look()


async def _happenings(folder: Path) -> AsyncGenerator[None, None]:
    while True:
        try:
            async for _ in awatch(
                folder,
                watch_filter=None,
                step=_STEP_MILLISECONDS,
                rust_timeout=_LOOK_MILLISECONDS,
                yield_on_timeout=True,
                recursive=False,
            ):
                yield
        except (OSError, RuntimeError) as error:
            # The folder is gone, or the system has no watch left: the file is looked at all the same.
            structlog.get_logger().debug("settings are not watched", folder=str(folder), error=str(error))
        await asyncio.sleep(_LOOK_MILLISECONDS / 1000)
        yield
