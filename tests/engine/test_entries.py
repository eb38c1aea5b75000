"""Runs that are given slices of a state leave what runs over all of it leave."""

from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_components.engine.checkpoint import (
    applied_gateways,
    read_checkpoint,
    whole_checkpoint,
    without_gateways,
)
from gateway_components.engine.entries import Piece, StateEntries
from gateway_components.engine.state_rules import check_deployment
from gateway_components.identity import Identity
from tests.engine.stored import deployment

NAMESPACE = "team"
NAMES = ("a", "b", "b.c", "x" * 253)
State = dict[str, Any]


def key_of(name: str) -> Identity:
    return Identity("AiGateway", NAMESPACE, name)


def run(state: State, wanted: dict[str, int], release: set[str]) -> State:
    """Return what a run makes of the state that it is given: `wanted` says which version each gateway gets."""
    made = deployment(NAMESPACE, *sorted(wanted))
    for resource in made["resources"]:
        name = resource["urn"].rpartition("/")[2]
        if resource.get("custom") and name in wanted:
            resource["inputs"]["metadata"]["labels"]["version"] = str(wanted[name])
    gone = {key_of(name) for name in (*wanted, *release)}
    rest = without_gateways(state, gone)["resources"][2:] if state else []
    return {**made, "resources": [*made["resources"], *rest]}


RUNS = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(NAMES), st.integers(0, 3), min_size=1),
        st.sets(st.sampled_from(NAMES)),
        st.booleans(),
    ),
    max_size=6,
)


@given(runs=RUNS)
def test_any_runs_by_slices_leave_what_whole_runs_leave(
    runs: list[tuple[dict[str, int], set[str], bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, whole, known = tmp_path_factory.mktemp("states"), State(), dict[Hashable, bytes]()
    entries = StateEntries(folder)
    for wanted, let_go, killed in runs:
        release = let_go - wanted.keys()
        keys = [key_of(name) for name in (*wanted, *release)]
        before = entries.read(NAMESPACE, keys)
        assert applied_gateways(before).keys() <= set(keys), "a run sees no other gateway"
        # An engine that is killed leaves the state that it was given.
        entries.merge(NAMESPACE, keys, before if killed else run(before, wanted, release))
        whole = whole if killed else run(whole, wanted, release)
        assert held(entries.read(NAMESPACE)) == held(whole)
        pieces = entries.checkpoint(NAMESPACE)
        for piece in pieces:
            assert known.setdefault(piece.mark, piece.read()) == piece.read(), "one mark, one text"
        if pieces:
            stored = read_checkpoint(text(pieces))
            check_deployment(stored, NAMESPACE)
            assert stored == entries.read(NAMESPACE)
            # As another process, which finds the files alone.
            assert text(StateEntries(folder).checkpoint(NAMESPACE)) == text(pieces)


def text(pieces: Iterable[Piece]) -> bytes:
    return b"".join(piece.read() for piece in pieces)


def held(state: State) -> dict[Identity, Any]:
    found: dict[Identity, list[Any]] = {}
    for resource in state.get("resources") or ():
        name = resource["urn"].rpartition("/")[2]
        if name in NAMES:
            found.setdefault(key_of(name), []).append(resource)
    return found


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    entries, state = StateEntries(tmp_path), deployment(NAMESPACE, *NAMES)
    entries.open(NAMESPACE, whole_checkpoint(NAMESPACE, state))

    assert entries.read(NAMESPACE) == state
    assert read_checkpoint(text(entries.checkpoint(NAMESPACE))) == state
    assert entries.stacks() == {NAMESPACE}
    assert entries.size(NAMESPACE) == pytest.approx(len(text(entries.checkpoint(NAMESPACE))), abs=2000)
    entries.open(NAMESPACE, whole_checkpoint(NAMESPACE, deployment(NAMESPACE, "a")))
    assert applied_gateways(entries.read(NAMESPACE)).keys() == {key_of("a")}, "the others are gone"


def test_a_state_that_needs_no_run_is_written_in_one_file(tmp_path: Path) -> None:
    entries = StateEntries(tmp_path)
    entries.open(NAMESPACE, whole_checkpoint(NAMESPACE, deployment(NAMESPACE, *NAMES)))
    assert files(tmp_path) == 1

    entries.merge(NAMESPACE, [key_of("a")], deployment(NAMESPACE))
    assert files(tmp_path) == len(NAMES), "one for each other gateway, and one for all"
    assert held(entries.read(NAMESPACE)).keys() == {key_of(name) for name in NAMES} - {key_of("a")}


def files(folder: Path) -> int:
    return sum(1 for file in folder.rglob("*") if file.is_file())


def test_a_death_while_a_state_is_cut_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = deployment(NAMESPACE, *NAMES)
    StateEntries(tmp_path).open(NAMESPACE, whole_checkpoint(NAMESPACE, state))
    with monkeypatch.context() as dying:
        dying.setattr(Path, "unlink", _die)
        with pytest.raises(InterruptedError):
            StateEntries(tmp_path).read(NAMESPACE)
    assert held(StateEntries(tmp_path).read(NAMESPACE)) == held(state)


def _die(_: Path) -> None:
    raise InterruptedError


def test_a_slice_holds_what_it_is_about_and_what_all_share(tmp_path: Path) -> None:
    entries = StateEntries(tmp_path)
    entries.open(NAMESPACE, whole_checkpoint(NAMESPACE, deployment(NAMESPACE, *NAMES)))

    assert entries.read(NAMESPACE, [key_of("b")]) == deployment(NAMESPACE, "b")
    assert entries.read(NAMESPACE, [key_of("new")]) == deployment(NAMESPACE)


def test_what_is_released_or_forgotten_is_gone(tmp_path: Path) -> None:
    entries = StateEntries(tmp_path)
    entries.open(NAMESPACE, whole_checkpoint(NAMESPACE, deployment(NAMESPACE, "a", "b")))

    entries.release(NAMESPACE, [key_of("a"), key_of("never")])
    assert entries.read(NAMESPACE) == deployment(NAMESPACE, "b")
    entries.forget(NAMESPACE)
    assert entries.read(NAMESPACE) == {}
    assert entries.checkpoint(NAMESPACE) == []
    assert entries.size(NAMESPACE) == 0
    assert entries.stacks() == frozenset()
