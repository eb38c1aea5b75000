"""Cuts the gateways of a state into groups that are stored by themselves."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Entry", "Name", "grouped"]

Name = tuple[str, str]
"""Kind and name of a gateway."""

_ONE_IN = 12
_MOST = 24
_MOST_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry of a gateway.

    Attributes
    ----------
    size
        Its bytes.
    stamp
        A number that no other content has, of this gateway or another.
    """

    size: int
    stamp: int


def grouped(entries: Mapping[Name, Entry]) -> list[dict[Name, Entry]]:
    """Return the entries by name, in one group where they are few, else in groups of about ten.

    A group begins where the hash of a name says so, or where the one before is full. So a gateway that comes, grows or
    goes changes one group, or few beside each other, and needs no memory of how the others were cut. By name, since a
    run about many gateways takes them in this order.
    """
    groups: list[dict[Name, Entry]] = []
    size, many = 0, len(entries) > _MOST
    for name, entry in sorted(entries.items()):
        begins = many and zlib.crc32("/".join(name).encode()) % _ONE_IN == 0
        if begins or not groups or len(groups[-1]) == _MOST or size + entry.size > _MOST_BYTES:
            groups.append({})
            size = 0
        groups[-1][name] = entry
        size += entry.size
    return groups
