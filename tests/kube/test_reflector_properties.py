"""The reflector against an API server that does all that one must not: its cache ends up right all the same."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.kube.reflector import Cause, Change, Reflector
from gateway_components.kube.resources import CONFIG_MAPS
from tests.kube.answering import no_pauses

Edit = tuple[str, str | None]
"""A name, and the value it gets; None deletes it."""

EDITS = st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.sampled_from("xyz")), max_size=6)
MISCHIEF = st.sampled_from(
    [
        "none",
        "cut",
        "broken",
        "silent",
        "repeat",
        "replay",
        "swap",
        "bookmark",
        "compacted",
        "refused",
        "lost",
        "restored",
    ]
)


class World:
    """A collection with its history, which moves on whenever it is asked something."""

    def __init__(self, edits: list[list[Edit]], mischief: list[str]) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.version = 10
        self.settled = asyncio.Event()
        self._edits = iter(edits)
        self._mischief = iter(mischief)
        self._history: list[dict[str, Any]] = []
        self._oldest = 10

    async def pages(self, path: str, **_: Any) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
        mischief = next(self._mischief, "none")
        if mischief == "lost":
            raise ApiUnreachableError("no answer")
        items, version = list(self.objects.values()), str(self.version)
        for item in items:
            yield [item], version
            # The list is of one moment, whatever happens while it is read.
            self._move_on()
            if mischief == "compacted":
                raise ApiError(410, "Expired", "the list is too old to go on with")
        yield [], version

    async def watch(self, path: str, version: str, **_: Any) -> AsyncIterator[dict[str, Any]]:
        mischief = next(self._mischief, None)
        moved = self._move_on()
        if mischief == "compacted":
            self._oldest = self.version
        if mischief == "refused":
            raise ApiError(500, "InternalError", "no")
        if mischief == "restored":
            self._restore()
        if int(version) < self._oldest:
            raise ApiError(410, "Expired", "too old")
        for line in self._lines(int(version), mischief):
            yield line
        if mischief == "broken":
            raise ApiUnreachableError("cut off")
        if mischief is None and not moved:
            self.settled.set()
            await asyncio.Event().wait()

    def _move_on(self) -> bool:
        edits = next(self._edits, None)
        for name, value in edits or ():
            self._edit(name, value)
        return edits is not None

    def _edit(self, name: str, value: str | None) -> None:
        before = self.objects.pop(name, None)
        if value is None and before is None:
            return
        self.version += 1
        metadata = {"namespace": "ns", "name": name, "uid": name, "resourceVersion": str(self.version)}
        new = {"metadata": metadata, "value": value or (before or {})["value"]}
        if value is not None:
            self.objects[name] = new
        type_ = "DELETED" if value is None else "MODIFIED" if before else "ADDED"
        self._history.append({"type": type_, "object": new})

    def _restore(self) -> None:
        """Go back in time, as a store does that is restored from a backup."""
        kept = self._history[:-2]
        self.objects, self.version, self._history, self._oldest = {}, 10, [], 10
        for line in kept:
            self._edit(
                line["object"]["metadata"]["name"],
                None if line["type"] == "DELETED" else line["object"]["value"],
            )

    def _lines(self, since: int, mischief: str | None) -> Iterator[dict[str, Any]]:
        lines = [line for line in self._history if _version(line) > since]
        match mischief:
            case "silent":
                return
            case "cut" | "broken":
                lines = lines[: len(lines) // 2]
            case "repeat":
                lines = [again for line in lines for again in (line, line)]
            case "replay":
                lines = [*lines, *self._history[-3:]]
            case "swap":
                lines[-2:] = reversed(lines[-2:])
            case "bookmark" | "restored":
                metadata = {"resourceVersion": str(self.version)}
                lines.append({"type": "BOOKMARK", "object": {"metadata": metadata}})
        yield from lines


def _version(line: dict[str, Any]) -> int:
    return int(line["object"]["metadata"]["resourceVersion"])


@given(edits=st.lists(EDITS, max_size=8), mischief=st.lists(MISCHIEF, max_size=12))
def test_the_cache_ends_up_as_the_api_server_has_it(edits: list[list[Edit]], mischief: list[str]) -> None:
    asyncio.run(_check(edits, mischief))


async def _check(edits: list[list[Edit]], mischief: list[str]) -> None:
    world = World(edits, mischief)
    known: dict[str, str] = {}
    causes: list[Cause] = []
    wrong: list[str] = []

    def note(change: Change[str]) -> None:
        name = change.name[1]
        # A reflector survives whoever hears of changes, so nothing is asserted here.
        if known.get(name) != change.old:
            wrong.append(f"{change} after {known.get(name)}")
        if change.old == change.new:
            wrong.append(f"{change} is no change")
        known.pop(name, None)
        if change.new is not None:
            known[name] = change.new

    mirrored: Reflector[str] = Reflector(
        cast("KubeClient", world),
        CONFIG_MAPS,
        lambda raw: str(raw["value"]),
        note,
        on_restart=lambda _, cause: causes.append(cause),
    )
    with no_pauses():
        running = asyncio.create_task(mirrored.run())
        settled = asyncio.create_task(world.settled.wait())
        await asyncio.wait((running, settled), timeout=10, return_when=asyncio.FIRST_COMPLETED)
        assert settled.done(), f"it came to no end: {running}"
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    wanted = {name: item["value"] for name, item in world.objects.items()}
    assert {name[1]: value for name, value in mirrored.objects.items()} == wanted
    assert not wrong
    assert known == wanted, "and everybody knows"
    assert len(causes) <= 2 * (len(mischief) + len(edits)) + 2, (
        "it asks no more often than there is reason to"
    )
