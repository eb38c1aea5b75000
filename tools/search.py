"""Looking for parts of a fitting version on PATH."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.check import version_of
from tools.errors import CheckError
from tools.parts import Part
from tools.versions import show_version


@dataclass(frozen=True)
class Found:
    """The folder with a part, if any, and a sentence about each other place that says why it does not serve."""

    folder: Path | None
    reasons: tuple[str, ...]


def search(part: Part, ignored: tuple[Path, ...], engine: Part) -> Found:
    """Look for a part on PATH.

    Parameters
    ----------
    ignored
        Folders whose content does not count, also through links: what this set-up put there.
    engine
        The part `pulumi`: of a part without a version range of its own, the one beside a fitting engine counts, where
        it must lie there.
    """
    if part.on_path is None:
        beside_engine = engine.name in part.beside
        return Found(search(engine, ignored, engine).folder if beside_engine else None, ())
    reasons: list[str] = []
    for binary in _candidates(part.name, ignored):
        reason = _unfitting(part, binary)
        if reason is None:
            return Found(binary.parent, tuple(reasons))
        reasons.append(reason)
    return Found(None, tuple(reasons))


def _candidates(name: str, ignored: tuple[Path, ...]) -> Iterator[Path]:
    seen = set()
    for entry in os.environ.get("PATH", "").split(os.pathsep):
        binary = Path(entry or ".").absolute() / name
        places = (binary.parent.resolve(), binary.resolve())
        if places[1] in seen or not binary.is_file() or not os.access(binary, os.X_OK):
            continue
        seen.add(places[1])
        if not any(place.is_relative_to(folder.resolve()) for place in places for folder in ignored):
            yield binary


def _unfitting(part: Part, binary: Path) -> str | None:
    """Return why a binary does not serve, or None if it does."""
    missing = [name for name in part.beside if not (binary.parent / name).exists()]
    if missing:
        return f"{binary} does not serve: {' and '.join(missing)} must lie beside it"
    try:
        version = version_of(binary, part.version_arguments)
    except CheckError as error:
        return f"{binary} does not serve: {error}"
    if part.on_path is not None and version not in part.on_path:
        return f"{binary} does not serve: it is {show_version(version)}, wanted is {part.on_path}"
    return None
