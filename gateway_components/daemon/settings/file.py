"""Reads settings: command line and environment before the file, the file before defaults."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway_components import documents
from gateway_components.crds.plain import field_problem
from gateway_components.crds.problem import FieldProblem, dotted
from gateway_components.crds.unknown import nearest
from gateway_components.daemon.settings.model import Settings
from gateway_components.documents import Document
from gateway_components.errors import GatewayError, YamlError

__all__ = ["SettingsError", "SettingsFault", "Sources", "read_text"]

_LARGEST = 1_000_000
"""Bytes of a settings file: what is larger is another file."""


@dataclass(frozen=True, slots=True)
class SettingsFault:
    """Something wrong with a setting.

    Attributes
    ----------
    place
        Where it was made: the file, an option or a variable.
    line
        Line in the file, counted from 1; None elsewhere.
    field, message, cure
        As in `Problem`.
    """

    place: str
    line: int | None
    field: str
    message: str
    cure: str

    def __str__(self) -> str:
        """Return one line: ``FILE:LINE: FIELD: MESSAGE; CURE``."""
        where = self.place if self.line is None else f"{self.place}:{self.line}"
        return ": ".join(part for part in (where, self.field, f"{self.message}; {self.cure}") if part)


class SettingsError(GatewayError):
    """Settings are at fault.

    Parameters
    ----------
    faults
        Everything that is wrong, at least one.
    """

    def __init__(self, *faults: SettingsFault) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


@dataclass(frozen=True)
class Sources:
    """Where the settings of a daemon come from.

    Attributes
    ----------
    file
        The settings file; None for none.
    given
        What the command line and the environment say, in JSON types.
    places
        Option or variable by which each of these was given.
    defaults
        What holds where nobody says anything, in JSON types; the rest stands in `Settings`.
    """

    file: Path | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def read(self) -> Settings:
        """Return the settings that the file asks for now.

        Raises
        ------
        SettingsError
            The file cannot be read, or it or what was given is at fault.
        """
        return self.settings(read_text(self.file) if self.file else "")

    def settings(self, text: str) -> Settings:
        """Return the settings where the file holds `text`.

        Raises
        ------
        SettingsError
            The text or what was given is at fault.
        """
        document = _document(text, str(self.file))
        said = document.value if document else {}
        faults = [_of_file(str(self.file), document, problem) for problem in self._problems(said)]
        faults += [
            SettingsFault(self.places.get(name, name), None, "", problem.message, problem.cure)
            for problem in self._problems(self.given)
            for name in map(str, problem.path[:1])
        ]
        if faults:
            raise SettingsError(*faults)
        return _validated({**self.defaults, **said, **self.given})

    def _problems(self, said: Mapping[str, Any]) -> Iterator[FieldProblem]:
        """Find what is wrong with the settings that one source makes."""
        known = Settings.model_fields
        for name in said.keys() - known:
            meant = nearest(name, known)
            cure = f"Did you mean {meant}?" if meant else f"Remove it; the settings are {', '.join(known)}."
            yield FieldProblem((name,), "is no setting", cure)
        try:
            _validated({**self.defaults, **{name: said[name] for name in said.keys() & known}})
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                yield _problem(fault)


def read_text(file: Path) -> str:
    """Return the text of a settings file.

    Raises
    ------
    SettingsError
        It is missing or cannot be read.
    """
    try:
        # A pipe or a device may never end.
        if file.exists() and not file.is_file():
            raise _unreadable(file, "is no file", "Name a file with settings in YAML.")
        with file.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise _unreadable(file, "is too large", "Name a file with settings in YAML.")
        return content.decode("utf-8")
    except FileNotFoundError:
        raise _unreadable(file, "is missing", "Create it, or run without --settings.") from None
    except OSError as error:
        raise _unreadable(file, f"cannot be read: {error.strerror}", "Check its rights.") from None
    except UnicodeDecodeError:
        raise _unreadable(file, "is not UTF-8 text", "Save it as UTF-8.") from None


def _unreadable(file: Path, message: str, cure: str) -> SettingsError:
    return SettingsError(SettingsFault(str(file), None, "", message, cure))


def _document(text: str, file: str) -> Document | None:
    try:
        found = documents.parse_all(text)
    except YamlError as error:
        raise SettingsError(SettingsFault(file, error.line, "", error.message, "Correct the YAML.")) from None
    if not found:
        return None
    if len(found) > 1:
        raise SettingsError(
            SettingsFault(file, found[1].line, "", "a second document begins here", "Keep one of them.")
        )
    if not isinstance(found[0].value, Mapping):
        raise SettingsError(
            SettingsFault(file, found[0].line, "", "is no map of settings", "Write NAME: VALUE lines.")
        )
    return found[0]


def _of_file(file: str, document: Document | None, problem: FieldProblem) -> SettingsFault:
    line = document.line_of(problem.path) if document else None
    return SettingsFault(file, line, dotted(problem.path), problem.message, problem.cure)


def _validated(values: Mapping[str, Any]) -> Settings:
    # From JSON, where strict types still let a text be a path and a list a tuple.
    return Settings.model_validate_json(json.dumps(values), strict=True)


def _problem(fault: ErrorDetails) -> FieldProblem:
    if fault["type"] == "fault":
        context = fault.get("ctx", {})
        return FieldProblem(tuple(fault["loc"]), context["message"], context["cure"])
    if fault["type"] == "finite_number":
        return FieldProblem(tuple(fault["loc"]), "is no finite number", "Write a number there.")
    return field_problem(fault)
