"""Reads manifest files and folders."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway_components import documents
from gateway_components.crds.problem import Severity
from gateway_components.documents import Document
from gateway_components.errors import YamlError

__all__ = ["Finding", "Loaded", "Located", "load"]

_ENDINGS = (".yaml", ".yml", ".json")
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml")
"""Files of kustomize that need not say their kind."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a file, ready to be shown.

    Attributes
    ----------
    file, line
        Where; lines count from 1.
    subject
        Kind and name of the object; empty where the text is no object.
    field, message, cure
        As in `Problem`.
    severity
        ``error`` where a gateway is not made or a route is not served for it.
    """

    file: str
    line: int
    subject: str
    field: str
    message: str
    cure: str
    severity: Severity = "error"

    def __str__(self) -> str:
        """Return one line: ``FILE:LINE: severity: SUBJECT: field: message; cure``."""
        where = f"{self.file}:{self.line}: {self.severity}"
        said = f"{self.message}; {self.cure}" if self.cure else self.message
        line = ": ".join(part for part in (where, self.subject, self.field, said) if part)
        return "".join(
            character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line
        )


@dataclass(frozen=True, slots=True)
class Located:
    """An object of a manifest file.

    Attributes
    ----------
    manifest
        The object in JSON types.
    file
        Name of its file.
    """

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
    def subject(self) -> str:
        """Kind, namespace and name of the object."""
        metadata = self.manifest.get("metadata")
        metadata = metadata if isinstance(metadata, Mapping) else {}
        name = "/".join(str(metadata[part]) for part in ("namespace", "name") if metadata.get(part))
        return f"{self.kind} {name}".strip()

    def line_in(self, path: Iterable[str | int], line: int) -> int:
        """Return the line in the file of line `line` of the text at `path`."""
        return self._document.line_in((*self._path, *path), line)

    def finding(
        self,
        path: Iterable[str | int],
        field: str,
        message: str,
        cure: str = "",
        severity: Severity = "error",
        *,
        line: int | None = None,
    ) -> Finding:
        """Return a finding about the field at `path`, which is shown as `field`; `line` is known better at times."""
        found = self._document.line_of((*self._path, *path)) if line is None else line
        return Finding(self.file, found, self.subject, field, message, cure, severity)


@dataclass(frozen=True, slots=True)
class Loaded:
    """All objects of some files, and what is wrong with the files themselves."""

    objects: tuple[Located, ...]
    findings: tuple[Finding, ...]


def load(paths: Iterable[Path]) -> Loaded:
    """Read files, and the YAML and JSON files directly in folders, as ``kubectl apply -f`` does.

    A file that is missing or cannot be read is a finding, not an exception.
    """
    objects: list[Located] = []
    findings: list[Finding] = []
    for path in paths:
        try:
            files = _files(path)
        except OSError as error:
            findings.append(_unreadable(path, error))
            continue
        if not files:
            cure = f"add a file that ends in {', '.join(_ENDINGS)}"
            findings.append(Finding(_shown(path), 1, "", "", "the folder holds no manifest", cure))
        for file in files:
            try:
                objects += _objects(file, findings)
            except OSError as error:
                findings.append(_unreadable(file, error))
            except UnicodeDecodeError:
                findings.append(Finding(_shown(file), 1, "", "", "is not UTF-8 text", "save it as UTF-8"))
            except YamlError as error:
                findings.append(Finding(_shown(file), error.line, "", "", error.message, "correct the YAML"))
    return Loaded(tuple(objects), tuple(findings))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix in _ENDINGS and _is_file(file))


def _is_file(path: Path) -> bool:
    # A link that leads nowhere is told of; a pipe would be waited for.
    return path.is_file() or (path.is_symlink() and not path.exists())


def _unreadable(path: Path, error: OSError) -> Finding:
    return Finding(_shown(path), 1, "", "", f"cannot be read: {error.strerror}", "check the path")


def _shown(path: Path) -> str:
    """Return a path as text that can be printed, whatever bytes it has."""
    return os.fsencode(path).decode("utf-8", "replace")


def _objects(file: Path, findings: list[Finding]) -> Iterator[Located]:
    # All documents are read before the first is used: a file with a fault gives nothing.
    for document in documents.parse_all(file.read_text(encoding="utf-8")):
        for manifest, path in _flatten(document.value):
            if isinstance(manifest, Mapping) and isinstance(manifest.get("kind"), str):
                yield Located(manifest, _shown(file), document, path)
            else:
                findings.append(_no_object(file, document.line_of(path)))


def _no_object(file: Path, line: int) -> Finding:
    if file.name in _KUSTOMIZATIONS:
        message, cure = "this file of kustomize is left out", "give what kubectl kustomize makes of it"
        return Finding(_shown(file), line, "", "", message, cure, "warning")
    message = "this is no Kubernetes object: it has no kind"
    return Finding(_shown(file), line, "", "kind", message, "add apiVersion and kind")


def _flatten(value: Any) -> Iterator[tuple[Any, tuple[str | int, ...]]]:
    if isinstance(value, Mapping) and value.get("kind") == "List" and isinstance(value.get("items"), list):
        for position, item in enumerate(value["items"]):
            for manifest, path in _flatten(item):
                yield manifest, ("items", position, *path)
    else:
        yield value, ()
