"""What is told of Secrets and ConfigMaps that do not exist, and which hash pods keep meanwhile."""

from typing import Any

import pytest

from gateway_components.identity import Identity
from gateway_components.plan.environment import Absence
from gateway_components.plan.objects import EMPTY_DIGEST
from gateway_components.plan.plan import GatewayPlan, plan
from gateway_components.plan.snapshot import Content
from tests.plan.make import (
    MODELS,
    gateway,
    guard,
    guardrail_provider,
    key,
    particular,
    snapshot,
    tool_gateway,
    tool_key,
)

KEYS = Identity("Secret", "team", "api-key-secrets")
TOKENS = Identity("Secret", "team", "tokens")
LIMITS = Identity("ConfigMap", "team", "limits")
SECRET_HASH = "runtime.agentic-layer.ai/secret-hash"
ENV_HASH = "runtime.agentic-layer.ai/env-hash"


def selected(kind: str, name: str, **selector: Any) -> dict[str, Any]:
    return {"name": "VALUE", "valueFrom": {kind: {"name": name, "key": "k", **selector}}}


def planned(**parts: Any) -> GatewayPlan:
    spec = {name: parts.pop(name) for name in ("env", "envFrom", "aiModels") if name in parts}
    return plan(snapshot(gateway(**spec), **parts)).gateways[key()]


def reported(found: GatewayPlan) -> list[str]:
    return [str(warning) for warning in particular(found)]


def hashes(found: GatewayPlan) -> dict[str, str]:
    assert found.objects
    annotations: dict[str, str] = found.objects.deployment["spec"]["template"]["metadata"]["annotations"]
    return annotations


def test_absent_api_keys_are_missed() -> None:
    models = [*MODELS, {"name": "gemini-2.5-flash", "provider": "gemini"}]

    assert reported(planned(absent=frozenset({KEYS}), aiModels=models)) == [
        (
            "Secret team/api-key-secrets does not exist, so pods start without GEMINI_API_KEY, OPENAI_API_KEY "
            "(field spec.aiModels; create that Secret)"
        )
    ]


NOT_MISSED: tuple[tuple[dict[str, Any], frozenset[Identity], str], ...] = (
    ({}, frozenset(), "no cluster was looked at"),
    (
        {"env": [{"name": "OPENAI_API_KEY", "value": "k"}]},
        frozenset({KEYS}),
        "the user gives the only key himself",
    ),
    (
        {"env": [selected("secretKeyRef", "tokens", optional=True)]},
        frozenset({TOKENS}),
        "the user does without",
    ),
    (
        {"envFrom": [{"configMapRef": {"name": "limits", "optional": True}, "prefix": "MY_"}]},
        frozenset({LIMITS}),
        "the user does without",
    ),
)


@pytest.mark.parametrize(("spec", "absent", "why"), NOT_MISSED)
def test_what_nobody_needs_is_not_missed(spec: dict[str, Any], absent: frozenset[Identity], why: str) -> None:
    assert reported(planned(**spec, absent=absent)) == [], why


STARTS_NOT: tuple[tuple[dict[str, Any], Identity, str], ...] = (
    ({"env": [selected("secretKeyRef", "tokens")]}, TOKENS, "spec.env"),
    ({"env": [selected("configMapKeyRef", "limits")]}, LIMITS, "spec.env"),
    ({"envFrom": [{"secretRef": {"name": "tokens"}}]}, TOKENS, "spec.envFrom"),
    ({"envFrom": [{"configMapRef": {"name": "limits"}}]}, LIMITS, "spec.envFrom"),
    ({"env": [selected("secretKeyRef", "api-key-secrets")]}, KEYS, "spec.env"),
)


@pytest.mark.parametrize(("spec", "reference", "field"), STARTS_NOT)
def test_what_a_container_needs_is_missed(spec: dict[str, Any], reference: Identity, field: str) -> None:
    (warning,) = particular(planned(**spec, absent=frozenset({reference})))

    assert warning.message == f"{reference} does not exist, so no new pod starts"
    assert warning.cure == f"create that {reference.kind}"
    assert warning.field == field


def test_absent_credentials_of_a_guard_are_missed() -> None:
    provider = guardrail_provider(
        type_="openai-moderation-api", openaiModeration={"apiKeySecretRef": {"name": "tokens", "key": "k"}}
    )
    guarded = gateway(guardrails=[{"name": "pii"}])
    found = plan(snapshot(guarded, guard(), provider, absent=frozenset({TOKENS}))).gateways[key()]

    assert [(warning.field, warning.message) for warning in particular(found)] == [
        ("spec.guardrails", "Secret team/tokens does not exist, so no new pod starts")
    ]


def test_a_gateway_of_tools_needs_no_keys_of_models() -> None:
    found = plan(snapshot(tool_gateway(), absent=frozenset({KEYS}))).gateways[tool_key()]

    assert particular(found) == ()


AWAITED = {"absent": frozenset({KEYS}), "awaited": frozenset({KEYS})}


def test_pods_keep_the_hash_of_a_secret_that_may_come_back() -> None:
    found = planned(**AWAITED, running={key(): {SECRET_HASH: "before"}})

    assert hashes(found)[SECRET_HASH] == "before"
    assert reported(found) == [
        (
            "Secret team/api-key-secrets was deleted; pods keep its values for now, and are replaced if it stays "
            "away (field spec.aiModels; create that Secret)"
        )
    ]


def test_other_changes_are_applied_while_a_hash_is_kept() -> None:
    running = {key(): {SECRET_HASH: "before"}}
    one, other = (
        planned(**AWAITED, running=running),
        planned(**AWAITED, running=running, aiModels=[{"name": "gpt-5", "provider": "openai"}]),
    )

    assert hashes(one)[SECRET_HASH] == hashes(other)[SECRET_HASH] == "before"
    assert hashes(one) != hashes(other)


NOT_KEPT: tuple[tuple[dict[str, Any], str], ...] = (
    ({"absent": frozenset({KEYS}), "running": {key(): {SECRET_HASH: "before"}}}, "it stayed away"),
    (AWAITED, "no pods run"),
    ({**AWAITED, "running": {key(): {SECRET_HASH: EMPTY_DIGEST}}}, "the pods never had keys"),
)


@pytest.mark.parametrize(("parts", "why"), NOT_KEPT)
def test_a_hash_is_not_kept_without_need(parts: dict[str, Any], why: str) -> None:
    found = planned(**parts)

    assert hashes(found)[SECRET_HASH] == EMPTY_DIGEST, why
    assert "does not exist" in reported(found)[0], why


def test_an_awaited_optional_source_is_reported() -> None:
    optional = [{"secretRef": {"name": "tokens", "optional": True}, "prefix": "MY_"}]
    gone = frozenset({TOKENS})
    running = {key(): {ENV_HASH: "before"}}

    kept = planned(envFrom=optional, absent=gone, awaited=gone, running=running)
    assert hashes(kept)[ENV_HASH] == "before"
    assert "was deleted" in reported(kept)[0]

    given_up = planned(envFrom=optional, absent=gone, running=running)
    assert hashes(given_up)[ENV_HASH] != "before"
    assert reported(given_up) == []


def test_each_hash_is_kept_for_its_own_sources_alone() -> None:
    running = {key(): {SECRET_HASH: "keys", ENV_HASH: "tokens"}}
    sources = [{"secretRef": {"name": "tokens"}}]
    contents = {TOKENS: Content("new")}

    found = planned(envFrom=sources, contents=contents, running=running, **AWAITED)

    assert hashes(found)[SECRET_HASH] == "keys"
    assert hashes(found)[ENV_HASH] != "tokens"


def test_nothing_absent_keeps_nothing() -> None:
    assert not Absence(running={SECRET_HASH: "before"}).keeps(SECRET_HASH, "now", {KEYS})
