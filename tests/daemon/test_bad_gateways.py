"""Gateways with odd or impossible wishes: what can be served is, and what cannot says why."""

import json

import pytest

from lab import wait_until
from lab.errors import ApiError
from tests.daemon.harness import PATCH_ANNOTATION, SECONDS, Namespace
from tests.daemon.manifests import config_map, gateway, secret, tool_gateway

_LONGEST_NAME = 63


def test_a_missing_patch_is_named_on_a_tool_gateway_too(namespace: Namespace) -> None:
    namespace.apply(tool_gateway("tools", annotations={PATCH_ANNOTATION: "nowhere"}))

    message = namespace.wait_reason("tools", "ConfigPatchInvalid", "ToolGateway")

    assert 'configmap "nowhere" not found' in message
    namespace.apply(config_map("nowhere", patch_yaml="general_settings: {store_model_in_db: true}"))
    namespace.wait_ready("tools", "ToolGateway")


def test_an_unknown_key_is_a_warning_with_the_nearest_one(
    namespace: Namespace,
) -> None:
    patch = "router_setings: {num_retries: 2}\nrouter_settings: {num_retires: 2}"
    namespace.apply(
        config_map("patch", patch_yaml=patch), gateway("typo", annotations={PATCH_ANNOTATION: "patch"})
    )

    namespace.wait_ready("typo")

    assert namespace.wait_event("typo", "ConfigKeyUnknown", contains="router_settings?")["type"] == "Warning"
    namespace.wait_event("typo", "ConfigKeyUnknown", contains="num_retries?")
    assert "num_retires: 2" in namespace.config("typo"), "a warning refuses nothing"


def test_odd_and_equal_provider_names_give_one_variable_each(namespace: Namespace) -> None:
    models = [
        {"name": "gpt-4o", "provider": "azure.openai/eu west"},
        {"name": "gpt-4o-mini", "provider": "azure.openai/eu west"},
        {"name": "größe", "provider": "müller"},
    ]
    namespace.apply(
        secret("api-key-secrets", AZURE_OPENAI_EU_WEST_API_KEY="k"), gateway("odd", aiModels=models)
    )

    namespace.wait_ready("odd")

    container = namespace.existing("Deployment", "odd")["spec"]["template"]["spec"]["containers"][0]
    names = [variable["name"] for variable in container["env"]]
    assert names == ["AZURE_OPENAI_EU_WEST_API_KEY", "M_LLER_API_KEY", "PROMETHEUS_MULTIPROC_DIR"]
    assert "azure.openai/eu west/gpt-4o" in namespace.config("odd")


def test_a_gateway_without_models_is_refused_by_the_api_server(namespace: Namespace) -> None:
    with pytest.raises(ApiError, match=r"spec\.aiModels"):
        namespace.apply(gateway("empty", aiModels=[]))


def test_a_name_at_the_limit_works_and_one_beyond_fails(namespace: Namespace) -> None:
    fits, exceeds = "a" * _LONGEST_NAME, "a" * (_LONGEST_NAME + 1)

    namespace.apply(gateway(fits), tool_gateway(exceeds))

    wait_until(
        lambda: namespace.conditions(exceeds, "ToolGateway"), timeout=SECONDS, what=f"conditions of {exceeds}"
    )
    configured = namespace.conditions(exceeds, "ToolGateway")["ToolGatewayConfigured"]
    assert configured["status"] == "False"
    assert exceeds in configured["message"]
    assert "63" in configured["message"]
    namespace.wait_ready(fits)


def test_of_two_gateways_of_one_name_the_first_keeps_the_objects(namespace: Namespace) -> None:
    namespace.apply(gateway("same"))
    namespace.wait_ready("same")
    uid = namespace.existing("Deployment", "same")["metadata"]["uid"]

    namespace.apply(tool_gateway("same"))
    message = namespace.wait_reason("same", "NameConflict", "ToolGateway")

    assert f"AiGateway {namespace.name}/same" in message
    assert namespace.existing("Deployment", "same")["metadata"]["uid"] == uid
    namespace.wait_ready("same")

    namespace.kubectl("delete", "aigateway", "same")
    namespace.wait_ready("same", "ToolGateway")
    owner = namespace.existing("Deployment", "same")["metadata"]["ownerReferences"][0]
    assert owner["kind"] == "ToolGateway"
    assert "mcp_servers" in namespace.config("same")


def test_unicode_and_lines_in_variables_arrive_as_they_are(namespace: Namespace) -> None:
    values = {
        "EMPTY": "",
        "JSON": json.dumps({"a": ["ü", "\n"]}),
        "LINES": "first\nsecond\r\n\tthird: # no comment\n",
        "UNICODE": "Grüße 🚀 \u2028 \u202e",
    }
    env = [{"name": name, "value": value} for name, value in values.items()]
    namespace.apply(gateway("text", env=env), tool_gateway("tools", env=env))

    for name, kind in (("text", "AiGateway"), ("tools", "ToolGateway")):
        namespace.wait_ready(name, kind)
        container = namespace.existing("Deployment", name)["spec"]["template"]["spec"]["containers"][0]
        found = {variable["name"]: variable.get("value", "") for variable in container["env"]}
        assert {key: found[key] for key in values} == values
