"""What is told of models that LiteLLM starts with and does not serve as they were meant."""

from typing import Any

import pytest

from gateway_components.identity import Identity
from gateway_components.plan.litellm_schema import known_providers
from gateway_components.plan.plan import plan
from gateway_components.plan.review import _ALSO_CALLED
from gateway_components.plan.snapshot import Content, content_digest
from tests.plan.make import gateway, key, particular, snapshot

PATCH = Identity("ConfigMap", "team", "extra")
KEYS = Identity("Secret", "team", "api-key-secrets")


def reported(
    *models: tuple[str, str], patch: str = "", keys: tuple[str, ...] | None = None, **spec: Any
) -> list[str]:
    """Return the warnings about a gateway with these models, each a provider and a name."""
    contents = {}
    if patch:
        contents[PATCH] = Content(
            content_digest({"patch.yaml": patch}), {"patch.yaml": patch}, frozenset(("patch.yaml",))
        )
    if keys is not None:
        contents[KEYS] = Content(content_digest(dict.fromkeys(keys, "x")), keys=frozenset(keys))
    ai_models = [{"provider": provider, "name": name} for provider, name in models]
    planned = plan(
        snapshot(gateway(aiModels=ai_models, patch="extra" if patch else None, **spec), contents=contents)
    )
    return [str(warning) for warning in particular(planned.gateways[key()])]


PROVIDERS = (
    ("google", "gemini", "what it is called elsewhere"),
    ("antropic", "anthropic", "a letter left out"),
    ("Mistral", "mistral", "a capital letter"),
    ("mistralai", "mistral", "its company"),
    ("vertex", "vertex_ai", "the beginning of it"),
    ("azure-openai", "azure", "what it is called elsewhere"),
    ("LM Studio", "lm_studio", "in the words of its makers"),
    ("OPENAI", "openai", "all in capitals"),
    ("aws", "bedrock", "the company behind it"),
    ("together", "together_ai", "without the ending"),
    ("nano_gpt", "nano-gpt", "a provider that is known by a file of the package"),
)


@pytest.mark.parametrize(("provider", "meant", "why"), PROVIDERS, ids=[case[0] for case in PROVIDERS])
def test_an_unknown_provider_is_reported_with_the_one_meant(provider: str, meant: str, why: str) -> None:
    (warning,) = reported((provider, "some-model"))
    assert warning.startswith(
        f'LiteLLM 1.83.14 knows no provider "{provider}", so "some-model" is not served'
    ), why
    assert warning.endswith(f"(field spec.aiModels[0].provider; did you mean {meant}?)"), why


def test_a_provider_near_to_none_is_reported_without_a_guess() -> None:
    (warning,) = reported(("our-own-thing", "m"))
    assert warning.endswith("see the providers of LiteLLM)")


def test_every_other_name_leads_to_a_provider_that_litellm_knows() -> None:
    assert set(_ALSO_CALLED.values()) <= known_providers()


def test_a_provider_of_the_patch_is_known() -> None:
    own = "litellm_settings: {custom_provider_map: [{provider: our-llm, custom_handler: ours.llm}]}"
    assert reported(("our-llm", "m"), patch=own) == []


TWICE: tuple[tuple[str, str, dict[str, Any], bool, str], ...] = (
    ("openai", "openai/gpt-4o", {}, True, "OpenAI has no such model"),
    ("openai", "openai/*", {}, True, "nor any like it"),
    ("openai", "OpenAI/gpt-4o", {}, True, "nor one in capitals"),
    ("openrouter", "openrouter/auto", {}, False, "OpenRouter calls its own models so"),
    ("openrouter", "openai/gpt-4o", {}, False, "a model that it passes on"),
    ("openai", "openai-community/gpt2", {}, False, "another name that begins alike"),
    (
        "openai",
        "openai/gpt-oss",
        {"env": [{"name": "OPENAI_API_BASE", "value": "http://vllm"}]},
        False,
        "a server of one's own",
    ),
)


@pytest.mark.parametrize(
    ("provider", "name", "spec", "expected", "why"), TWICE, ids=[case[4] for case in TWICE]
)
def test_a_provider_that_is_written_twice_is_reported(
    provider: str, name: str, spec: dict[str, Any], expected: bool, why: str
) -> None:
    warnings = reported((provider, name), **spec)
    assert len(warnings) == expected, why
    if expected:
        own = name.partition("/")[2]
        assert warnings[0].endswith(f'(field spec.aiModels[0].name; write "{own}")')


def test_a_provider_repeated_in_its_own_field_is_reported_there() -> None:
    (warning,) = reported(("openai/openai", "gpt-4o"))
    assert warning.endswith('(field spec.aiModels[0].provider; write "openai")')


MIXED = (
    ((("openai", "*"), ("anthropic", "*")), True, "a wildcard over two providers"),
    ((("openai", "gpt-*"), ("azure", "gpt-*")), True, "a part of a name"),
    ((("openai", "*"), ("openai", "*")), False, "two accounts of one provider"),
    (
        (("openai", "gpt-4o"), ("azure", "gpt-4o")),
        False,
        "the same model twice is what load balancing is for",
    ),
    ((("openai", "gpt-*"), ("anthropic", "claude-*")), False, "each has names of its own"),
)


@pytest.mark.parametrize(("models", "expected", "why"), MIXED, ids=[case[2] for case in MIXED])
def test_a_wildcard_that_mixes_providers_is_reported(
    models: tuple[tuple[str, str], ...], expected: bool, why: str
) -> None:
    assert ["picks one of them at each call" in warning for warning in reported(*models)] == [
        True
    ] * expected, why


def test_models_of_a_patch_are_checked_where_they_are_written() -> None:
    entries = (
        "{model_name: a, litellm_params: {model: opneai/gpt-4o}}",
        "{model_name: b, litellm_params: {model: openai/openai/gpt-4o}}",
        "{model_name: c, litellm_params: {model: acme/own-model}}",
        "{model_name: d, litellm_params: {model: antropic/x, custom_llm_provider: openai}}",
        "{model_name: e, litellm_params: {model: openai/*}}",
        "{model_name: e, litellm_params: {model: gemini/*}}",
        "{model_name: f, litellm_params: words}",
        "words",
    )
    found = reported(("google", "m"), patch=f"model_list: [{', '.join(entries)}]")
    about = [warning for warning in found if "is not a" not in warning]
    assert [warning.partition(" (field metadata.annotations")[0] for warning in about] == [
        'model_list[0]: LiteLLM 1.83.14 knows no provider "opneai", so "gpt-4o" is not served',
        'model_list[1]: the provider openai is named twice, so LiteLLM asks it for a model "openai/gpt-4o"',
        (
            '2 models are called "e", of the providers gemini, openai: LiteLLM picks one of them at each call, '
            "whatever model is requested"
        ),
    ]


MISSING = (
    (("ANTHROPIC_API_KEY",), "add it; similar keys: ANTHROPIC_API_KEY", "near enough to be a slip"),
    (("openai_api_key",), "add it; similar keys: openai_api_key", "in small letters"),
    (("OPENAI_KEY", "OPENAI_API_KEYS"), "add it; similar keys: OPENAI_API_KEYS, OPENAI_KEY", "several"),
    (("password",), "add it", "none is near"),
    ((), "add it", "there is none"),
)


@pytest.mark.parametrize(("keys", "cure", "why"), MISSING, ids=[case[2] for case in MISSING])
def test_a_key_that_is_missing_is_reported_with_those_near_it(
    keys: tuple[str, ...], cure: str, why: str
) -> None:
    start = "Secret team/api-key-secrets has no key OPENAI_API_KEY, so pods start without OPENAI_API_KEY"
    assert reported(("openai", "gpt-4o"), keys=keys) == [f"{start} (field spec.aiModels; {cure})"], why


NOT_MISSED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("openai", {"env": [{"name": "OPENAI_API_KEY", "value": "x"}]}, "the user gives it"),
    ("ollama", {}, "it asks for no key"),
    ("bedrock", {}, "it logs in otherwise"),
)


@pytest.mark.parametrize(("provider", "spec", "why"), NOT_MISSED, ids=[case[2] for case in NOT_MISSED])
def test_a_key_that_nobody_needs_is_not_missed(provider: str, spec: dict[str, Any], why: str) -> None:
    assert reported((provider, "m"), keys=("OTHER",), **spec) == [], why


def test_a_key_without_which_no_pod_starts_is_reported() -> None:
    variable = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "api-key-secrets", "key": "tokn"}}}
    (warning,) = reported(("openai", "m"), keys=("OPENAI_API_KEY", "token"), env=[variable])
    assert warning.startswith(
        "Secret team/api-key-secrets has no key tokn, so no new pod starts (field spec.env; "
    )
    assert warning.endswith("add it; similar keys: token)")
