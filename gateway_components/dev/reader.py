"""Reads a folder of manifests repeatedly; keeps the last good content of a file that is broken or briefly missing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway_components.manifests.load import FileFinding, Loaded, Located, load
from gateway_components.manifests.objects import ManifestObjects, read_objects


@dataclass(frozen=True)
class Reading:
    """What a folder holds: its objects, those of an unreadable file as they last were, and all current findings.

    Attributes
    ----------
    incomplete
        Whether a file could never be read: it may hold objects that are not known.
    again
        Whether a file just disappeared: it counts as deleted at the next reading, as editors replace files.
    """

    objects: ManifestObjects = field(default_factory=ManifestObjects)
    incomplete: bool = False
    again: bool = False


class FolderReader:
    """Keeps the last good content of each YAML and JSON file of a folder, without subfolders.

    `namespace` is that of the objects that name none.
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
        unknown = (unreadable | nameless) - self._good.keys()
        kept = [
            located
            for file in sorted(self._good.keys() | unknown)
            for located in self._good.get(file, files.get(file, ()))
            if _is_named(located)
        ]
        objects = read_objects(Loaded(tuple(kept), tuple(findings)), self._namespace)
        return Reading(objects, incomplete=bool(unknown), again=bool(self._away))

    def _is_empty(self, finding: FileFinding) -> bool:
        try:
            return (
                finding.file == str(self._folder) and next(self._folder.iterdir(), self._folder) is not None
            )
        except OSError:
            return False

    def _findings(self, objects: Iterable[Located]) -> list[FileFinding]:
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
