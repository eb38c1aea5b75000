"""Credentials in plain text in a patch: which count, and that no value is told."""

from typing import Any

import pytest

from gateway_components.plan.findings import WarningReason
from gateway_components.plan.patch import plain_credentials
from gateway_components.plan.plan import plan
from tests.plan.make import gateway, key, particular, patch_contents, snapshot

CREDENTIALS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"general_settings": {"master_key": "sk-1234"}}, "a master key"),
    ({"general_settings": {"master_key": 1234}}, "a number for a key"),
    ({"litellm_settings": {"cache_params": {"password": "p"}}}, "a password"),
    ({"model_list": [{"litellm_params": {"api_key": "a"}}]}, "a key of a model"),
    ({"litellm_params": {"aws_secret_access_key": "a"}}, "one of AWS"),
    ({"environment_variables": {"LANGFUSE_SECRET_KEY": "a"}}, "a variable"),
    ({"environment_variables": {"SLACK_WEBHOOK_URL": "https://hooks"}}, "whoever knows the URL may post"),
    ({"general_settings": {"database_url": "postgres://me:p@db/x"}}, "a password in a URL"),
    ({"mcp_servers": {"a": {"static_headers": {"Authorization": "abc"}}}}, "a header"),
    ({"mcp_servers": {"a": {"header": "Bearer abcdefgh12345"}}}, "a bearer under any name"),
    ({"mcp_servers": {"a": {"auth_value": "tok"}}}, "the key of an MCP server"),
    ({"x": "sk-abcdefghijklmnopqrst"}, "the shape of a key under any name"),
    ({"x": "-----BEGIN RSA PRIVATE KEY-----\nMII"}, "a private key"),
    ({"x": "AKIAABCDEFGHIJKLMNOP"}, "the shape of an identifier of AWS"),
    ({"apiKey": "a"}, "camelCase"),
    ({"api-key": "a"}, "hyphens"),
    ({"api_keys": ["a"]}, "an item of a list"),
    ({"a": {"args": ["--token", "abcd1234"]}}, "what follows an option"),
    ({"a": {"args": ["--api-key=abcd1234"]}}, "an option with its value"),
    ({"a": {"url": "https://x.example/mcp?api_key=abcdef123"}}, "a query"),
    ({"a": {"url": "https://x.example/c?sv=2020&sig=abcdefgh%3D"}}, "a signature in a query"),
    ({"environment_variables": {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=abcdef"}}, "a list of headers"),
    ({"a": "AccountName=a;AccountKey=abcdef=="}, "a connection string"),
    ({"a": {"b": "bearer abcdefgh12345"}}, "a bearer in small letters"),
    ({"alert_to_webhook_url": {"a": "https://hooks.slack.com/services/T0/B0/x"}}, "a webhook by its shape"),
    ({"headers": {"Ocp-Apim-Subscription-Key": "abc"}}, "a key of a subscription"),
    ({"vertex_credentials": '{"private_key": "x"}'}, "a file of credentials as text"),
)


@pytest.mark.parametrize(("value", "why"), CREDENTIALS, ids=[case[1] for case in CREDENTIALS])
def test_credentials_are_found_with_the_way_to_them(value: dict[str, Any], why: str) -> None:
    (path,) = plain_credentials(value)
    for step in path:
        value = value[step]  # type: ignore[index]
    assert not isinstance(value, dict | list), why


NONE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"master_key": "os.environ/KEY", "Authorization": "Bearer os.environ/KEY"}, "they name a variable"),
    ({"api_key": "none"}, "a local model checks none"),
    ({"api_key": ""}, "empty"),
    ({"api_key": None}, "null"),
    ({"max_tokens": 4096, "token": 5, "max_token": "5000 or so"[:0]}, "numbers of tokens"),
    ({"eos_token": "</s>"}, "a token of a language"),
    ({"vertex_credentials": "/secrets/vertex.json"}, "the path of a file"),
    ({"azure_ad_token": "oidc/google/x"}, "a token that LiteLLM gets itself"),
    ({"database_url": "postgres://db/x", "api_base": "https://a.example:443/v1"}, "URLs without a password"),
    ({"key_management_system": "aws_secret_manager", "litellm_key_header_name": "X-Key"}, "names"),
    ({"store_prompts_in_spend_logs": True, "password": True}, "switches"),
    ({"langfuse_public_key": "pk-lf-1234567890abcdef"}, "a public key"),
    (
        {"args": ["--token", "os.environ/KEY", "--token-file", "/secrets/a"]},
        "options that name what holds it",
    ),
    ({"url": "https://a.example/?tokens=500000&page=abcdef"}, "a query of other things"),
    ({"description": "bearer authentication is not what this needs"}, "a text about bearers"),
)


@pytest.mark.parametrize(("value", "why"), NONE, ids=[case[1] for case in NONE])
def test_what_is_no_credential_is_not_reported(value: dict[str, Any], why: str) -> None:
    assert list(plain_credentials(value)) == [], why


def test_a_credential_in_a_patch_is_reported_by_its_field_alone() -> None:
    contents = patch_contents("general_settings: {master_key: sk-1234}")
    (warning,) = particular(plan(snapshot(gateway(patch="patch"), contents=contents)).gateways[key()])
    assert warning.reason == WarningReason.PLAIN_CREDENTIAL
    assert warning.text.startswith('configmap "patch" key "patch.yaml": general_settings.master_key holds')
    assert warning.inside is not None
    assert warning.inside.path == ("general_settings", "master_key")
    assert "sk-1234" not in str(warning)


def test_a_text_without_end_is_checked_quickly() -> None:
    for text in ("://" * 300_000, "eyJ" * 300_000, "sk-" * 300_000, "Bearer " * 100_000):
        list(plain_credentials({"x": text}))
