"""Reads manifest files and folders."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway_components import strict_yaml
from gateway_components.errors import Finding, YamlError, clause, visible
from gateway_components.identity import Identity
from gateway_components.strict_yaml import Document

_ENDINGS = (".yaml", ".yml", ".json")
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml")
"""Files of kustomize that need not say their kind."""


@dataclass(frozen=True, slots=True)
class FileFinding(Finding):
    """A finding with its place in a file, whose lines count from 1."""

    file: str = ""
    line: int = 1

    def __str__(self) -> str:
        """Return one line: ``FILE:LINE: severity: SUBJECT: field: message; cure``."""
        return self._joined(f"{self.place}: {self.severity}")

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.file}:{self.line}"

    @property
    def unrated(self) -> str:
        """The same line without the severity."""
        return self._joined(self.place)

    def _joined(self, where: str) -> str:
        subject = str(self.subject).strip() if self.subject else ""
        what = f"{self.text}; {clause(self.cure)}" if self.cure else self.text
        return visible(": ".join(part for part in (where, subject, self.field, what) if part), kept="")


@dataclass(frozen=True, slots=True)
class Located:
    """An object of a manifest file, in JSON types."""

    manifest: Mapping[str, Any]
    file: str
    _document: Document
    _path: tuple[str | int, ...] = ()

    @property
    def kind(self) -> str:
        """Kind of the object."""
        return str(self.manifest.get("kind", ""))

    @property
    def line(self) -> int:
        """Line where the object begins."""
        return self._document.line_of(self._path)

    @property
    def subject(self) -> Identity:
        """Kind, namespace and name as far as they are given."""
        metadata = self.manifest.get("metadata")
        metadata = metadata if isinstance(metadata, Mapping) else {}
        return Identity(self.kind, str(metadata.get("namespace") or ""), str(metadata.get("name") or ""))

    def line_in(self, path: Iterable[str | int], line: int) -> int:
        """Return the line in the file of line `line` of the text at `path`."""
        return self._document.line_in((*self._path, *path), line)

    def finding(self, found: Finding, *, line: int | None = None) -> FileFinding:
        """Return a finding about this object, at `line` or else at the line of its field."""
        if line is None:
            line = self._document.line_of((*self._path, *found.path))
        return FileFinding(
            found.path,
            found.message,
            found.cure,
            found.severity,
            found.reason,
            self.subject,
            inside=found.inside,
            file=self.file,
            line=line,
        )


@dataclass(frozen=True, slots=True)
class Loaded:
    """All objects of some files, and what is wrong with the files themselves."""

    objects: tuple[Located, ...]
    findings: tuple[FileFinding, ...]


def load(paths: Iterable[Path]) -> Loaded:
    """Read files, and the YAML and JSON files directly in folders, as ``kubectl apply -f`` does.

    A file that is missing or cannot be read is a finding, not an exception.
    """
    objects: list[Located] = []
    findings: list[FileFinding] = []
    for path in paths:
        try:
            files = _files(path)
        except OSError as error:
            findings.append(_unreadable(path, error))
            continue
        if not files:
            cure = f"add a file that ends in {', '.join(_ENDINGS)}"
            findings.append(FileFinding((), "the folder holds no manifest", cure, file=_shown(path)))
        for file in files:
            try:
                objects += _objects(file, findings)
            except OSError as error:
                findings.append(_unreadable(file, error))
            except UnicodeDecodeError:
                findings.append(FileFinding((), "is not UTF-8 text", "save it as UTF-8", file=_shown(file)))
            except YamlError as error:
                findings.append(
                    FileFinding((), error.message, "correct the YAML", file=_shown(file), line=error.line)
                )
    return Loaded(tuple(objects), tuple(findings))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix in _ENDINGS and _is_file(file))


def _is_file(path: Path) -> bool:
    # A broken link is reported; reading a pipe would block.
    return path.is_file() or (path.is_symlink() and not path.exists())


def _unreadable(path: Path, error: OSError) -> FileFinding:
    return FileFinding((), f"cannot be read: {error.strerror}", "check the path", file=_shown(path))


def _shown(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace")


def _objects(file: Path, findings: list[FileFinding]) -> Iterator[Located]:
    # All documents are read before the first is used: a file with a fault gives nothing.
    for document in strict_yaml.parse_all(file.read_text(encoding="utf-8")):
        for manifest, path in _flatten(document.value):
            if isinstance(manifest, Mapping) and isinstance(manifest.get("kind"), str):
                yield Located(manifest, _shown(file), document, path)
            else:
                findings.append(_no_object(file, document.line_of(path)))


def _no_object(file: Path, line: int) -> FileFinding:
    if file.name in _KUSTOMIZATIONS:
        message, cure = "this file of kustomize is left out", "give the output of kubectl kustomize"
        return FileFinding((), message, cure, "warning", file=_shown(file), line=line)
    message = "this is not a Kubernetes object: it has no kind"
    return FileFinding(("kind",), message, "add apiVersion and kind", file=_shown(file), line=line)


def _flatten(value: Any) -> Iterator[tuple[Any, tuple[str | int, ...]]]:
    if isinstance(value, Mapping) and value.get("kind") == "List" and isinstance(value.get("items"), list):
        for position, item in enumerate(value["items"]):
            for manifest, path in _flatten(item):
                yield manifest, ("items", position, *path)
    else:
        yield value, ()
