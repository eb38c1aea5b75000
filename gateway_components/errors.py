"""Findings and errors: what went wrong, where, and the cure. Only the edges render them as text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal, Self

from gateway_components.identity import Identity

_MOST_NAMES = 10
_MOST_FINDINGS = 20
_LONGEST = 4_096
"""Characters of a message: it stands in conditions, events and logs, and may quote what a tenant wrote."""

Path = tuple[str | int, ...]
"""The way to a field: keys and list positions from the top. The first may be any text, such as an option."""

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class InText:
    """A place in YAML that an object holds as text, such as a config patch.

    The `title` is what messages call the text; empty where the message itself says it. The `path` leads to the value
    there, or `line`, counted from 1, says where the text does not parse.
    """

    title: str = ""
    path: Path = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem that somebody has to fix.

    Attributes
    ----------
    path
        Way to the field at fault; empty where the whole object is.
    message
        What is wrong, without a final full stop.
    cure
        What to do about it; empty where the message says it all.
    severity
        ``error`` where the object does not get what it asks for, ``warning`` where it does, though not as asked.
    reason
        Word in CamelCase for programs; empty where nobody asks for one.
    subject
        The faulty object; None where the context names it.
    related
        Further objects that it is about.
    inside
        Place in the text that the field holds or refers to.
    count
        For how many it stands.
    """

    path: Path
    message: str
    cure: str = ""
    severity: Severity = "error"
    reason: str = ""
    subject: Identity | None = None
    related: tuple[Identity, ...] = ()
    inside: InText | None = None
    count: int = 1

    @property
    def field(self) -> str:
        """The path as text."""
        return dotted(self.path)

    @property
    def text(self) -> str:
        """The message, behind the title of the text that it is about."""
        title = self.inside.title if self.inside else ""
        return f"{title}: {self.message}" if title else self.message

    def about(self, *related: Identity) -> Self:
        """Return the same finding about further objects."""
        return replace(self, related=related)

    def __str__(self) -> str:
        """Return message, field and cure in one line."""
        return render(self)


def render(finding: Finding, *, field_first: bool = False) -> str:
    """Return a finding as one line.

    With `field_first`, the field comes first, as for arguments, whose messages go on from there (``is empty``). Else it
    follows in parentheses, as in conditions, events and logs.
    """
    message, field, cure = finding.text, finding.field, clause(finding.cure)
    if field_first:
        details, message = [cure], f"{field}: {message}" if field else message
    else:
        details = [field and f"field {field}", cure]
    shown = "; ".join(filter(None, details))
    return f"{message} ({shown})" if shown else message


def dotted(path: Path) -> str:
    """Return a path as the API server writes it: ``spec.aiModels[0].name``, ``metadata.labels[a.b/c]``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif not text:
            text = step
        elif step and step.replace("_", "a").replace("-", "a").isalnum():
            text += f".{step}"
        else:
            text += f"[{step}]"
    return text


def clause(sentence: str) -> str:
    """Return a sentence as a clause within another one."""
    return sentence[:1].lower() + sentence[1:].removesuffix(".")


def shortened(text: str, longest: int = _LONGEST) -> str:
    """Return a text, cut off at a length that people can read."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"


def visible(text: str, kept: str = "\n\t") -> str:
    """Return a text with U+FFFD for what could control the terminal that it is shown on; `kept` are harmless."""
    shown = (one if one.isprintable() or one in kept else "\N{REPLACEMENT CHARACTER}" for one in text)
    return "".join(shown)


def printable(text: str) -> str:
    """Return a text on one line, with U+FFFD in place of characters that are not printable."""
    return visible(" ".join(text.split()), kept="")


def listed(names: Iterable[str]) -> str:
    """Return the first names of a list, and how many follow; ``none`` for an empty one."""
    coming = iter(names)
    first = list(islice(coming, _MOST_NAMES))
    others = sum(1 for _ in coming)
    shown = ", ".join(shortened(name, 256) for name in first) or "none"
    return f"{shown} and {others} more" if others else shown


class GatewayError(Exception):
    """Base of every error that this package raises on purpose; its text is fit for a user."""


class InputError(GatewayError):
    """A user's input is at fault: `findings` are everything that is wrong, at least one."""

    def __init__(self, *findings: Finding) -> None:
        shown = [shortened(render(finding, field_first=True)) for finding in findings[:_MOST_FINDINGS]]
        others = len(findings) - len(shown)
        super().__init__("; ".join((*shown, f"and {others} more problems") if others else shown))
        self.findings = findings


class YamlError(GatewayError):
    """A text is not the YAML it should be, at a line and column counted from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.message = message
        self.line = line
        self.column = column


_FORBIDDEN = re.compile(
    r'cannot (?P<verb>[a-z]+) resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"'
    r'(?: (?:in the namespace "(?P<namespace>[^"]+)"|at the cluster scope))?'
)
"""The authorizer's words (k8s.io/apiserver, ``pkg/endpoints/handlers/responsewriters``)."""


BOUND = "is bound to what the daemon does"
"""What the admission policy of an installation says when it refuses a write of the daemon."""

_CURE = "apply deploy/rbac of this version"
_BLOCKS = "cannot set blockOwnerDeletion"
"""The admission plugin OwnerReferencesPermissionEnforcement, which names neither verb nor resource."""


def missing_right(message: str) -> str:
    """Return which right to give, where `message` is a refusal for want of one; else an empty text."""
    if BOUND in message:
        return f"the admission policy of the installation is of another version than this daemon: {_CURE}"
    if _BLOCKS in message:
        return f'give these credentials the verb "update" on the finalizers of gateways: {_CURE}'
    found = _FORBIDDEN.search(message)
    if not found:
        return ""
    resource = ".".join(filter(None, (found["resource"], found["group"])))
    where = f"in namespace {found['namespace']}" if found["namespace"] else "in all namespaces"
    return f'give these credentials the verb "{found["verb"]}" on "{resource}" {where}: {_CURE}'
