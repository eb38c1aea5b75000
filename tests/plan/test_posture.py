"""What is said of a gateway that asks nobody for a key, or writes prompts to its log."""

from collections.abc import Mapping
from typing import Any

import pytest

from gateway_components.identity import Identity
from gateway_components.plan.findings import WarningReason
from gateway_components.plan.plan import GatewayPlan, plan
from gateway_components.plan.snapshot import Content
from tests.plan.make import gateway, key, patch_contents, snapshot, tool_gateway, tool_key

SOURCE = Identity("Secret", "team", "more")
FROM_SECRET: dict[str, Any] = {"envFrom": [{"secretRef": {"name": "more"}}]}

Contents = Mapping[Identity, Content]


def _patched(text: str) -> tuple[dict[str, Any], Contents]:
    return {"patch": "patch"}, patch_contents(text)


def _given(*keys: str) -> Contents:
    return {SOURCE: Content("d", keys=frozenset(keys))}


def _env(**variables: str) -> dict[str, Any]:
    return {"env": [{"name": name, "value": value} for name, value in variables.items()]}


def _planned(spec: dict[str, Any], contents: Contents) -> GatewayPlan:
    return plan(snapshot(gateway(**spec), contents=contents)).gateways[key()]


def _tells(reason: WarningReason, planned: GatewayPlan) -> bool:
    assert planned.failure is None
    return reason in {warning.reason for warning in planned.warnings}


MASTER_KEY = "LITELLM_MASTER_KEY"
OPEN: tuple[tuple[dict[str, Any], Contents, bool, str], ...] = (
    ({}, {}, True, "nothing is said"),
    (*_patched("general_settings: {master_key: os.environ/KEY}"), False, "a patch sets it"),
    (*_patched("general_settings: {master_key: null}"), True, "a patch deletes it"),
    (*_patched("general_settings: null"), True, "a patch deletes all settings"),
    (*_patched("litellm_settings: {master_key: os.environ/KEY}"), True, "LiteLLM does not look for it there"),
    (*_patched("general_settings: {custom_auth: a.b}"), False, "code of the user decides"),
    (*_patched("general_settings: {enable_jwt_auth: true}"), False, "tokens are asked for"),
    (*_patched("general_settings: {enable_jwt_auth: false}"), True, "no tokens are asked for"),
    (_env(LITELLM_MASTER_KEY="os"), {}, False, "LiteLLM takes it from the environment, too"),
    (
        {"env": [{"name": MASTER_KEY, "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
        {},
        False,
        "a variable from a Secret",
    ),
    (FROM_SECRET, _given(MASTER_KEY), False, "a key of a source"),
    (FROM_SECRET, _given("OTHER"), True, "a source without it"),
    (FROM_SECRET, {}, False, "a source of which nothing is known"),
    (
        *_patched("environment_variables: {LITELLM_MASTER_KEY: os.environ/KEY}"),
        False,
        "a patch sets the variable",
    ),
)


@pytest.mark.parametrize(("spec", "contents", "is_open", "why"), OPEN, ids=[case[3] for case in OPEN])
def test_a_gateway_that_asks_nobody_for_a_key_says_so(
    spec: dict[str, Any], contents: Contents, is_open: bool, why: str
) -> None:
    assert _tells(WarningReason.NO_MASTER_KEY, _planned(spec, contents)) is is_open, why


def test_a_gateway_of_tools_has_no_keys_of_providers_to_lose() -> None:
    planned = plan(snapshot(tool_gateway())).gateways[tool_key()]
    assert not _tells(WarningReason.NO_MASTER_KEY, planned)
    assert _tells(WarningReason.PROMPTS_LOGGED, planned)


LOGGED: tuple[tuple[dict[str, Any], Contents, bool, str], ...] = (
    ({}, {}, True, "nothing is said"),
    (_env(OTEL_EXPORTER_OTLP_ENDPOINT="http://collector:4318"), {}, False, "an endpoint"),
    (_env(OTEL_ENDPOINT="http://collector:4318"), {}, False, "an endpoint by LiteLLM's name"),
    (_env(OTEL_EXPORTER_OTLP_ENDPOINT=""), {}, True, "an empty endpoint"),
    (_env(OTEL_EXPORTER_OTLP_ENDPOINT="$(NODE):4318"), {}, False, "an endpoint put together"),
    (
        {"env": [{"name": "OTEL_ENDPOINT", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}]},
        {},
        False,
        "an endpoint from elsewhere",
    ),
    (FROM_SECRET, _given("OTEL_EXPORTER_OTLP_ENDPOINT"), False, "a key of a source"),
    (FROM_SECRET, _given("OTHER"), True, "a source without it"),
    (FROM_SECRET, {}, False, "a source of which nothing is known"),
    (
        {"envFrom": [{"secretRef": {"name": "more"}, "prefix": "DB_"}]},
        {},
        True,
        "an unknown source of other variables",
    ),
    (_env(OTEL_EXPORTER="in_memory"), {}, False, "another exporter"),
    (_env(OTEL_EXPORTER="console"), {}, True, "the exporter that is the default"),
    (_env(OTEL_EXPORTER="console", OTEL_ENDPOINT="http://c"), {}, False, "an endpoint changes that"),
    (_env(OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf"), {}, False, "a protocol is an exporter"),
    (
        _env(OTEL_EXPORTER_OTLP_PROTOCOL="console", OTEL_EXPORTER="in_memory"),
        {},
        True,
        "of two names the first counts",
    ),
    (*_patched("environment_variables: {OTEL_ENDPOINT: http://c}"), False, "a patch sets the endpoint"),
    (*_patched("litellm_settings: {turn_off_message_logging: true}"), False, "messages are left out"),
    (*_patched("litellm_settings: {turn_off_message_logging: false}"), True, "messages are not left out"),
    (
        *_patched("callback_settings: {otel: {message_logging: false}}"),
        False,
        "messages are left out of spans",
    ),
    (*_patched("litellm_settings: {callbacks: [prometheus]}"), False, "a patch takes the callback away"),
    (*_patched("litellm_settings: {callbacks: [langfuse_otel]}"), False, "another callback"),
    (
        *_patched("litellm_settings: {callbacks: [], success_callback: [otel]}"),
        True,
        "the callback under another key",
    ),
    (*_patched("litellm_settings: null"), False, "no callbacks at all"),
    (*_patched("litellm_settings: {callbacks: otel}"), True, "a single callback"),
)


@pytest.mark.parametrize(("spec", "contents", "logged", "why"), LOGGED, ids=[case[3] for case in LOGGED])
def test_a_gateway_that_writes_prompts_to_its_log_says_so(
    spec: dict[str, Any], contents: Contents, logged: bool, why: str
) -> None:
    assert _tells(WarningReason.PROMPTS_LOGGED, _planned(spec, contents)) is logged, why


def test_a_source_that_may_be_absent_and_is_gives_no_master_key() -> None:
    optional: dict[str, Any] = {"envFrom": [{"secretRef": {"name": "more", "optional": True}}]}
    found = snapshot(gateway(**optional), absent=frozenset((SOURCE,)))
    assert _tells(WarningReason.NO_MASTER_KEY, plan(found).gateways[key()])
