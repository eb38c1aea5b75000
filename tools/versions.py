"""Versions and ranges of versions."""

import re
from dataclasses import dataclass

Version = tuple[int, int, int]

_VERSION = re.compile(r"\b(?:v|go)?(\d+)\.(\d+)(?:\.(\d+))?")


def parse_version(text: str) -> Version | None:
    """Return the first version in a text such as `Kubernetes v1.36.3`, or None if there is none."""
    found = _VERSION.search(text)
    if not found:
        return None
    major, minor, patch = found.groups(default="0")
    return int(major), int(minor), int(patch)


def show_version(version: Version) -> str:
    """Return a version as people write it."""
    return ".".join(str(number) for number in version)


@dataclass(frozen=True)
class VersionRange:
    """Versions from `low` (included) to `high` (excluded)."""

    low: Version
    high: Version

    def __contains__(self, version: Version) -> bool:
        return self.low <= version < self.high

    def __str__(self) -> str:
        return f"at least {show_version(self.low)} and below {show_version(self.high)}"
