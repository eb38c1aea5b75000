"""From the Guards of a gateway to LiteLLM's guardrails: which, in which modes, and why not."""

from collections.abc import Sequence
from typing import Any

import pytest

from gateway_components.crds.guard import Guard
from gateway_components.crds.guardrailprovider import GuardrailProvider
from gateway_components.crds.parse import parse_as
from gateway_components.plan.failure import Failure, Reason, WarningReason
from gateway_components.plan.guardrails import Guardrails, resolve_guardrails
from gateway_components.plan.keys import Reference
from gateway_components.plan.snapshot import Gateway, Unreadable
from tests.plan.make import gateway, guard, guardrail_provider, resources, tool_gateway

PII = {"name": "pii"}


def _on(kind: str, *references: dict[str, str]) -> Gateway:
    guardrails = list(references) or [PII]
    return gateway(guardrails=guardrails) if kind == "AiGateway" else tool_gateway(guardrails=guardrails)


def _resolved(mode: Sequence[str], kind: str = "AiGateway") -> Guardrails:
    return resolve_guardrails(_on(kind), resources(guard(mode=mode), guardrail_provider()))


def _refused(asking: Gateway, known: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        resolve_guardrails(asking, known)
    assert caught.value.reason == Reason.GUARDRAILS_RESOLUTION_FAILED
    assert caught.value.cure
    return caught.value


def test_without_guards_there_is_nothing() -> None:
    assert resolve_guardrails(gateway(), {}) == Guardrails()


def test_an_entry_has_its_keys_in_the_documented_order() -> None:
    (entry,) = _resolved(["pre_call"]).entries
    assert list(entry) == ["guardrail_name", "litellm_params"]
    assert list(entry["litellm_params"]) == [
        "guardrail",
        "mode",
        "default_on",
        "output_parse_pii",
        "presidio_analyzer_api_base",
        "presidio_anonymizer_api_base",
    ]
    assert entry["litellm_params"]["default_on"] is True


MODES = (
    ("AiGateway", ["pre_call"], ["pre_call"], "a mode is verbatim"),
    (
        "AiGateway",
        ["post_call", "pre_call", "during_call"],
        ["post_call", "pre_call", "during_call"],
        "all of them, in their order",
    ),
    ("ToolGateway", ["pre_call"], ["pre_mcp_call"], "before a tool call"),
    ("ToolGateway", ["during_call"], ["during_mcp_call"], "beside a tool call"),
    (
        "ToolGateway",
        ["during_call", "post_call", "pre_call"],
        ["during_mcp_call", "pre_mcp_call"],
        "what tool calls do not have is left out",
    ),
)


@pytest.mark.parametrize(("kind", "modes", "expected", "why"), MODES, ids=[case[3] for case in MODES])
def test_modes(kind: str, modes: list[str], expected: list[str], why: str) -> None:
    (entry,) = _resolved(modes, kind).entries
    assert entry["litellm_params"]["mode"] == expected, why


def test_a_mode_that_is_left_out_is_a_warning() -> None:
    ignored, not_asked = _resolved(["pre_call", "post_call"], "ToolGateway").warnings
    assert ignored.reason == WarningReason.GUARD_MODE_IGNORED
    assert "Guard team/pii: the mode post_call has no equivalent for tool calls" in ignored.message
    assert ignored.field == not_asked.field == "spec.guardrails[0]"
    assert not_asked.reason == WarningReason.GUARD_NOT_ASKED


def test_on_an_ai_gateway_every_mode_counts() -> None:
    assert _resolved(["pre_call", "post_call"]).warnings == ()


def test_a_guard_without_a_mode_for_tool_calls_is_refused() -> None:
    failure = _refused(_on("ToolGateway"), resources(guard(mode=["post_call"]), guardrail_provider()))
    assert failure.message == "Guard team/pii has no mode that suits ToolGateways, its modes: post_call"
    assert failure.field == "spec.guardrails[0]"


def test_moderation_of_tool_calls_is_refused_because_litellm_would_not_start() -> None:
    moderation = guardrail_provider(type_="openai-moderation-api", openaiModeration={})
    failure = _refused(_on("ToolGateway"), resources(guard(), moderation))
    assert "LiteLLM's openai_moderation does not check tool calls" in failure.message


def test_guards_keep_the_order_of_the_gateway_and_one_named_twice_counts_once() -> None:
    asking = _on("AiGateway", {"name": "b"}, {"name": "a"}, {"name": "b", "namespace": "team"})
    found = resolve_guardrails(asking, resources(guard("a"), guard("b"), guardrail_provider()))
    assert [entry["guardrail_name"] for entry in found.entries] == ["b", "a"]


def test_a_guard_named_twice_warns_once() -> None:
    known = resources(guard(mode=["pre_call", "post_call"]), guardrail_provider())
    once, twice = (resolve_guardrails(_on("ToolGateway", *[PII] * times), known) for times in (1, 2))
    assert twice == once


def test_guards_of_one_name_in_two_namespaces_have_two_names_in_litellm() -> None:
    provider = {"name": "checker", "namespace": "team"}
    asking = _on("AiGateway", PII, {"name": "pii", "namespace": "guards"})
    known = resources(guard(), guard(namespace="guards", provider=provider), guardrail_provider())
    names = [entry["guardrail_name"] for entry in resolve_guardrails(asking, known).entries]
    assert names == ["pii", "guards/pii"]


def test_the_namespace_of_a_provider_defaults_to_that_of_its_guard() -> None:
    asking = _on("AiGateway", {"name": "pii", "namespace": "guards", "kind": "Guard"})
    other = guardrail_provider(namespace="guards", presidio={"baseUrl": "http://theirs"})
    known = resources(guard(namespace="guards"), other, guardrail_provider())
    (entry,) = resolve_guardrails(asking, known).entries
    assert entry["litellm_params"]["presidio_analyzer_api_base"] == "http://theirs"


BARE_GUARD = parse_as(Guard, {"metadata": {"name": "pii", "namespace": "team"}})
BARE_PROVIDER = parse_as(GuardrailProvider, {"metadata": {"name": "checker", "namespace": "team"}})
MISSING: tuple[tuple[dict[str, str], Any, str, str], ...] = (
    (PII, {}, "Guard team/pii does not exist", "there is no Guard"),
    (PII, resources(guard(namespace="other")), "Guard team/pii does not exist", "it is in another namespace"),
    (
        {**PII, "namespace": "other"},
        resources(guard()),
        "Guard other/pii does not exist",
        "the other way round",
    ),
    ({"name": "pii", "kind": "Service"}, resources(guard()), "refers to the kind Service", "another kind"),
    (
        PII,
        {Reference("Guard", "team", "pii"): Unreadable("spec.mode: is the text")},
        "Guard team/pii cannot be read: spec.mode: is the text",
        "the Guard cannot be read",
    ),
    (
        PII,
        resources(guard()),
        "GuardrailProvider team/checker, which Guard team/pii refers to, does not exist",
        "there is no provider",
    ),
    (
        PII,
        {**resources(guard()), Reference("GuardrailProvider", "team", "checker"): Unreadable("odd")},
        "GuardrailProvider team/checker, which Guard team/pii refers to, cannot be read: odd",
        "the provider cannot be read",
    ),
    (PII, resources(guard(provider={})), "Guard team/pii names no provider", "the reference has no name"),
    (
        PII,
        resources(guard(provider={"name": "checker", "kind": "Service"}), guardrail_provider()),
        "Guard team/pii refers to the kind Service, not to a GuardrailProvider",
        "the reference is to another kind",
    ),
    (PII, resources(BARE_GUARD), "Guard team/pii names no provider", "the Guard has no spec"),
    (PII, resources(guard(), BARE_PROVIDER), "the provider has no type", "the provider has no spec"),
)


@pytest.mark.parametrize("kind", ["AiGateway", "ToolGateway"])
@pytest.mark.parametrize(("asked", "known", "told", "why"), MISSING, ids=[case[3] for case in MISSING])
def test_a_guard_that_is_not_there(kind: str, asked: dict[str, str], known: Any, told: str, why: str) -> None:
    failure = _refused(_on(kind, asked), known)
    assert told in failure.message, why
    assert failure.field == "spec.guardrails[0]"


def test_a_reference_without_a_name_is_told_with_its_place() -> None:
    failure = _refused(_on("AiGateway", PII, {}), resources(guard(), guardrail_provider()))
    assert failure.field == "spec.guardrails[1].name"


def test_one_bad_guard_stops_the_gateway_however_many_are_good() -> None:
    known = resources(guard(), guardrail_provider())
    assert _refused(_on("AiGateway", PII, {"name": "gone"}), known).field == "spec.guardrails[1]"
