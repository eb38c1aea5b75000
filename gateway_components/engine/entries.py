"""States on disk with an entry for each gateway, so that an engine run gets only the gateways it needs.

An engine reads, checks and writes its whole state, and walks each resource in it. Among 200 gateways that took four
times as long as the run of one gateway alone.
"""

import json
import shutil
import zlib
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from gateway_components.components.naming import gateway_of
from gateway_components.engine.checkpoint import checkpoint_of, read_checkpoint
from gateway_components.identity import Identity


class Piece(NamedTuple):
    """A piece of a text, which `read` returns; `mark` identifies its content within one process."""

    mark: Hashable
    read: Callable[[], bytes]


Name = tuple[str, str]
"""Kind and name of a gateway."""

_ONE_IN = 12
_MOST = 24
_MOST_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry of a gateway: its bytes, and a stamp that no other content has, of this gateway or another."""

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


Deployment = Mapping[str, Any]

_SHARED = "shared.json"
_WHOLE = "whole.json"
_GATEWAYS = "gateways"
_END = b"]}}}"
"""Ends the resources, and all that they are in."""


class StateEntries:
    """The state of each stack: what all gateways share, and an entry for each gateway.

    Each file is replaced as a whole. A process that dies between two files leaves entries of different runs, each of
    which says what was applied of its own gateway. Every method raises an OSError if `folder`, which holds a folder for
    each stack, cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamps = count()
        self._known: dict[str, dict[Name, Entry]] = {}
        """What the folder holds, so that no run has to look at files that it is not about."""

    def stacks(self) -> frozenset[str]:
        """Return the names of the stacks that have a state."""
        files = (file for name in (_SHARED, _WHOLE) for file in self._folder.glob(f"*/{name}"))
        return frozenset(file.parent.name for file in files)

    def read(self, stack: str, only: Collection[Identity] | None = None) -> dict[str, Any]:
        """Return the deployment of a stack with all of its gateways, or with some; empty where there is none."""
        shared = self._read_shared(stack)
        if not shared:
            return {}
        files = self._files(stack) if only is None else (self._file(stack, key) for key in sorted(only))
        texts = [file.read_text() for file in files if file.exists()]
        return {**shared, "resources": [*shared["resources"], *json.loads(f"[{','.join(texts)}]")]}

    def open(self, stack: str, checkpoint: bytes) -> None:
        """Replace the whole state of a stack by a checkpoint that `read_checkpoint` reads.

        Raises OSError: the folder cannot be written.
        """
        self.forget(stack)
        self._replace(stack, self._whole(stack), checkpoint)

    def merge(self, stack: str, keys: Iterable[Identity], deployment: Deployment) -> None:
        """Take over what a run made of a slice: the gateways in `keys` that it does not hold are gone."""
        self._divide(stack)
        self._take_over(stack, keys, deployment)

    def release(self, stack: str, keys: Iterable[Identity]) -> None:
        """Remove the entries of some gateways."""
        self._divide(stack)
        self._remove(stack, keys)

    def checkpoint(self, stack: str) -> list[Piece]:
        """Return the whole state of a stack as an engine would write it, in pieces; empty where there is none.

        The first piece is what all gateways share, the others are some gateways each.
        """
        shared = self._read_shared(stack)
        if not shared:
            return []
        # The resources come last, so that their texts go in before the end.
        resources = shared.pop("resources")
        whole = checkpoint_of(stack, _dumps({**shared, "resources": resources}))
        begin, comma = whole.removesuffix(_END), b"," if resources else b""
        groups, stamp = grouped(self._entries(stack)), next(self._stamps)
        if not groups:
            return [Piece(stamp, lambda: whole)]
        pieces = [Piece(stamp, lambda: begin)]
        for place, group in enumerate(groups):
            ends = comma if place == 0 else b",", _END if group is groups[-1] else b""
            mark = *ends, *(entry.stamp for entry in group.values())
            pieces.append(Piece(mark, partial(self._joined, stack, tuple(group), *ends)))
        return pieces

    def size(self, stack: str) -> int:
        """Return the bytes of the gateways in a stack's state; 0 where there is none."""
        self._divide(stack)
        return sum(entry.size for entry in self._entries(stack).values())

    def forget(self, stack: str) -> None:
        """Remove the state of a stack."""
        shutil.rmtree(stack_folder(self._folder, stack), ignore_errors=True)
        self._known.pop(stack, None)

    def _divide(self, stack: str) -> None:
        whole = self._whole(stack)
        if whole.exists():
            self._take_over(stack, (), read_checkpoint(whole.read_bytes()))
            whole.unlink()

    def _take_over(self, stack: str, keys: Iterable[Identity], deployment: Deployment) -> None:
        shared: list[Any] = []
        gateways: dict[Identity, list[Any]] = {}
        for resource in deployment.get("resources") or ():
            key = gateway_of(resource["urn"])
            (shared if key is None else gateways.setdefault(key, [])).append(resource)
        for key, resources in gateways.items():
            # Without the brackets, so that entries are joined without being read.
            text = _dumps(resources)[1:-1]
            self._replace(stack, self._file(stack, key), text.encode())
            self._entries(stack)[key.kind, key.name] = self._entry(len(text))
        self._remove(stack, frozenset(keys) - gateways.keys())
        if deployment:
            text = _dumps({**deployment, "resources": shared})
            self._replace(stack, self._shared(stack), text.encode())

    def _remove(self, stack: str, keys: Iterable[Identity]) -> None:
        for key in keys:
            self._file(stack, key).unlink(missing_ok=True)
            self._entries(stack).pop((key.kind, key.name), None)

    def _entries(self, stack: str) -> dict[Name, Entry]:
        found = self._known.get(stack)
        if found is None:
            found = self._known[stack] = {
                (file.parent.name, file.name): self._entry(file.stat().st_size) for file in self._files(stack)
            }
        return found

    def _entry(self, size: int) -> Entry:
        return Entry(size, next(self._stamps))

    def _joined(self, stack: str, names: Iterable[Name], begin: bytes, end: bytes) -> bytes:
        folder = stack_folder(self._folder, stack) / _GATEWAYS
        return b"".join((begin, b",".join((folder / kind / name).read_bytes() for kind, name in names), end))

    def _read_shared(self, stack: str) -> dict[str, Any]:
        self._divide(stack)
        file = self._shared(stack)
        found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return found

    def _files(self, stack: str) -> Iterator[Path]:
        yield from sorted((stack_folder(self._folder, stack) / _GATEWAYS).glob("*/*"))

    def _shared(self, stack: str) -> Path:
        return stack_folder(self._folder, stack) / _SHARED

    def _whole(self, stack: str) -> Path:
        return stack_folder(self._folder, stack) / _WHOLE

    def _file(self, stack: str, key: Identity) -> Path:
        # No ending: a name may be as long as a file name may be.
        return stack_folder(self._folder, stack) / _GATEWAYS / key.kind / key.name

    def _replace(self, stack: str, file: Path, text: bytes) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = stack_folder(self._folder, stack) / ".new"
        fresh.write_bytes(text)
        fresh.replace(file)


def stack_folder(parent: Path, stack: str) -> Path:
    """Return the folder of a stack below `parent`.

    Raises ValueError: the name leads elsewhere: whoever made it up would have files written or deleted there.
    """
    if stack in {"", ".", ".."} or "/" in stack:
        message = f"{stack!r} is not a stack name"
        raise ValueError(message)
    return parent / stack


def _dumps(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
