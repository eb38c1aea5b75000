"""Reads a folder of manifests over and over: what is at fault, or away for a moment, stays as it was."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway_components.manifests.load import Finding, Loaded, Located, load
from gateway_components.manifests.objects import ManifestObjects
from gateway_components.manifests.reading import read_objects

__all__ = ["FolderReader", "Reading"]


@dataclass(frozen=True)
class Reading:
    """What a folder holds.

    Attributes
    ----------
    objects
        Its objects, those of a file that cannot be read as they last were; with everything that is wrong now.
    blind
        Whether there is a file of which nobody knows what it holds: an object that is not seen may stand there.
    again
        Whether a file has just gone: it is believed at the next reading, for editors take files away for a moment.
    """

    objects: ManifestObjects = field(default_factory=ManifestObjects)
    blind: bool = False
    again: bool = False


class FolderReader:
    """Remembers what each file last held.

    Parameters
    ----------
    folder
        The folder; its YAML and JSON files are read, and not those of folders below it.
    namespace
        Namespace of the objects that name none.
    """

    def __init__(self, folder: Path, namespace: str) -> None:
        self._folder = folder
        self._namespace = namespace
        self._good: dict[str, tuple[Located, ...]] = {}
        self._away: set[str] = set()

    def read(self) -> Reading:
        """Return what the folder holds now."""
        loaded = load([self._folder])
        files = _by_file(loaded)
        findings = [found for found in loaded.findings if not self._is_empty(found)]
        unreadable = {found.file for found in findings if found.severity == "error"}
        nameless = {file for file, objects in files.items() if not all(map(_is_named, objects))}
        findings += self._findings(located for file in nameless for located in files[file])
        away = self._good.keys() - files.keys() - unreadable
        if str(self._folder) in unreadable:
            away = set()
        self._away, gone = away - self._away, away & self._away
        for file in gone:
            del self._good[file]
        self._good.update((file, files[file]) for file in files.keys() - nameless)
        doubtful = (unreadable | nameless) - self._good.keys()
        kept = [
            located
            for file in sorted(self._good.keys() | doubtful)
            for located in self._good.get(file, files.get(file, ()))
            if _is_named(located)
        ]
        objects = read_objects(Loaded(tuple(kept), tuple(findings)), self._namespace)
        return Reading(objects, blind=bool(doubtful), again=bool(self._away))

    def _is_empty(self, finding: Finding) -> bool:
        """Tell whether it says no more than that there is no file."""
        try:
            return (
                finding.file == str(self._folder) and next(self._folder.iterdir(), self._folder) is not None
            )
        except OSError:
            return False

    def _findings(self, objects: Iterable[Located]) -> list[Finding]:
        return read_objects(Loaded(tuple(objects), ()), self._namespace).findings


def _by_file(loaded: Loaded) -> dict[str, tuple[Located, ...]]:
    files: dict[str, tuple[Located, ...]] = {}
    for located in loaded.objects:
        files[located.file] = (*files.get(located.file, ()), located)
    return files


def _is_named(located: Located) -> bool:
    metadata = located.manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return isinstance(name, str) and bool(name)
