"""What LiteLLM does not know in a configuration."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway_components.errors import dotted
from gateway_components.plan.litellm_schema import refused_values, unknown_keys
from tests.plan.golden_case import CASES, GoldenCase
from tests.plan.litellm_cases import (
    BELOW,
    BLOCKS,
    DOCUMENTED,
    FREE,
    GENERATED,
    MISSHAPEN,
    SHAPES,
    UNKNOWN,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from([*BLOCKS.split(), "litellm_params", "a"]) | st.text(), below, max_size=4
        )
    ),
    max_leaves=20,
)


def found(config: dict[str, Any]) -> list[str]:
    return [dotted(unknown.path) for unknown in unknown_keys(config)]


@pytest.mark.parametrize(("config"), [config for _, config in GENERATED], ids=[why for why, _ in GENERATED])
def test_what_the_project_generates_is_known(config: dict[str, Any]) -> None:
    assert found(config) == []


@pytest.mark.parametrize("case", [case for case in CASES if "patch" not in str(case)], ids=str)
def test_generated_configurations_are_known(case: GoldenCase) -> None:
    expected = yaml.safe_load(case.out.read_text(encoding="utf-8"))
    texts = [
        gateway["ConfigMap"]["data"]["config.yaml"]
        for gateway in expected.values()
        if isinstance(gateway, dict) and isinstance(gateway.get("ConfigMap"), dict)
    ]
    assert [path for text in texts for path in found(yaml.safe_load(text))] == []


@pytest.mark.parametrize("block", DOCUMENTED)
def test_documented_settings_are_known(block: str) -> None:
    assert found({block: dict.fromkeys(DOCUMENTED[block].split())}) == []


def test_every_block_that_litellm_reads_is_known() -> None:
    assert found(dict.fromkeys(BLOCKS.split())) == []


@pytest.mark.parametrize("params", [params for _, params in BELOW], ids=[why for why, _ in BELOW])
def test_documented_parameters_of_caches_are_known(params: dict[str, Any]) -> None:
    assert found({"litellm_settings": {"cache_params": params}}) == []


@pytest.mark.parametrize(
    ("config", "path", "cure"), [row[:3] for row in UNKNOWN], ids=[why for *_, why in UNKNOWN]
)
def test_an_unknown_key_is_found_with_its_cure(config: dict[str, Any], path: str, cure: str) -> None:
    [unknown] = unknown_keys(config)
    assert dotted(unknown.path) == path
    assert unknown.cure == cure
    assert unknown.message == "is not a key that LiteLLM 1.83.14 knows here"


@pytest.mark.parametrize("config", [config for config, _ in FREE], ids=[why for _, why in FREE])
def test_keys_that_may_be_right_pass(config: dict[str, Any]) -> None:
    assert found(config) == []


@pytest.mark.parametrize("config", MISSHAPEN, ids=str)
def test_nulls_and_values_further_below_are_passed_over(config: dict[str, Any]) -> None:
    assert found(config) == []


def test_unknown_keys_come_in_the_order_of_the_configuration() -> None:
    config = {"zzz": 1, "general_settings": {"yyy": 1, "xxx": 1}, "aaa": 1}
    assert found(config) == ["zzz", "general_settings.yyy", "general_settings.xxx", "aaa"]


def test_a_value_is_never_shown() -> None:
    [unknown] = unknown_keys({"general_settings": {"masterkey": "sk-hidden"}})
    assert "sk-hidden" not in repr(unknown)


def test_many_unknown_keys_are_named_and_the_first_have_a_cure() -> None:
    names = [f"master_key_{number}" for number in range(2_000)]
    unknown = list(unknown_keys({"general_settings": dict.fromkeys(names)}))
    assert [one.path[-1] for one in unknown] == names
    assert unknown[0].cure == "Did you mean master_key?"
    assert unknown[-1].cure == "Remove it."


def test_no_further_key_is_checked_than_is_asked_for() -> None:
    looked_at = 0

    class Settings(dict[str, Any]):
        def items(self) -> Any:
            nonlocal looked_at
            for item in super().items():
                looked_at += 1
                yield item

    next(iter(unknown_keys({"general_settings": Settings.fromkeys(f"key_{n}" for n in range(80_000))})))
    assert looked_at == 1


def test_only_so_many_keys_are_compared_with_known_ones() -> None:
    free = {f"unheard_of_{number}": 1 for number in range(20_000)}
    config = {"model_list": [{"model_name": "m", "litellm_params": {**free, "api_bse": 1}}]}
    assert list(unknown_keys(config)) == []


@given(st.dictionaries(st.sampled_from(BLOCKS.split()) | st.text() | st.integers() | st.none(), JSON))
def test_any_configuration_can_be_checked(config: dict[Any, Any]) -> None:
    for unknown in unknown_keys(config):
        assert unknown.cure
        assert isinstance(unknown.path[-1], str | int)


@pytest.mark.parametrize(("case", "config", "path", "cure", "why"), SHAPES, ids=[case[0] for case in SHAPES])
def test_a_block_of_another_shape_is_named(
    case: str, config: dict[str, Any], path: tuple[str | int, ...], cure: str, why: str
) -> None:
    (found,) = unknown_keys(config)

    assert (found.path, found.cure.startswith(cure)) == (path, True), why
    assert "is not a" in found.message


def _server(**entry: Any) -> dict[str, Any]:
    return {"mcp_servers": {"a": {"url": "https://a.example/mcp", **entry}}}


def _guardrail(**params: Any) -> dict[str, Any]:
    return {"guardrails": [{"guardrail_name": "a", "litellm_params": params}]}


REFUSED: tuple[tuple[dict[str, Any], str, str], ...] = (
    (_server(auth_type="bearer"), "mcp_servers.a.auth_type", "did you mean bearer_token?"),
    (_server(auth_type="Api-Key"), "mcp_servers.a.auth_type", "did you mean api_key?"),
    (_server(transport="websocket"), "mcp_servers.a.transport", "use one of http, sse, stdio"),
    (_server(transport="HTTP"), "mcp_servers.a.transport", "did you mean http?"),
    (
        _server(oauth2_flow="client-credentials"),
        "mcp_servers.a.oauth2_flow",
        "did you mean client_credentials?",
    ),
    (_guardrail(guardrail="presidoi"), "guardrails[0].litellm_params.guardrail", "did you mean presidio?"),
    (_guardrail(mode="pre-call"), "guardrails[0].litellm_params.mode", "did you mean pre_call?"),
    (
        _guardrail(mode=["pre_call", "postcall"]),
        "guardrails[0].litellm_params.mode[1]",
        "did you mean post_call?",
    ),
    (
        {"router_settings": {"routing_strategy": "least_busy"}},
        "router_settings.routing_strategy",
        "did you mean least-busy?",
    ),
    (
        {"litellm_settings": {"cache_params": {"type": "Redis"}}},
        "litellm_settings.cache_params.type",
        "did you mean redis?",
    ),
    (
        {"general_settings": {"key_management_system": "hashicorp-vault"}},
        "general_settings.key_management_system",
        "did you mean hashicorp_vault?",
    ),
)


@pytest.mark.parametrize(("config", "path", "cure"), REFUSED, ids=[path for _, path, _ in REFUSED])
def test_a_value_that_litellm_does_not_take_is_found(config: dict[str, Any], path: str, cure: str) -> None:
    [refused] = refused_values(config)
    assert (dotted(refused.path), refused.cure) == (path, cure)
    assert refused.message == "has a value that LiteLLM 1.83.14 does not take"
    assert found(config) == [], "the key itself is known"


TAKEN: tuple[tuple[dict[str, Any], str], ...] = (
    (_server(transport="sse", auth_type="oauth2"), "known values"),
    (_server(transport="os.environ/TRANSPORT"), "a variable, of which nobody knows the value"),
    (_server(auth_type=None, transport=7), "no text"),
    (_guardrail(guardrail="my_guards.Mine", mode=["pre_call"]), "a class of the user's own"),
    (_guardrail(mode={"tags": {"a": "pre_call"}, "default": "x"}), "modes by tag"),
    ({"mcp_servers": ["transport"], "guardrails": {"mode": "x"}, "router_settings": 1}, "other shapes"),
)


@pytest.mark.parametrize("config", [config for config, _ in TAKEN], ids=[why for _, why in TAKEN])
def test_a_value_that_litellm_may_take_is_not_reported(config: dict[str, Any]) -> None:
    assert list(refused_values(config)) == []


@pytest.mark.parametrize(("config"), [config for _, config in GENERATED], ids=[why for why, _ in GENERATED])
def test_values_that_the_project_generates_are_taken(config: dict[str, Any]) -> None:
    assert list(refused_values(config)) == []
