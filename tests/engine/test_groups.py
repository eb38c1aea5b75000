"""Gateways are cut into groups by their names alone, so that a change of one leaves the others as they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_components.engine.entries import Entry, Name, grouped

SMALL = 20_000
Entries = dict[Name, Entry]
NAMES = st.text("abc-019", min_size=1, max_size=12)
ENTRIES = st.dictionaries(NAMES, st.integers(1, 3_000_000), max_size=60).map(
    lambda sizes: {("AiGateway", name): Entry(size, 0) for name, size in sizes.items()}
)


def crowd(count: int) -> Entries:
    return {("AiGateway", f"gateway-{number:05}"): Entry(SMALL, number) for number in range(count)}


def changed(before: Entries, after: Entries) -> list[Entries]:
    """Return the groups that are not as they were."""
    known = [group.items() for group in grouped(before)]
    return [group for group in grouped(after) if group.items() not in known]


@given(ENTRIES)
def test_each_gateway_is_in_one_group_in_order(entries: Entries) -> None:
    groups = grouped(entries)

    assert [name for group in groups for name in group] == sorted(entries)
    for group in groups:
        assert 1 <= len(group) <= 24
        assert len(group) == 1 or sum(entry.size for entry in group.values()) <= 2**20


@given(ENTRIES)
def test_how_gateways_came_about_makes_no_difference(entries: Entries) -> None:
    assert grouped(dict(reversed(entries.items()))) == grouped(entries)


@pytest.mark.parametrize("count", [200, 1000])
def test_a_change_of_one_gateway_changes_groups_beside_it_alone(count: int) -> None:
    before = crowd(count)
    assert count / 14 < len(grouped(before)) < count / 8
    for number in range(0, count, 37):
        name = f"gateway-{number:05}"
        edited = {**before, ("AiGateway", name): Entry(SMALL + 9, count)}
        deleted = {key: entry for key, entry in before.items() if key[1] != name}
        added = {**before, ("AiGateway", f"{name}-more"): Entry(SMALL, count)}
        assert len(changed(before, edited)) == 1
        for after in (deleted, added):
            assert sum(map(len, changed(before, after))) <= 100


def test_few_gateways_are_one_group() -> None:
    assert [len(group) for group in grouped(crowd(24))] == [24]
    assert len(grouped(crowd(25))) > 1


def test_large_gateways_are_kept_apart() -> None:
    entries = {("AiGateway", f"gateway-{number}"): Entry(700_000, number) for number in range(9)}

    assert [len(group) for group in grouped(entries)] == [1] * 9
