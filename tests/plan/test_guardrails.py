"""From the Guards of a gateway to LiteLLM's guardrails: which, in which modes, and why not."""

from collections.abc import Sequence
from typing import Any

import pytest

from gateway_components.api.guardrails import Guard, GuardrailProvider
from gateway_components.api.parse import parse_as
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason, WarningReason
from gateway_components.plan.guardrails import Guardrails, check_guards, resolve_guardrails
from gateway_components.plan.snapshot import Gateway, Policy, Unreadable
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


ELSEWHERE = {"name": "checker", "namespace": "other"}


def test_an_installation_can_forbid_foreign_guards() -> None:
    forbidding = Policy(cross_namespace=False)
    own = (guard(), guardrail_provider())
    check_guards(_on("AiGateway"), resources(*own), forbidding)
    foreign_guard = _on("AiGateway", {**PII, "namespace": "other"})
    foreign_provider = resources(guard(provider=ELSEWHERE), guardrail_provider(namespace="other"))
    for asking, known in ((foreign_guard, resources(*own)), (_on("ToolGateway"), foreign_provider)):
        check_guards(asking, known, Policy())
        with pytest.raises(Failure) as caught:
            check_guards(asking, known, forbidding)
        assert caught.value.reason == Reason.GUARDRAILS_RESOLUTION_FAILED
        assert caught.value.field == "spec.guardrails[0]"
        assert "cross_namespace" in caught.value.cure


@pytest.mark.parametrize(
    "url", ["http://localhost:5002", "http://169.254.169.254", "http://[::ffff:127.0.0.1]"]
)
def test_a_foreign_provider_cannot_lead_to_gateway_or_node(url: str) -> None:
    presidio: dict[str, Any] = {"presidio": {"baseUrl": url}}
    foreign = resources(guard(provider=ELSEWHERE), guardrail_provider(namespace="other", **presidio))
    with pytest.raises(Failure, match="an address of GuardrailProvider other/checker leads to") as caught:
        check_guards(_on("AiGateway"), foreign, Policy())
    assert "allowed_upstreams" in caught.value.cure
    # A container beside the gateway, put there by its owner.
    check_guards(_on("AiGateway"), resources(guard(), guardrail_provider(**presidio)), Policy())


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


MODERATION: dict[str, Any] = {"type_": "openai-moderation-api", "openaiModeration": {}}
LEFT_OUT: tuple[tuple[list[str], dict[str, Any], str, str], ...] = (
    (["post_call"], {}, "none of its modes (post_call) has an equivalent", "it looks at answers alone"),
    (["pre_call"], MODERATION, "openai_moderation does not check tool calls", "LiteLLM would not start"),
    (["post_call"], MODERATION, "openai_moderation does not check tool calls", "both at once"),
)


@pytest.mark.parametrize(
    ("mode", "provider", "reported", "why"), LEFT_OUT, ids=[case[3] for case in LEFT_OUT]
)
def test_a_guard_that_fits_no_tool_call_is_left_out_and_warned(
    mode: list[str], provider: dict[str, Any], reported: str, why: str
) -> None:
    known = resources(
        guard(mode=mode, provider={"name": "own"}),
        guardrail_provider("own", **provider),
        guard("other"),
        guardrail_provider(),
    )
    found = resolve_guardrails(_on("ToolGateway", PII, {"name": "other"}), known)
    assert [one.name for one in found.applied] == ["other"], why
    assert (found.credentials, found.references) == ((), frozenset())
    warning, not_asked = found.warnings
    assert warning.reason == WarningReason.GUARD_LEFT_OUT
    assert warning.message.startswith("Guard team/pii is left out, so it blocks nothing: ")
    assert reported in warning.message
    assert warning.field == "spec.guardrails[0]"
    assert warning.cure
    assert not_asked.field == "spec.guardrails[1]"


def test_a_guard_that_is_left_out_must_still_be_right() -> None:
    assert "does not exist" in _refused(_on("ToolGateway"), resources(guard(mode=["post_call"]))).message


def test_guards_keep_their_order_and_repeated_ones_count_once() -> None:
    asking = _on("AiGateway", {"name": "b"}, {"name": "a"}, {"name": "b", "namespace": "team"})
    found = resolve_guardrails(asking, resources(guard("a"), guard("b"), guardrail_provider()))
    assert [entry["guardrail_name"] for entry in found.entries] == ["b", "a"]


def test_a_guard_named_twice_warns_once() -> None:
    known = resources(guard(mode=["pre_call", "post_call"]), guardrail_provider())
    once, twice = (resolve_guardrails(_on("ToolGateway", *[PII] * times), known) for times in (1, 2))
    assert twice == once


NAMES = (
    (["team"], ["pii"], "its own"),
    (["guards"], ["pii"], "one of another namespace keeps its name where it is the only one"),
    (["team", "guards"], ["pii", "guards/pii"], "of two, the foreign one gives way"),
    (["guards", "team"], ["guards/pii", "pii"], "whichever comes first"),
    (["guards", "other"], ["guards/pii", "other/pii"], "of two foreign ones, none is the plain one"),
)


@pytest.mark.parametrize(("namespaces", "names", "why"), NAMES, ids=[case[2] for case in NAMES])
def test_names_of_guardrails(namespaces: list[str], names: list[str], why: str) -> None:
    provider = {"name": "checker", "namespace": "team"}
    asking = _on("AiGateway", *({"name": "pii", "namespace": namespace} for namespace in namespaces))
    guards = (guard(namespace=namespace, provider=provider) for namespace in namespaces)
    found = resolve_guardrails(asking, resources(*guards, guardrail_provider()))
    assert [entry["guardrail_name"] for entry in found.entries] == names, why


def test_a_guard_that_is_left_out_takes_no_name_from_another() -> None:
    provider = {"name": "checker", "namespace": "team"}
    asking = _on("ToolGateway", PII, {"name": "pii", "namespace": "guards"})
    left_out = guard(mode=["post_call"])
    known = resources(left_out, guard(namespace="guards", provider=provider), guardrail_provider())
    (entry,) = resolve_guardrails(asking, known).entries
    assert entry["guardrail_name"] == "pii"


def test_a_provider_defaults_to_the_namespace_of_its_guard() -> None:
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
        {Identity("Guard", "team", "pii"): Unreadable("spec.mode: is the text")},
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
        {**resources(guard()), Identity("GuardrailProvider", "team", "checker"): Unreadable("odd")},
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
@pytest.mark.parametrize(("asked", "known", "reported", "why"), MISSING, ids=[case[3] for case in MISSING])
def test_a_guard_that_is_not_there(
    kind: str, asked: dict[str, str], known: Any, reported: str, why: str
) -> None:
    failure = _refused(_on(kind, asked), known)
    assert reported in failure.message, why
    assert failure.field == "spec.guardrails[0]"


def test_a_reference_without_a_name_is_reported_with_its_place() -> None:
    failure = _refused(_on("AiGateway", PII, {}), resources(guard(), guardrail_provider()))
    assert failure.field == "spec.guardrails[1].name"


def test_what_cannot_be_read_in_another_namespace_is_not_shown() -> None:
    asking = _on("AiGateway", {"name": "pii", "namespace": "guards"})
    known = {Identity("Guard", "guards", "pii"): Unreadable('spec.mode: is "private"')}
    failure = _refused(asking, known)
    assert failure.message == "Guard guards/pii cannot be read"


def test_all_bad_guards_are_reported_at_once() -> None:
    failure = _refused(_on("AiGateway", {"name": "gone"}, PII, {"name": "lost"}), resources(guard()))
    (provider, lost) = failure.findings[1:]
    assert (failure.field, provider.field, lost.field) == tuple(f"spec.guardrails[{at}]" for at in range(3))
    assert "; also: GuardrailProvider team/checker, which Guard team/pii refers to" in str(failure)
    assert str(lost) in str(failure)


def test_many_bad_guards_are_reported_in_part_and_counted() -> None:
    failure = _refused(_on("AiGateway", *({"name": f"gone-{at}"} for at in range(1000))), {})
    assert str(failure).endswith("; also: 92 more")


def test_one_bad_guard_stops_the_gateway_however_many_are_good() -> None:
    known = resources(guard(), guardrail_provider())
    assert _refused(_on("AiGateway", PII, {"name": "gone"}), known).field == "spec.guardrails[1]"
