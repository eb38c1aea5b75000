"""A generated configuration, loaded by the real proxy and used for a chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab import wait_until

from .configs import generated_config

if TYPE_CHECKING:
    from .conftest import StartProxy
    from .harness import LiteLLMProxy
    from .upstream import FakeOpenAI

LITELLM_VERSION = "1.83.14"
MODELS = [
    ("openai", "gpt-4o"),
    ("anthropic", "claude-sonnet-4-5"),
    ("gemini", "gemini-2.0-flash"),
    ("azure", "gpt-4o-mini"),
    ("bedrock", "anthropic.claude-3-5-sonnet-20241022-v2:0"),
]


@pytest.fixture(scope="module")
def gateway(start_proxy: StartProxy, fake_openai: FakeOpenAI) -> LiteLLMProxy:
    # The keys of all providers but OpenAI are missing, as in a Secret that lacks them.
    env = {
        "OPENAI_API_KEY": "sk-from-the-environment",
        "OPENAI_API_BASE": fake_openai.base_url,
        "ANTHROPIC_API_BASE": fake_openai.url,
        # What the container does without an OTLP endpoint, only sooner: spans go to the log.
        "OTEL_EXPORTER": "console",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    return start_proxy(generated_config(MODELS), env)


def test_probes_answer(gateway: LiteLLMProxy) -> None:
    readiness = gateway.get("/health/readiness")
    assert readiness.status == 200
    assert readiness.json()["status"] == "healthy"
    assert readiness.json()["litellm_version"] == LITELLM_VERSION
    assert gateway.get("/health/liveliness").status == 200


def test_models_are_listed_even_without_their_keys(gateway: LiteLLMProxy) -> None:
    assert sorted(gateway.models()) == sorted(name for _, name in MODELS)


def test_chat_reaches_the_provider_with_the_key_from_the_environment(
    gateway: LiteLLMProxy, fake_openai: FakeOpenAI
) -> None:
    fake_openai.forget()

    answer = gateway.chat("gpt-4o", "ping")

    assert answer.status == 200, answer.text
    assert '"pong"' in answer.text
    (request,) = fake_openai.requests
    assert request.path == "/v1/chat/completions"
    assert request.authorization == "Bearer sk-from-the-environment"
    assert request.json()["model"] == "gpt-4o"
    assert request.json()["messages"] == [{"role": "user", "content": "ping"}]


def test_a_model_without_a_key_fails_alone(gateway: LiteLLMProxy, fake_openai: FakeOpenAI) -> None:
    fake_openai.forget()

    answer = gateway.chat("claude-sonnet-4-5", "ping")

    assert answer.status == 401
    assert "ANTHROPIC_API_KEY" in answer.text
    assert fake_openai.requests == []


def test_prometheus_callback_counts_the_chat(gateway: LiteLLMProxy) -> None:
    assert gateway.chat("gpt-4o", "ping").status == 200

    def counted() -> bool:
        lines = gateway.get("/metrics/").text.splitlines()
        return any(line.startswith("litellm_requests_metric_total{") and "gpt-4o" in line for line in lines)

    wait_until(counted, timeout=20, what="the chat in /metrics/")


def test_otel_callback_traces_the_chat_without_the_key(gateway: LiteLLMProxy) -> None:
    assert gateway.chat("gpt-4o", "a prompt to find again").status == 200

    wait_until(lambda: "a prompt to find again" in gateway.log(), timeout=20, what="the span in the log")
    assert '"name": "raw_gen_ai_request"' in gateway.log()
    assert "sk-from-the-environment" not in gateway.log()
