"""What holds for every merge of a patch."""

from typing import Any

from hypothesis import given

from gateway_components.plan.patch import merge
from tests.plan.strategies import quick
from tests.plan.texts import json_maps


@quick
@given(json_maps)
def test_an_empty_patch_is_neutral(target: dict[str, Any]) -> None:
    assert merge(target, {}) == target


@quick
@given(json_maps, json_maps)
def test_a_patch_applied_twice_does_what_it_does_once(target: dict[str, Any], patch: dict[str, Any]) -> None:
    once = merge(target, patch)
    assert merge(once, patch) == once


@quick
@given(json_maps, json_maps)
def test_a_patched_map_has_what_is_set_and_not_what_is_deleted(
    target: dict[str, Any], patch: dict[str, Any]
) -> None:
    merged = merge(target, patch)
    assert set(merged) == (set(target) | set(patch)) - {name for name in patch if patch[name] is None}
    for name in merged:
        if name not in patch:
            assert merged[name] == target[name]
        elif not isinstance(patch[name], dict):
            assert merged[name] == patch[name]


@quick
@given(json_maps, json_maps)
def test_a_merge_leaves_its_arguments_alone(target: dict[str, Any], patch: dict[str, Any]) -> None:
    before = repr((target, patch))
    merge(target, patch)
    assert repr((target, patch)) == before
