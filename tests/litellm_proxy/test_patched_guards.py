"""A config patch that replaces the guards, in the real proxy: it does what the plan tells of it.

The other facts here are why the plan refuses or warns: a variable that no pod has, and a guard without a key.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml

from tests.litellm_proxy.configs import generated_config
from tests.litellm_proxy.conftest import StartProxy
from tests.litellm_proxy.guard_manifests import SECRETS, guards
from tests.litellm_proxy.guards import FakeBedrock, FakeModeration, FakePresidio
from tests.litellm_proxy.harness import LiteLLMProxy
from tests.litellm_proxy.planned import PlannedGateway, manifest, planned_gateway
from tests.litellm_proxy.upstream import FakeOpenAI

MODEL_KEY = SECRETS["api-key-secrets", "OPENAI_API_KEY"]


@dataclass(frozen=True, slots=True)
class Patched:
    """A gateway whose patch lists one guard again, switches one off, leaves one out, and adds two without a key."""

    proxy: LiteLLMProxy
    planned: PlannedGateway
    model: FakeOpenAI
    analyzer: FakePresidio
    anonymizer: FakePresidio
    moderation: FakeModeration
    keyless: FakeModeration
    bedrock: FakeBedrock


@pytest.fixture(scope="module")
def patched(start_proxy: StartProxy) -> Iterator[Patched]:
    with (
        FakeOpenAI() as model,
        FakePresidio() as analyzer,
        FakePresidio() as anonymizer,
        FakeModeration() as moderation,
        FakeModeration() as keyless,
        FakeBedrock() as bedrock,
    ):
        modes = dict.fromkeys(("presidio", "moderation", "bedrock"), ("pre_call",))
        others = guards(analyzer, moderation, modes, anonymizer)
        spec = {
            "aiModels": [{"name": "gpt-4o", "provider": "openai"}],
            "guardrails": [
                {"name": "personal-data", "namespace": "guards"},
                {"name": "moderation"},
                {"name": "topics"},
            ],
            "env": [
                {"name": "AWS_BEDROCK_RUNTIME_ENDPOINT", "value": bedrock.url},
                {"name": "EMPTY_KEY", "value": ""},
            ],
        }
        asked = planned_gateway(manifest("AiGateway", "patched", spec), *others, secrets=SECRETS)
        personal, moderated, _ = yaml.safe_load(asked.config)["guardrails"]
        moderated["litellm_params"]["default_on"] = False
        bare = {
            "guardrail": "openai_moderation",
            "mode": "pre_call",
            "default_on": True,
            "api_base": keyless.base_url,
        }
        model_params = {
            "model": "openai/gpt-4o",
            "api_base": model.base_url,
            "api_key": "os.environ/LATE_KEY",
        }
        patch = {
            "guardrails": [
                personal,
                moderated,
                {"guardrail_name": "keyless", "litellm_params": bare},
                {"guardrail_name": "empty", "litellm_params": {**bare, "api_key": "os.environ/EMPTY_KEY"}},
            ],
            "model_list": [{"model_name": "gpt-4o", "litellm_params": model_params}],
            "general_settings": {"master_key": "os.environ/NOWHERE"},
            "environment_variables": {"LATE_KEY": "sk-late"},
        }
        gateway = manifest("AiGateway", "patched", spec)
        planned = planned_gateway(gateway, *others, secrets=SECRETS, patch=yaml.safe_dump(patch))
        proxy = start_proxy(planned.config, planned.env)
        yield Patched(proxy, planned, model, analyzer, anonymizer, moderation, keyless, bedrock)


@pytest.fixture(scope="module")
def asked(patched: Patched) -> Patched:
    """The gateway after one chat, which no guard would have let through as it is."""
    answer = patched.proxy.chat("gpt-4o", f"tell ada@example.com about {FakeBedrock.BLOCKED}")
    assert answer.status == 200, answer.text
    return patched


def test_a_guard_that_a_patch_removes_is_not_asked_as_warned(asked: Patched) -> None:
    assert asked.bedrock.requests == []
    assert any("removes guards" in said and "Guard default/topics" in said for said in asked.planned.warnings)


def test_a_guard_that_a_patch_disables_is_not_asked_as_warned(asked: Patched) -> None:
    assert asked.moderation.requests == []
    (said,) = [said for said in asked.planned.warnings if "changes the guardrail" in said]
    assert "Guard default/moderation" in said
    assert said.endswith("litellm_params.default_on")


def test_a_guard_that_a_patch_repeats_holds_without_warning(asked: Patched) -> None:
    (request,) = asked.model.requests
    assert "ada@example.com" not in str(request.json())
    assert not [said for said in asked.planned.warnings if "guards/personal-data" in said]


def test_presidio_is_asked_at_the_addresses_of_its_two_services(asked: Patched) -> None:
    assert {request.path for request in asked.analyzer.requests} == {"/analyze"}
    assert {request.path for request in asked.anonymizer.requests} == {"/anonymize"}


def test_a_guard_without_a_key_would_send_the_key_of_the_models(
    asked: Patched,
) -> None:
    # One of these guards has no key, the other one that is empty.
    assert [request.authorization for request in asked.keyless.requests] == [f"Bearer {MODEL_KEY}"] * 2, (
        "LiteLLM sends the key of the models nowhere else now: see whether the plan need refuse it "
        "(`_moderation` in gateway_components/plan/guardrail_params.py)"
    )


def test_without_a_master_key_everybody_is_served_as_warned(
    asked: Patched,
) -> None:
    (request,) = asked.model.requests
    assert request.json()["model"] == "gpt-4o"
    assert any("serves everybody who reaches it" in said for said in asked.planned.warnings)


def test_variables_of_the_configuration_come_too_late_as_warned(asked: Patched) -> None:
    (request,) = asked.model.requests
    assert request.authorization == f"Bearer {MODEL_KEY}"
    assert any(said.endswith("which environment_variables sets too late") for said in asked.planned.warnings)


@pytest.mark.soak
def test_an_empty_master_key_lets_nobody_in_as_the_plan_says(start_proxy: StartProxy) -> None:
    config = generated_config(
        [("openai", "gpt-4o")], {"general_settings": {"master_key": "os.environ/GATEWAY_KEY"}}
    )
    proxy = start_proxy(config, {"OPENAI_API_KEY": "sk-openai", "GATEWAY_KEY": ""})

    statuses = {proxy.chat("gpt-4o", "ping", key=key).status for key in (None, "", "sk-any")}

    assert 200 not in statuses
