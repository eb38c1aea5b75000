"""Environment of the LiteLLM container."""

from collections.abc import Collection
from typing import Any

import pytest

from gateway_components.api.pod import EnvFromSource, EnvVar
from gateway_components.identity import Identity
from gateway_components.plan.environment import (
    Origins,
    api_key_variable,
    environment,
    origins,
    secret_variable,
)
from gateway_components.plan.snapshot import Content

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
    assert _env(["openai"], mine) == [MULTIPROC, mine]


def test_a_credential_of_a_guardrail_is_a_key_of_a_secret() -> None:
    selector = {"name": "s", "key": "k"}
    assert secret_variable("A", "s", "k") == {"name": "A", "valueFrom": {"secretKeyRef": selector}}
    optional = secret_variable("A", "s", "k", optional=False)
    assert optional == {"name": "A", "valueFrom": {"secretKeyRef": {**selector, "optional": False}}}


def test_variables_of_the_user_win_over_keys_and_credentials() -> None:
    credentials = [secret_variable("B", "s", "k"), secret_variable("C", "s", "l")]
    mine = {"name": "C", "value": "from elsewhere"}
    variables = [EnvVar.model_validate(mine)]
    assert environment(["openai"], credentials, variables) == [
        credentials[0],
        _api_key("OPENAI_API_KEY"),
        MULTIPROC,
        mine,
    ]


def test_nothing_wins_over_the_directory_not_even_a_credential() -> None:
    assert environment([], [secret_variable("PROMETHEUS_MULTIPROC_DIR", "s", "k")], ()) == [MULTIPROC]


def test_nothing_wins_over_the_multiprocess_directory() -> None:
    assert _env([], {"name": "PROMETHEUS_MULTIPROC_DIR", "value": "/tmp/mine"}) == [MULTIPROC]  # noqa: S108


def test_of_two_equal_names_the_last_holds_as_in_a_pod() -> None:
    assert _env([], {"name": "A", "value": "1"}, {"name": "A", "value": "2"}) == [
        MULTIPROC,
        {"name": "A", "value": "2"},
    ]


def _names(env: list[dict[str, Any]]) -> list[str]:
    return [entry["name"] for entry in env]


def test_generated_variables_come_first_and_sorted() -> None:
    found = _env(["openai", "anthropic"], {"name": "A"})
    assert _names(found) == ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "PROMETHEUS_MULTIPROC_DIR", "A"]


def test_variables_of_the_user_keep_their_order() -> None:
    # Kubernetes replaces $(NAME) by what stands before it.
    url = {"name": "DATABASE_URL", "value": "postgres://$(USER)@$(HOST)/db"}
    given = [{"name": "USER", "value": "u"}, {"name": "HOST", "value": "h"}, url]
    assert _env(["openai"], *given) == [_api_key("OPENAI_API_KEY"), MULTIPROC, *given]


def test_a_replaced_variable_stands_where_the_user_put_it() -> None:
    given = [{"name": "BASE", "value": "k"}, {"name": "OPENAI_API_KEY", "value": "$(BASE)-1"}]
    assert _env(["openai"], *given) == [MULTIPROC, *given]


def test_a_variable_that_is_given_twice_has_its_last_place() -> None:
    found = _env([], {"name": "A", "value": "1"}, {"name": "B"}, {"name": "A", "value": "$(B)"})
    assert found == [MULTIPROC, {"name": "B"}, {"name": "A", "value": "$(B)"}]


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
    assert _env([], variable) == [MULTIPROC, variable]


SECRET = Identity("Secret", "team", "more")
CONFIG_MAP = Identity("ConfigMap", "team", "more")
KEY = frozenset({"OPENAI_API_KEY"})
SECRET_SOURCE: dict[str, Any] = {"secretRef": {"name": "more"}}
CONFIG_MAP_SOURCE: dict[str, Any] = {"configMapRef": {"name": "more"}}

PROVIDED: tuple[tuple[dict[str, Any], dict[Identity, Content], bool, str], ...] = (
    (SECRET_SOURCE, {SECRET: Content("d", keys=KEY)}, True, "a key of a Secret"),
    (CONFIG_MAP_SOURCE, {CONFIG_MAP: Content("d", keys=KEY)}, True, "a key of a ConfigMap"),
    (
        SECRET_SOURCE,
        {CONFIG_MAP: Content("d", keys=KEY)},
        False,
        "an object of the same name and another kind",
    ),
    (
        SECRET_SOURCE,
        {Identity("Secret", "other", "more"): Content("d", keys=KEY)},
        False,
        "a Secret of another namespace",
    ),
    (
        {**SECRET_SOURCE, "prefix": "OPENAI_"},
        {SECRET: Content("d", keys=frozenset({"API_KEY"}))},
        True,
        "the prefix makes the name",
    ),
    (
        {**SECRET_SOURCE, "prefix": "MY_"},
        {SECRET: Content("d", keys=KEY)},
        False,
        "the prefix spoils the name",
    ),
    (
        SECRET_SOURCE,
        {SECRET: Content("d", keys=frozenset({"openai_api_key"}))},
        False,
        "variables have a case",
    ),
    (
        SECRET_SOURCE,
        {SECRET: Content("d", keys=frozenset({"OPENAI.API.KEY", "..data", "-"}))},
        False,
        "keys that are no names of variables are passed over",
    ),
    (
        {"secretRef": {"name": "more", "optional": True}},
        {SECRET: Content("d", keys=KEY)},
        True,
        "optional, and there",
    ),
    (SECRET_SOURCE, {}, False, "a source that does not exist"),
    (SECRET_SOURCE, {SECRET: Content("d")}, False, "keys that are not known"),
    ({"prefix": "A_"}, {}, False, "a source without an object"),
    ({"secretRef": {}}, {}, False, "a source without a name"),
)


def _origins(
    source: dict[str, Any], contents: dict[Identity, Content], absent: Collection[Identity] = ()
) -> Origins:
    return origins([EnvFromSource.model_validate(source)], "team", contents, {}, absent)


@pytest.mark.parametrize(("source", "contents", "wins", "why"), PROVIDED, ids=[case[3] for case in PROVIDED])
def test_a_key_of_a_source_wins_over_the_generated_variable(
    source: dict[str, Any], contents: dict[Identity, Content], wins: bool, why: str
) -> None:
    provided = _origins(source, contents).variables
    assert ("OPENAI_API_KEY" not in _names(environment(["openai"], (), (), provided))) is wins, why


def test_a_source_wins_over_credentials_but_not_the_directory() -> None:
    provided = {"B", "PROMETHEUS_MULTIPROC_DIR"}
    assert environment([], [secret_variable("B", "s", "k")], (), provided) == [MULTIPROC]


def test_keys_of_a_source_that_was_just_deleted_are_remembered() -> None:
    source = [EnvFromSource.model_validate(SECRET_SOURCE)]
    assert origins(source, "team", {}, {SECRET: KEY}) == Origins(KEY)


def test_a_source_with_unknown_keys_is_reported_if_it_may_matter() -> None:
    unknown = _origins(SECRET_SOURCE, {})
    (warning,) = unknown.warnings(_env(["openai"]), ())
    assert str(warning) == (
        "the keys of Secret team/more are not known, so a key that becomes OPENAI_API_KEY would lose against the "
        "generated variable of that name (field spec.envFrom[0]; create that Secret, or set the variable in "
        "spec.env, which wins)"
    )


NOTHING_TO_TELL: tuple[tuple[dict[str, Any], list[str], list[dict[str, Any]], str], ...] = (
    ({**SECRET_SOURCE, "prefix": "MY_"}, ["openai"], [], "no generated variable begins with the prefix"),
    (SECRET_SOURCE, [], [], "there is no generated variable but one that nothing wins over"),
    (SECRET_SOURCE, ["openai"], [{"name": "OPENAI_API_KEY"}], "the user sets the variable"),
)


@pytest.mark.parametrize(
    ("source", "providers", "given", "why"), NOTHING_TO_TELL, ids=[case[3] for case in NOTHING_TO_TELL]
)
def test_a_source_that_cannot_matter_is_not_reported(
    source: dict[str, Any], providers: list[str], given: list[dict[str, Any]], why: str
) -> None:
    variables = [EnvVar.model_validate(variable) for variable in given]
    env = environment(providers, (), variables)
    assert list(_origins(source, {}).warnings(env, variables)) == [], why


def test_a_source_without_which_no_pod_starts_is_reported_once() -> None:
    optional = {"secretRef": {"name": "more", "optional": True}}
    required, may_be_absent = (
        list(_origins(source, {}, {SECRET}).warnings(_env(["openai"]), ()))
        for source in (SECRET_SOURCE, optional)
    )
    assert (len(required), len(may_be_absent)) == (0, 1)
