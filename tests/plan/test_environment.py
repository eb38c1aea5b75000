"""Environment of the LiteLLM container."""

from typing import Any

import pytest

from gateway_components.crds.pod import EnvVar
from gateway_components.plan.environment import api_key_variable, environment, secret_variable

MULTIPROC = {"name": "PROMETHEUS_MULTIPROC_DIR", "value": "/prometheus_multiproc"}

PROVIDERS = (
    ("openai", "OPENAI_API_KEY", "a provider is upper-cased"),
    ("OpenAI", "OPENAI_API_KEY", "capitals stay"),
    ("azure_ai", "AZURE_AI_API_KEY", "underscores may stand in a variable"),
    ("together-ai", "TOGETHER_AI_API_KEY", "a dash may not"),
    ("a.b c/d", "A_B_C_D_API_KEY", "each other character becomes one underscore"),
    ("3scale", "3SCALE_API_KEY", "digits stay"),
    ("straße", "STRASSE_API_KEY", "capitals of one letter may be two"),
    ("é🙂", "___API_KEY", "only ASCII may stand in a variable"),
    ("a\nb", "A_B_API_KEY", "a line break is a character like any other"),
    (" ", "__API_KEY", "a provider of blanks is admitted"),
)


def _env(providers: list[str], *variables: dict[str, Any]) -> list[dict[str, Any]]:
    return environment(providers, (), [EnvVar.model_validate(variable) for variable in variables])


def _api_key(name: str) -> dict[str, Any]:
    reference = {"name": "api-key-secrets", "key": name, "optional": True}
    return {"name": name, "valueFrom": {"secretKeyRef": reference}}


@pytest.mark.parametrize(("provider", "variable", "why"), PROVIDERS, ids=[case[2] for case in PROVIDERS])
def test_variable_of_a_provider(provider: str, variable: str, why: str) -> None:
    assert api_key_variable(provider) == variable, why


def test_each_provider_has_one_optional_key_of_the_secret() -> None:
    assert _env(["openai", "anthropic", "openai"]) == [
        _api_key("ANTHROPIC_API_KEY"),
        _api_key("OPENAI_API_KEY"),
        MULTIPROC,
    ]


def test_variables_of_the_user_win_over_api_keys() -> None:
    mine = {"name": "OPENAI_API_KEY", "value": "from elsewhere"}
    assert _env(["openai"], mine) == [mine, MULTIPROC]


def test_a_credential_of_a_guardrail_is_a_key_of_a_secret() -> None:
    selector = {"name": "s", "key": "k"}
    assert secret_variable("A", "s", "k") == {"name": "A", "valueFrom": {"secretKeyRef": selector}}
    optional = secret_variable("A", "s", "k", optional=False)
    assert optional == {"name": "A", "valueFrom": {"secretKeyRef": {**selector, "optional": False}}}


def test_credentials_stand_beside_api_keys_and_variables_of_the_user_win_over_them() -> None:
    credentials = [secret_variable("B", "s", "k"), secret_variable("C", "s", "l")]
    mine = {"name": "C", "value": "from elsewhere"}
    variables = [EnvVar.model_validate(mine)]
    assert environment(["openai"], credentials, variables) == [
        credentials[0],
        mine,
        _api_key("OPENAI_API_KEY"),
        MULTIPROC,
    ]


def test_nothing_wins_over_the_directory_not_even_a_credential() -> None:
    assert environment([], [secret_variable("PROMETHEUS_MULTIPROC_DIR", "s", "k")], ()) == [MULTIPROC]


def test_nothing_wins_over_the_multiprocess_directory() -> None:
    assert _env([], {"name": "PROMETHEUS_MULTIPROC_DIR", "value": "/tmp/mine"}) == [MULTIPROC]  # noqa: S108


def test_of_two_equal_names_the_last_holds_as_in_a_pod() -> None:
    assert _env([], {"name": "A", "value": "1"}, {"name": "A", "value": "2"}) == [
        {"name": "A", "value": "2"},
        MULTIPROC,
    ]


def test_variables_are_sorted_by_name() -> None:
    names = [entry["name"] for entry in _env(["openai"], {"name": "Z"}, {"name": "A"}, {"name": "a"})]
    assert names == ["A", "OPENAI_API_KEY", "PROMETHEUS_MULTIPROC_DIR", "Z", "a"]


@pytest.mark.parametrize(
    "variable",
    [
        {"name": "A"},
        {"name": "A", "value": ""},
        {"name": "A", "value": "line\nline $(B) é"},
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": False}}},
        {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
        {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP", "apiVersion": "v1"}}},
        {"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
    ],
)
def test_variables_of_the_user_stay_verbatim(variable: dict[str, Any]) -> None:
    assert _env([], variable) == [variable, MULTIPROC]
