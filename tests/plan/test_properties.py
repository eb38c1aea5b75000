"""What holds for every input of `plan` and of the merge."""

from dataclasses import replace
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway_components import documents
from gateway_components.crds.aigateway import AiGateway
from gateway_components.plan.patch import merge
from gateway_components.plan.plan import gateway_key, plan
from gateway_components.plan.snapshot import Snapshot
from tests.plan.make import key
from tests.plan.strategies import json_maps, quick, snapshots


def _is_ours(found: AiGateway) -> bool:
    return found.spec.ai_gateway_class_name in {None, "", "litellm"}


@quick
@given(snapshots())
def test_every_gateway_of_ours_gets_objects_or_a_failure_with_a_message(snapshot: Snapshot) -> None:
    planned = plan(snapshot).gateways
    assert set(planned) == {gateway_key(found) for found in snapshot.ai_gateways if _is_ours(found)}
    for found in planned.values():
        assert (found.objects is None) == (found.failure is not None)
        assert found.failure is None or found.failure.message


@quick
@given(snapshots())
def test_every_object_reads_back_the_same_from_yaml(snapshot: Snapshot) -> None:
    for found in plan(snapshot).gateways.values():
        for manifest in found.objects.manifests if found.objects else ():
            assert yaml.safe_load(documents.dump(manifest)) == manifest
            assert documents.parse(documents.dump(manifest)) == manifest


@quick
@given(snapshots())
def test_litellm_can_read_every_config(snapshot: Snapshot) -> None:
    models = {gateway_key(found): found.spec.ai_models for found in snapshot.ai_gateways}
    for found in plan(snapshot).gateways.values():
        if found.objects:
            config = yaml.safe_load(found.objects.config_map["data"]["config.yaml"])
            names = [model["model_name"] for model in config["model_list"]]
            assert names == [model.name for model in models[found.key]]


@quick
@given(snapshots(), st.randoms(use_true_random=False))
def test_order_of_the_input_is_irrelevant(snapshot: Snapshot, random: Any) -> None:
    shuffled = list(snapshot.ai_gateways)
    random.shuffle(shuffled)
    contents = dict(reversed(list(snapshot.contents.items())))
    again = plan(replace(snapshot, ai_gateways=tuple(shuffled), contents=contents))
    assert again == plan(snapshot)
    assert list(again.gateways) == list(plan(snapshot).gateways)


@quick
@given(snapshots())
def test_no_gateway_changes_anything_for_another(snapshot: Snapshot) -> None:
    together = plan(snapshot).gateways
    for found in snapshot.ai_gateways:
        alone = plan(replace(snapshot, ai_gateways=(found,))).gateways
        assert alone.get(gateway_key(found)) == together.get(gateway_key(found))


@quick
@given(snapshots())
def test_a_gateway_that_no_class_of_ours_claims_is_not_planned(snapshot: Snapshot) -> None:
    assert not plan(replace(snapshot, ai_gateway_classes=())).gateways
    assert key("nowhere") not in plan(snapshot).gateways


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
def test_a_patched_map_has_what_the_patch_sets_and_not_what_it_deletes(
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
