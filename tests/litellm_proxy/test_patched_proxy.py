"""A configuration with what a config patch usually adds: a master key, another endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway_components.plan.environment import api_key_variable

from .configs import generated_config

if TYPE_CHECKING:
    from .conftest import StartProxy
    from .harness import LiteLLMProxy
    from .upstream import FakeOpenAI

MASTER_KEY = "sk-master"


@pytest.fixture(scope="module")
def gateway(start_proxy: StartProxy, fake_openai: FakeOpenAI) -> LiteLLMProxy:
    model_list = [
        {
            "model_name": name,
            "litellm_params": {
                "model": f"{provider}/{name}",
                "api_key": f"os.environ/{api_key_variable(provider)}",
                "api_base": fake_openai.base_url,
            },
        }
        for provider, name in (("openai", "gpt-4o"), ("nano-gpt", "dashed"), ("no-such-provider", "lost"))
    ]
    patch = {"model_list": model_list, "general_settings": {"master_key": "os.environ/GATEWAY_MASTER_KEY"}}
    env = {
        "OPENAI_API_KEY": "sk-openai",
        "NANO_GPT_API_KEY": "sk-nano",
        "NO_SUCH_PROVIDER_API_KEY": "sk-lost",
        "GATEWAY_MASTER_KEY": MASTER_KEY,
    }
    return start_proxy(generated_config([("openai", "gpt-4o")], patch), env)


def test_probes_need_no_key_but_requests_do(gateway: LiteLLMProxy, fake_openai: FakeOpenAI) -> None:
    fake_openai.forget()

    assert gateway.get("/health/readiness").status == 200
    assert gateway.get("/health/liveliness").status == 200
    assert gateway.get("/v1/models").status == 401
    assert gateway.chat("gpt-4o", "ping").status == 401
    assert fake_openai.requests == []


@pytest.mark.parametrize(("model", "key"), [("gpt-4o", "sk-openai"), ("dashed", "sk-nano")])
def test_chat_goes_to_the_patched_endpoint_with_the_key_of_the_provider(
    gateway: LiteLLMProxy, fake_openai: FakeOpenAI, model: str, key: str
) -> None:
    fake_openai.forget()

    answer = gateway.chat(model, "ping", key=MASTER_KEY)

    assert answer.status == 200, answer.text
    (request,) = fake_openai.requests
    assert request.authorization == f"Bearer {key}"
    assert request.json()["model"] == model


def test_a_provider_that_litellm_does_not_know_costs_only_its_own_model(gateway: LiteLLMProxy) -> None:
    assert sorted(gateway.models(key=MASTER_KEY)) == ["dashed", "gpt-4o"]
    assert "LLM Provider NOT provided" in gateway.log()
