"""A configuration with what a config patch usually adds: a master key, another endpoint."""

import contextlib
import http.client
from collections.abc import Iterator

import pytest

from gateway_components.plan.environment import api_key_variable
from tests.litellm_proxy.configs import generated_config
from tests.litellm_proxy.conftest import StartProxy
from tests.litellm_proxy.harness import LiteLLMProxy
from tests.litellm_proxy.upstream import FakeOpenAI

MASTER_KEY = "sk-master"
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "ping"}]}


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
        for provider, name in (
            ("openai", "gpt-4o"),
            ("nano-gpt", "dashed"),
            ("no-such-provider", "lost"),
            ("openai", "openai/gpt-4o"),
        )
    ]
    patch = {
        "model_list": model_list,
        "general_settings": {"master_key": "os.environ/GATEWAY_MASTER_KEY"},
        "router_settings": {"max_fallbacks": 0},
    }
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
def test_chat_goes_to_the_patched_endpoint_with_its_key(
    gateway: LiteLLMProxy, fake_openai: FakeOpenAI, model: str, key: str
) -> None:
    fake_openai.forget()

    answer = gateway.chat(model, "ping", key=MASTER_KEY)

    assert answer.status == 200, answer.text
    (request,) = fake_openai.requests
    assert request.authorization == f"Bearer {key}"
    assert request.json()["model"] == model


def test_an_unknown_provider_costs_only_its_own_model(gateway: LiteLLMProxy) -> None:
    assert sorted(gateway.models(key=MASTER_KEY)) == ["dashed", "gpt-4o", "openai/gpt-4o"]
    assert "LLM Provider NOT provided" in gateway.log()


def test_a_repeated_provider_is_asked_for_another_model(
    gateway: LiteLLMProxy, fake_openai: FakeOpenAI
) -> None:
    fake_openai.forget()
    assert gateway.chat("openai/gpt-4o", "ping", key=MASTER_KEY).status == 200
    assert [request.json()["model"] for request in fake_openai.requests] == ["openai/gpt-4o"]


# What docs/security.md says of this version: each test fails once LiteLLM mends it.


@pytest.fixture
def elsewhere() -> Iterator[FakeOpenAI]:
    """Server of somebody else."""
    with FakeOpenAI() as server:
        yield server


def test_a_master_key_keeps_others_from_sending_keys_elsewhere(
    gateway: LiteLLMProxy, elsewhere: FakeOpenAI
) -> None:
    fallbacks = [{"model": "gpt-4o", "api_base": elsewhere.base_url}]

    for more in ({"fallbacks": fallbacks}, {"api_base": elsewhere.base_url, "api_key": "sk-x"}):
        request = {**CHAT, "mock_testing_fallbacks": True, **more}
        assert gateway.post("/v1/chat/completions", request).status == 401
    assert elsewhere.requests == []


@pytest.mark.parametrize(("more", "keys"), [({}, []), ({"max_fallbacks": 5}, ["Bearer sk-openai"])])
def test_a_bound_of_fallbacks_holds_for_those_who_name_none(
    gateway: LiteLLMProxy, elsewhere: FakeOpenAI, more: dict[str, object], keys: list[str]
) -> None:
    fallbacks = [{"model": "gpt-4o", "api_base": elsewhere.base_url}]
    request = {**CHAT, "fallbacks": fallbacks, "mock_testing_fallbacks": True, **more}

    gateway.post("/v1/chat/completions", request, key=MASTER_KEY)

    assert [request.authorization for request in elsewhere.requests][:1] == keys


def test_a_host_header_gets_past_the_master_key(gateway: LiteLLMProxy) -> None:
    connection = http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", "/v1/models", headers={"Host": "x/?"})
        answer = connection.getresponse()
        assert (answer.status, b"gpt-4o" in answer.read()) == (200, True)
