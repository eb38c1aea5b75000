"""A generated configuration, loaded by the real proxy and used for a chat."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import wait_until
from tests.install.sandbox import why_not
from tests.litellm_proxy.configs import generated_config, generated_container
from tests.litellm_proxy.conftest import StartProxy
from tests.litellm_proxy.harness import LiteLLMProxy
from tests.litellm_proxy.upstream import FakeOpenAI

LITELLM_VERSION = "1.83.14"
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "ping"}]}
MODELS = [
    ("openai", "gpt-4o"),
    ("anthropic", "claude-sonnet-4-5"),
    ("gemini", "gemini-2.0-flash"),
    ("azure", "gpt-4o-mini"),
    ("openai", "gpt-4.1"),
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
    # All that follows is done by a process that can do no more than its container could.
    confined = None if why_not() else generated_container()["securityContext"]
    return start_proxy(generated_config(MODELS), env, confined)


def test_probes_answer(gateway: LiteLLMProxy) -> None:
    readiness = gateway.get("/health/readiness")
    assert readiness.status == 200
    assert readiness.json()["status"] == "healthy"
    assert readiness.json()["litellm_version"] == LITELLM_VERSION
    assert gateway.get("/health/liveliness").status == 200


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "it can be confined")
def test_it_runs_with_the_rights_of_its_container(gateway: LiteLLMProxy) -> None:
    status = Path(f"/proc/{gateway.pid}/status").read_text(encoding="utf-8")
    found = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)

    assert found["Uid"].split() == ["65534"] * 4
    assert int(found["CapBnd"], 16) == int(found["CapEff"], 16) == 0
    assert found["NoNewPrivs"] == "1"
    assert "Read-only file system" not in gateway.log()


def test_models_are_listed_even_without_their_keys(gateway: LiteLLMProxy) -> None:
    assert sorted(gateway.models()) == sorted(name for _, name in MODELS)


def test_chat_reaches_the_provider_with_the_key_of_the_pod(
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

    wait_until(counted, timeout=60, what="the chat in /metrics/")


def test_otel_callback_traces_the_chat_without_the_key(gateway: LiteLLMProxy) -> None:
    assert gateway.chat("gpt-4o", "a prompt to find again").status == 200

    wait_until(lambda: "a prompt to find again" in gateway.log(), timeout=60, what="the span in the log")
    assert '"name": "raw_gen_ai_request"' in gateway.log()
    assert "sk-from-the-environment" not in gateway.log()


# What docs/security.md says of this version: each test fails once LiteLLM mends it.


@pytest.fixture
def elsewhere() -> Iterator[FakeOpenAI]:
    """Server of somebody else."""
    with FakeOpenAI("pwned") as server:
        yield server


def test_without_a_master_key_anybody_uses_the_keys(gateway: LiteLLMProxy, fake_openai: FakeOpenAI) -> None:
    fake_openai.forget()

    assert gateway.chat("gpt-4o", "ping").status == 200
    assert [request.authorization for request in fake_openai.requests] == ["Bearer sk-from-the-environment"]


def test_an_address_of_a_client_is_refused_by_itself(gateway: LiteLLMProxy, elsewhere: FakeOpenAI) -> None:
    answer = gateway.post("/v1/chat/completions", {**CHAT, "api_base": elsewhere.base_url})

    assert answer.status >= 400
    assert "api_base is not allowed in request body" in answer.text
    assert elsewhere.requests == []


def test_a_request_with_fallbacks_sends_a_key_elsewhere(gateway: LiteLLMProxy, elsewhere: FakeOpenAI) -> None:
    fallbacks = [{"model": "gpt-4o", "api_base": elsewhere.base_url}]

    gateway.post("/v1/chat/completions", {**CHAT, "fallbacks": fallbacks, "mock_testing_fallbacks": True})

    assert "Bearer sk-from-the-environment" in {request.authorization for request in elsewhere.requests}


def test_a_request_with_an_address_draws_the_prompts_of_others(
    gateway: LiteLLMProxy, elsewhere: FakeOpenAI
) -> None:
    own = {**CHAT, "model": "gpt-4.1", "api_base": elsewhere.base_url, "api_key": "sk-of-a-client"}
    assert gateway.post("/v1/chat/completions", own).status == 200
    elsewhere.forget()

    answers = [gateway.chat("gpt-4.1", f"prompt {number} of others").text for number in range(20)]

    assert any("pwned" in answer for answer in answers), "both addresses serve the model by turns"
    assert any(b"of others" in request.body for request in elsewhere.requests)
