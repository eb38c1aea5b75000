"""The config patch: reading it, and merging it after RFC 7396."""

from typing import Any

import pytest
import yaml

from gateway_components.api.kinds import GATEWAY_KINDS
from gateway_components.errors import InText
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason, WarningReason, plan_warning
from gateway_components.plan.objects import EMPTY_DIGEST
from gateway_components.plan.patch import merge, read_patch
from gateway_components.plan.plan import GatewayPlan, plan
from gateway_components.plan.references import PATCH_PATH
from gateway_components.plan.snapshot import Content
from gateway_components.plan.status import gateway_status
from tests.plan.make import gateway, key, particular, patch_contents, snapshot, tool_gateway, tool_key

PATCH = Identity("ConfigMap", "team", "patch")
FIELD = "metadata.annotations[ai-gateway-litellm.agentic-layer.ai/config-patch]"

RFC_7396: tuple[tuple[dict[str, Any], dict[str, Any], dict[str, Any]], ...] = (
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
)
"""Appendix A of the RFC, but for the rows whose target or patch is no map: a configuration always is one."""

EMPTY = ("", "\n", "# nothing yet\n", "---\n", "null\n", "{}\n")

BROKEN = (
    ("a: [1", "line 2, column 1", "the text does not parse"),
    ("- a", "holds a list, not a map", "the text is a list"),
    ("just words", "holds a single value, not a map", "the text is a scalar"),
    ("7", "holds a single value, not a map", "the text is a number"),
    ("a: 1\nb: 2\na: 3", 'line 3, column 1: duplicate key "a", first in line 1', "a key stands twice"),
    ("a:\n  b: 1\n  b: 2", 'line 3, column 3: duplicate key "b"', "a key below stands twice"),
    ("a: 1\n---\nb: 2", "line 3, column 1: a second document", "there are two documents"),
    ("a: !!binary aGk=", "line 1, column 4", "the text holds what JSON cannot"),
    ("a: &a [*a]", "an alias is inside the value that it refers to", "an alias has no end"),
    ("[" * 100_000, "nested more than 100 deep", "the nesting would crash the parser"),
    (
        "model_list: [&x {" + ", ".join(f"k{i}: 1" for i in range(90)) + "}" + ",*x" * 1_080 + "]",
        "once aliases are expanded; use fewer aliases",
        "few kilobytes would become many unknown keys",
    ),
    ("a: \x00", "YAML does not allow this character", "a character is forbidden"),
)


def _planned(text: str) -> GatewayPlan:
    return plan(snapshot(gateway(patch="patch"), contents=patch_contents(text))).gateways[key()]


def _config(planned: GatewayPlan) -> Any:
    assert planned.objects is not None
    return yaml.safe_load(planned.objects.config_map["data"]["config.yaml"])


@pytest.mark.parametrize(("target", "patch", "expected"), RFC_7396)
def test_merge_follows_the_examples_of_the_rfc(
    target: dict[str, Any], patch: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert merge(target, patch) == expected


def test_merge_keeps_places_of_keys_and_appends_new_ones() -> None:
    merged = merge({"a": 1, "b": {"c": 1, "d": 2}}, {"z": 0, "b": {"e": 3, "c": 4}, "a": 5})
    assert list(merged) == ["a", "b", "z"]
    assert list(merged["b"]) == ["c", "d", "e"]


def test_merge_changes_neither_of_its_arguments() -> None:
    target, patch = {"a": {"b": 1}}, {"a": {"c": 2}}
    merge(target, patch)
    assert (target, patch) == ({"a": {"b": 1}}, {"a": {"c": 2}})


def test_a_null_inside_a_list_is_a_value() -> None:
    assert merge({}, {"a": [None, {"b": None}]}) == {"a": [None, {"b": None}]}


@pytest.mark.parametrize("text", EMPTY, ids=repr)
def test_an_empty_patch_changes_nothing(text: str) -> None:
    assert read_patch(PATCH, Content("", {"patch.yaml": text})) == {}
    without = plan(snapshot(gateway())).gateways[key()]
    assert _planned(text).objects == without.objects


@pytest.mark.parametrize(("text", "reported", "why"), BROKEN, ids=[case[2] for case in BROKEN])
def test_a_broken_patch_names_config_map_key_and_fault(text: str, reported: str, why: str) -> None:
    planned = _planned(text)
    assert planned.objects is None, why
    assert planned.failure is not None
    assert planned.failure.reason == Reason("ConfigPatchInvalid")
    assert planned.failure.message.startswith('configmap "patch" key "patch.yaml"')
    assert reported in planned.failure.message
    assert planned.failure.field == FIELD
    assert planned.failure.cure


def test_a_missing_config_map_is_reported_as_the_reference_does() -> None:
    failure = plan(snapshot(gateway(patch="x"))).gateways[key()].failure
    assert failure is not None
    assert failure.reason == Reason.CONFIG_PATCH_INVALID
    assert 'configmap "x" not found' in str(failure)
    assert FIELD in str(failure)


def test_a_config_map_of_another_namespace_is_not_found() -> None:
    contents = patch_contents("{}", namespace="elsewhere")
    failure = plan(snapshot(gateway(patch="patch"), contents=contents)).gateways[key()].failure
    assert failure is not None
    assert 'configmap "patch" not found' in failure.message


def test_a_missing_key_is_reported_with_the_keys_there_are() -> None:
    with pytest.raises(Failure, match=r'configmap "x" has no key "patch.yaml", its keys: a.yaml, patch.yml'):
        read_patch(Identity("ConfigMap", "team", "x"), Content("", {"patch.yml": "", "a.yaml": ""}))
    with pytest.raises(Failure, match=r"its keys: none"):
        read_patch(Identity("ConfigMap", "team", "x"), Content(EMPTY_DIGEST))


def test_lists_replace_and_maps_merge() -> None:
    config = _config(_planned("litellm_settings:\n  callbacks: [mine]\nmodel_list: []\n"))
    assert config == {"model_list": [], "litellm_settings": {"request_timeout": 600, "callbacks": ["mine"]}}


def test_null_deletes() -> None:
    config = _config(_planned("litellm_settings:\n  callbacks: null\nmodel_list: ~\nnot_there:\n"))
    assert config == {"litellm_settings": {"request_timeout": 600}}


def test_everything_can_be_deleted() -> None:
    assert _config(_planned("litellm_settings: null\nmodel_list: null\n")) == {}


def test_anchors_of_a_patch_are_written_out() -> None:
    planned = _planned("a: &a {b: [1]}\nc: *a\nd: {<<: *a, e: 2}\n")
    assert planned.objects is not None
    text = planned.objects.config_map["data"]["config.yaml"]
    assert "&" not in text
    config = yaml.safe_load(text)
    assert (config["a"], config["c"], config["d"]) == ({"b": [1]}, {"b": [1]}, {"b": [1], "e": 2})


def test_text_that_looks_like_another_type_stays_text() -> None:
    config = _config(_planned("general_settings: {a: '1e3', b: 'yes', c: 12:30, d: 2020-01-01, e: '0x1F'}\n"))
    assert config["general_settings"] == {
        "a": "1e3",
        "b": "yes",
        "c": "12:30",
        "d": "2020-01-01",
        "e": "0x1F",
    }


def test_a_patch_of_a_tool_gateway_fails_in_the_same_words() -> None:
    failure = plan(snapshot(tool_gateway(patch="x"))).gateways[tool_key()].failure
    assert failure is not None
    assert str(failure) == (
        f'configmap "x" not found (field {FIELD}; create it with a key patch.yaml, or remove the annotation)'
    )


def test_an_unknown_key_is_a_warning_with_the_nearest_one() -> None:
    planned = _planned("router_setings: {}\nlitellm_settings: {request_timeot: 5, num_retries: 2}\n")
    assert planned.objects is not None
    assert particular(planned) == tuple(
        plan_warning(
            WarningReason.CONFIG_KEY_UNKNOWN,
            f"{path} is not a key that LiteLLM 1.83.14 knows here",
            PATCH_PATH,
            f"did you mean {meant}?",
            related=(PATCH,),
            inside=InText('configmap "patch" key "patch.yaml"', tuple(path.split("."))),
        )
        for path, meant in (
            ("litellm_settings.request_timeot", "request_timeout"),
            ("router_setings", "router_settings"),
        )
    )


def test_what_a_patch_deletes_is_no_unknown_key() -> None:
    assert particular(_planned("unheard_of: null\n")) == ()


MANY = (
    (100, "100 warnings, the first: ", None, "each is told"),
    (101, "101 warnings, the first: ", "there is 1 more warning", "the last one is counted"),
    (1_000, "1000 warnings, the first: ", "there are 900 more warnings", "all are counted"),
    (5_000, "more than 1000 warnings", "there are more than 900 more warnings", "counting ends"),
)


@pytest.mark.parametrize(("number", "condition", "last", "why"), MANY, ids=[case[3] for case in MANY])
def test_of_many_unknown_keys_the_first_hundred_are_reported(
    number: int, condition: str, last: str | None, why: str
) -> None:
    keys = "".join(f"  unheard_of_{count}: 1\n" for count in range(number))
    silent = "litellm_settings: {turn_off_message_logging: true}\n"
    warnings = _planned(
        f"{silent}general_settings:\n  master_key: os.environ/OPENAI_API_KEY\n{keys}"
    ).warnings

    assert len(warnings) == min(number, 100) + (last is not None), why
    assert warnings[99].message.endswith("unheard_of_99 is not a key that LiteLLM 1.83.14 knows here")
    if last:
        assert (warnings[-1].reason, warnings[-1].message) == (WarningReason.MORE_WARNINGS, last)
    kind = GATEWAY_KINDS["AiGateway"]
    configured = gateway_status(kind, None, None, 1, "", warnings).conditions[0]
    assert condition in configured["message"]


def test_keys_beside_a_missing_patch_are_listed_in_part() -> None:
    with pytest.raises(Failure, match=r"its keys: key000, .* and 490 more"):
        read_patch(PATCH, Content("", {f"key{number:03}": "" for number in range(500)}))
