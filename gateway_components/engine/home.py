"""A home of the engine's own: plugins and credentials of the real one, and no logs."""

from pathlib import Path

from gateway_components.engine.errors import EngineError

__all__ = ["make_home"]

_SHARED = ("plugins", "credentials.json")


def make_home(folder: Path, home: Path) -> Path:
    """Make `folder` a home for engine runs that have the plugins and credentials of `home`, and return it.

    The engine logs every run at its most verbose below its home, which took more than half of the time of a run, and
    27 MB for one with 200 gateways. It has no switch for that, but does without where there can be no such folder.

    Raises
    ------
    EngineError
        It cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in _SHARED:
            link, target = folder / name, home.absolute() / name
            link.unlink(missing_ok=True)
            if target.exists():
                link.symlink_to(target)
        (folder / "logs").touch()
    except OSError as error:
        message = f"the folder {folder} cannot be used: {error.strerror}; name a writable one"
        raise EngineError(message) from None
    return folder
