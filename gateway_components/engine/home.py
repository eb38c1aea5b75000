"""A home of the engine's own: the Kubernetes provider, credentials of the real home, and no logs."""

import os
import shlex
from pathlib import Path

from gateway_components.engine.errors import EngineError
from gateway_components.engine.locate import PROVIDER, PROVIDER_VERSION
from gateway_components.engine.parent_death import parent_death_prefix

__all__ = ["make_home"]

_CREDENTIALS = "credentials.json"


def make_home(folder: Path, home: Path, provider: Path) -> Path:
    """Make `folder` a home for engine runs, and return it.

    The engine starts what it finds there as the provider: a script that becomes `provider`, and ends with the engine.
    A provider that an engine left behind would live on for minutes.

    The engine logs every run at its most verbose below its home, which took more than half of the time of a run, and
    27 MB for one with 200 gateways. It has no switch for that, but does without where there can be no such folder.

    Parameters
    ----------
    folder
        Where to make it.
    home
        The real home, with the credentials of backends.
    provider
        The Kubernetes provider.

    Raises
    ------
    EngineError
        It cannot be written, or what is written there would take the place of `provider` or of the real home.
    """
    logs, credentials, plugins = folder / "logs", folder / _CREDENTIALS, folder / "plugins"
    plugin = plugins / f"resource-kubernetes-v{PROVIDER_VERSION}"
    try:
        if not folder.is_symlink() and _holds(folder, home, provider):
            message = f"the folder {folder} is the home of Pulumi itself; name another scratch folder"
            raise EngineError(message)
        # An earlier version linked the plugins of the real home. What a link leads to is not ours to write.
        for own in (folder, logs, plugins, plugin):
            if own.is_symlink():
                own.unlink()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        credentials.unlink(missing_ok=True)
        real = home.absolute() / _CREDENTIALS
        if real.exists():
            credentials.symlink_to(real)
        logs.touch()
        plugin.mkdir(parents=True, exist_ok=True)
        _write_launcher(plugin / PROVIDER, provider)
    except OSError as error:
        message = f"the folder {folder} cannot be used: {error.strerror}; name a writable one"
        raise EngineError(message) from None
    return folder


def _holds(folder: Path, home: Path, provider: Path) -> bool:
    own = folder.resolve()
    return home.resolve() == own or provider.resolve().is_relative_to(own)


def _write_launcher(path: Path, program: Path) -> None:
    command = shlex.join([*parent_death_prefix(), str(program.absolute())])
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    fresh.chmod(0o700)
    if not os.access(fresh, os.X_OK):
        # Nothing in this folder may be run: it was mounted so.
        fresh.unlink()
        fresh.symlink_to(program.absolute())
    fresh.replace(path)
