"""Guards of a ToolGateway: what the real proxy makes of them at a tool call, measured.

The plan writes Presidio and Bedrock as the specification says, with a warning that they hold nothing back, and
refuses OpenAI's moderation. The tests here pin the reasons of both: they fail on the day when LiteLLM behaves
otherwise, and their messages say what can go then.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.litellm_proxy.conftest import StartProxy
from tests.litellm_proxy.guard_manifests import NAMES, SECRETS, guards
from tests.litellm_proxy.guards import FakeBedrock, FakeGuard, FakeModeration, FakePresidio
from tests.litellm_proxy.harness import LiteLLMProxy, ProxyError
from tests.litellm_proxy.mcp_client import Call, CallResult, converse
from tests.litellm_proxy.mcp_servers import McpServer
from tests.litellm_proxy.planned import PlannedGateway, manifest, planned_gateway

MODEL = {"name": "gpt-4o", "provider": "openai"}
MODES = {"pre_call": "pre_mcp_call", "during_call": "during_mcp_call"}
# Forbidden by the Guards of both kinds, and masked by both.
FORBIDDEN = f"call 555-0100 about {FakeBedrock.BLOCKED}"
MASKED = "bill ada@example.com for 12345678"


@dataclass(frozen=True, slots=True)
class Guarded:
    """A tool gateway that runs with the guards of two kinds, each in both modes, and what is around it."""

    proxy: LiteLLMProxy
    planned: PlannedGateway
    server: McpServer
    presidio: FakePresidio
    bedrock: FakeBedrock

    def call_by_mcp(self, text: str) -> CallResult:
        """Call the tool ``echo`` at the address of the route."""
        url = self.proxy.url + self.planned.paths["default/echo"]
        (result,) = converse(url, [Call("echo", {"text": text})]).results
        return result

    def call_by_rest(self, text: str) -> CallResult:
        """Call the tool ``echo`` by LiteLLM's own interface for tools."""
        assert self.proxy.get("/mcp-rest/tools/list").json()[
            "tools"
        ]  # it finds no tool before it has listed them
        (server,) = json.loads(self.proxy.get("/v1/mcp/server").text)
        call = {"server_id": server["server_id"], "name": "echo", "arguments": {"text": text}}
        answer = self.proxy.post("/mcp-rest/tools/call", call)
        content: Any = answer.json().get("content") or [{"text": answer.text}]
        return CallResult(error=answer.status != 200, text=content[0]["text"])


@pytest.fixture(scope="module")
def guarded(start_proxy: StartProxy) -> Iterator[Guarded]:
    with (
        McpServer("alpha", "http") as server,
        FakePresidio() as presidio,
        FakeModeration() as moderation,
        FakeBedrock() as bedrock,
    ):
        spec = {
            "guardrails": [{"name": "personal-data", "namespace": "guards"}, {"name": "topics"}],
            "env": [{"name": "AWS_BEDROCK_RUNTIME_ENDPOINT", "value": bedrock.url}],
        }
        route = {"toolGatewayRef": {"name": "guarded"}, "upstream": {"external": {"url": server.url}}}
        modes = dict.fromkeys(NAMES, tuple(MODES))
        planned = planned_gateway(
            manifest("ToolGateway", "guarded", spec),
            manifest("ToolRoute", "echo", route),
            *guards(presidio, moderation, modes),
            secrets=SECRETS,
        )
        yield Guarded(start_proxy(planned.config, planned.env), planned, server, presidio, bedrock)


@pytest.fixture
def fresh(guarded: Guarded) -> Guarded:
    for fake in (guarded.server, guarded.presidio, guarded.bedrock):
        fake.forget()
    return guarded


@pytest.mark.parametrize("kind", ["presidio", "bedrock"])
def test_guards_of_tool_gateways_load_with_modes_of_tool_calls(fresh: Guarded, kind: str) -> None:
    fake: FakeGuard = getattr(fresh, kind)
    listed: Any = fresh.proxy.get("/guardrails/list").json()["guardrails"]
    (modes,) = (entry["litellm_params"]["mode"] for entry in listed if entry["guardrail_name"] == NAMES[kind])

    # LiteLLM's own way to try a guard: it is there, and its service can be reached.
    answer = fresh.proxy.post(
        "/guardrails/apply_guardrail", {"guardrail_name": NAMES[kind], "text": FORBIDDEN}
    )

    assert sorted(modes) == sorted(MODES.values())
    assert answer.status >= 400
    assert fake.texts == [FORBIDDEN]


@pytest.mark.parametrize("way", ["call_by_mcp", "call_by_rest"])
@pytest.mark.parametrize("text", [FORBIDDEN, MASKED], ids=["forbidden", "masked"])
def test_litellm_shows_no_tool_call_to_its_guards_as_warned(fresh: Guarded, way: str, text: str) -> None:
    result: CallResult = getattr(fresh, way)(text)

    asked = {kind: getattr(fresh, kind).texts for kind in ("presidio", "bedrock")}
    assert asked == {"presidio": [], "bedrock": []}, (
        "LiteLLM asks these guards about tool calls now: remove the warning that they are without effect from "
        "gateway_components/plan/guardrails.py, and show here that they refuse and mask"
    )
    assert result == CallResult(error=False, text=text)
    assert fresh.server.calls == [{"tool": "echo", "arguments": {"text": text}}]


@pytest.mark.parametrize("guard", ["guards/personal-data", "default/topics"])
def test_the_plan_warns_of_each_guard_that_is_without_effect(guarded: Guarded, guard: str) -> None:
    assert [message for message in guarded.planned.warnings if f"Guard {guard}:" in message]


@pytest.mark.soak
def test_litellm_does_not_start_with_moderation_of_tool_calls(
    start_proxy: StartProxy,
) -> None:
    with FakePresidio() as presidio, FakeModeration() as moderation:
        modes = dict.fromkeys(NAMES, ("pre_call",))
        planned = planned_gateway(
            manifest("AiGateway", "guarded", {"aiModels": [MODEL], "guardrails": [{"name": "moderation"}]}),
            *guards(presidio, moderation, modes),
            secrets=SECRETS,
        )
        config = yaml.safe_load(planned.config)
        config["guardrails"][0]["litellm_params"]["mode"] = list(MODES.values())

        error = start_error(start_proxy, yaml.safe_dump(config), planned.env)

    assert "pre_mcp_call is not in the supported event hooks" in error, (
        "LiteLLM starts with openai_moderation for tool calls now: remove the exception from "
        "gateway_components/plan/guardrails.py (`tool_calls`), and show here what the guard does"
    )


def start_error(start_proxy: StartProxy, config: str, env: Mapping[str, str]) -> str:
    try:
        start_proxy(config, env)
    except ProxyError as error:
        return str(error)
    return ""
