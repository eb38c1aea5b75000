"""Guards of every kind as the plan writes them, loaded into the real proxy: what they see, and what they stop."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from lab import wait_until
from tests.litellm_proxy.conftest import StartProxy
from tests.litellm_proxy.guard_manifests import SECRETS, guards
from tests.litellm_proxy.guards import FakeBedrock, FakeGuard, FakeModeration, FakePresidio
from tests.litellm_proxy.harness import LiteLLMProxy, Response
from tests.litellm_proxy.mcp_servers import McpServer
from tests.litellm_proxy.planned import PlannedGateway, manifest, planned_gateway
from tests.litellm_proxy.upstream import FakeOpenAI

# The first mail address of a prompt has this name for the model, and its own again in the answer.
REPLY = "I wrote to <EMAIL_ADDRESS_1>."


@dataclass(frozen=True, slots=True)
class Guarded:
    """A gateway that runs with all three guards, and what is around it."""

    proxy: LiteLLMProxy
    planned: PlannedGateway
    model: FakeOpenAI
    server: McpServer
    presidio: FakePresidio
    moderation: FakeModeration
    bedrock: FakeBedrock

    def prompt_of_the_model(self) -> str:
        (request,) = self.model.requests
        messages: Any = request.json()["messages"]
        return str(messages[-1]["content"])

    def chat_after_a_tool_call(self, *, argument: str, result: str) -> Response:
        """Go on with a conversation in which the user's side has called a tool for the model."""
        function = {"name": "look_up", "arguments": json.dumps({"text": argument})}
        call = {"id": "call-1", "type": "function", "function": function}
        messages = [
            {"role": "user", "content": "good morning"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call-1", "content": result},
        ]
        return self.proxy.post("/v1/chat/completions", {"model": "gpt-4o", "messages": messages})

    def chat_with_the_tools_of_the_gateway(self, prompt: str) -> Response:
        """Ask with MCP tools that the gateway itself calls for the model."""
        tool = {
            "type": "mcp",
            "server_label": "litellm",
            "server_url": "litellm_proxy/mcp/alpha",
            "require_approval": "never",
        }
        messages = [{"role": "user", "content": prompt}]
        document = {"model": "gpt-4o", "messages": messages, "tools": [tool]}
        return self.proxy.post("/v1/chat/completions", document)


@pytest.fixture(scope="module")
def guarded(start_proxy: StartProxy) -> Iterator[Guarded]:
    with (
        FakeOpenAI(REPLY, tool="echo") as model,
        McpServer("alpha", "http") as server,
        FakePresidio() as presidio,
        FakeModeration() as moderation,
        FakeBedrock() as bedrock,
    ):
        modes = {
            "presidio": ["pre_call"],
            "moderation": ["during_call", "post_call"],
            "bedrock": ["pre_call"],
        }
        spec = {
            "aiModels": [{"name": "gpt-4o", "provider": "openai"}],
            "guardrails": [
                {"name": "personal-data", "namespace": "guards"},
                {"name": "moderation"},
                {"name": "topics"},
            ],
            "env": [
                {"name": "OPENAI_API_BASE", "value": model.base_url},
                {"name": "AWS_BEDROCK_RUNTIME_ENDPOINT", "value": bedrock.url},
            ],
        }
        planned = planned_gateway(
            manifest("AiGateway", "guarded", spec), *guards(presidio, moderation, modes), secrets=SECRETS
        )
        # As a config patch does: an AiGateway has no tools of its own.
        servers = {"alpha": {"url": server.url, "transport": "http", "allow_all_keys": True}}
        patched = yaml.safe_dump(yaml.safe_load(planned.config) | {"mcp_servers": servers})
        proxy = start_proxy(patched, planned.env)
        yield Guarded(proxy, planned, model, server, presidio, moderation, bedrock)


@pytest.fixture(autouse=True)
def fresh(guarded: Guarded) -> None:
    for fake in (guarded.model, guarded.server, guarded.presidio, guarded.moderation, guarded.bedrock):
        fake.forget()


def test_the_configuration_holds_no_credential(guarded: Guarded) -> None:
    assert len(yaml.safe_load(guarded.planned.config)["guardrails"]) == 3
    assert not [value for value in SECRETS.values() if value in guarded.planned.config]


def test_a_harmless_chat_is_shown_to_all_guards_and_answered(guarded: Guarded) -> None:
    answer = guarded.proxy.chat("gpt-4o", "good morning")

    assert answer.status == 200, answer.text
    assert guarded.prompt_of_the_model() == "good morning"
    assert guarded.presidio.texts[0] == "good morning"
    assert guarded.bedrock.texts == ["good morning"]
    wait_until(lambda: len(guarded.moderation.texts) == 2, timeout=60, what="the judgement of the answer")
    assert sorted(guarded.moderation.texts) == sorted(["good morning", REPLY])


def test_presidio_is_asked_as_the_guard_says(guarded: Guarded) -> None:
    assert guarded.proxy.chat("gpt-4o", "good morning").status == 200

    request = next(request for request in guarded.presidio.requests if request.path == "/analyze")
    assert request.json()["language"] == "de"
    entities: Any = request.json()["entities"]
    assert sorted(entities) == ["EMAIL_ADDRESS", "IP_ADDRESS", "PHONE_NUMBER"]


def test_presidio_masks_for_the_model_and_not_for_the_user(guarded: Guarded) -> None:
    answer = guarded.proxy.chat("gpt-4o", "write to ada@example.com")

    assert answer.status == 200, answer.text
    assert guarded.prompt_of_the_model() == "write to <EMAIL_ADDRESS_1>"
    assert "I wrote to ada@example.com." in answer.text


def test_presidio_refuses_what_the_guard_blocks(guarded: Guarded) -> None:
    answer = guarded.proxy.chat("gpt-4o", "call 555-0100")

    # This version of LiteLLM has no status of its own for it.
    assert answer.status == 500
    assert "Blocked entity detected: PHONE_NUMBER by Guardrail: personal-data" in answer.text
    assert guarded.model.requests == []


def test_presidio_passes_over_what_is_below_the_threshold_of_all(guarded: Guarded) -> None:
    # Found with the same score as the telephone number, which has a threshold of its own.
    answer = guarded.proxy.chat("gpt-4o", "ping 10.0.0.1")

    assert answer.status == 200, answer.text
    assert guarded.prompt_of_the_model() == "ping 10.0.0.1"


def test_moderation_is_asked_with_the_key_and_the_model(guarded: Guarded) -> None:
    assert guarded.proxy.chat("gpt-4o", "good morning").status == 200

    request = guarded.moderation.requests[0]
    assert request.path == "/v1/moderations"
    assert request.authorization == "Bearer sk-moderation-secret"
    assert request.json()["model"] == "omni-moderation-2024-09-26"


def test_moderation_refuses_what_it_flags(guarded: Guarded) -> None:
    answer = guarded.proxy.chat("gpt-4o", f"plan some {FakeModeration.FLAGGED}")

    assert answer.status == 400
    assert "Violated OpenAI moderation policy" in answer.text
    assert "illicit" in answer.text


def test_bedrock_is_asked_with_the_credentials_of_the_provider(guarded: Guarded) -> None:
    assert guarded.proxy.chat("gpt-4o", "good morning").status == 200

    (request,) = guarded.bedrock.requests
    assert request.path == "/guardrail/gr123/version/7/apply"
    assert request.json()["source"] == "INPUT"
    assert request.authorization is not None
    assert request.authorization.startswith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/")
    assert "/eu-central-1/bedrock/aws4_request" in request.authorization


def test_bedrock_refuses_what_its_policy_blocks(guarded: Guarded) -> None:
    answer = guarded.proxy.chat("gpt-4o", f"sell {FakeBedrock.BLOCKED}")

    assert answer.status == 400
    assert "Violated guardrail policy" in answer.text
    assert guarded.model.requests == []


def test_bedrock_masks_what_its_policy_anonymizes(guarded: Guarded) -> None:
    answer = guarded.proxy.chat("gpt-4o", "charge 12345678 please")

    assert answer.status == 200, answer.text
    assert guarded.prompt_of_the_model() == f"charge {FakeBedrock.MASK} please"


def test_a_refusal_tells_no_credential(guarded: Guarded) -> None:
    for prompt in ("call 555-0100", FakeModeration.FLAGGED, FakeBedrock.BLOCKED):
        answer = guarded.proxy.chat("gpt-4o", prompt)
        assert answer.status in {400, 500}
        assert not [value for value in SECRETS.values() if value in answer.text]


@pytest.mark.parametrize("kind", ["presidio", "moderation", "bedrock"])
def test_a_guard_that_is_out_of_order_lets_nothing_through(guarded: Guarded, kind: str) -> None:
    guard: FakeGuard = getattr(guarded, kind)

    with guard.out_of_order():
        answer = guarded.proxy.chat("gpt-4o", "good morning")

    assert answer.status >= 400
    assert REPLY not in answer.text
    assert guard.texts


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        pytest.param("call 555-0100", "PHONE_NUMBER", id="presidio"),
        pytest.param(FakeModeration.FLAGGED, "Violated OpenAI moderation policy", id="moderation"),
        pytest.param(FakeBedrock.BLOCKED, "Violated guardrail policy", id="bedrock"),
    ],
)
def test_what_a_tool_answered_passes_the_guards_in_the_next_chat(
    guarded: Guarded, result: str, reason: str
) -> None:
    answer = guarded.chat_after_a_tool_call(argument="anything", result=result)

    assert answer.status >= 400
    assert reason in answer.text
    assert REPLY not in answer.text


def test_what_a_tool_answered_is_masked_for_the_model(guarded: Guarded) -> None:
    answer = guarded.chat_after_a_tool_call(argument="anything", result="ada@example.com has 12345678")

    assert answer.status == 200, answer.text
    assert guarded.prompt_of_the_model() == f"<EMAIL_ADDRESS_1> has {FakeBedrock.MASK}"


def test_guards_see_no_arguments_of_tool_calls_in_a_chat(guarded: Guarded) -> None:
    answer = guarded.chat_after_a_tool_call(argument=FakeBedrock.BLOCKED, result="nothing found")

    assert answer.status == 200, answer.text
    for guard in (guarded.presidio, guarded.moderation, guarded.bedrock):
        assert any("nothing found" in text for text in guard.texts)
        assert not [text for text in guard.texts if FakeBedrock.BLOCKED in text]


def test_a_chat_passes_the_guards_before_a_tool_is_called(guarded: Guarded) -> None:
    answer = guarded.chat_with_the_tools_of_the_gateway("bill ada@example.com for 12345678")

    assert answer.status == 200, answer.text
    text = f"bill <EMAIL_ADDRESS_1> for {FakeBedrock.MASK}"
    assert guarded.server.calls == [{"tool": "echo", "arguments": {"text": text}}]

    guarded.server.forget()
    assert guarded.chat_with_the_tools_of_the_gateway(f"sell {FakeBedrock.BLOCKED}").status == 400
    assert guarded.server.calls == []
