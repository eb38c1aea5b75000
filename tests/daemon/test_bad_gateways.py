"""Gateways with odd or impossible wishes: what can be served is, and what cannot says why."""

import json
from collections.abc import Iterator

import pytest

from lab import ControlPlane, wait_until
from lab.errors import ApiError
from tests.daemon.harness import PATCH_ANNOTATION, SECONDS, Daemon, Namespace, fresh_namespace
from tests.daemon.manifests import config_map, gateway, secret, tool_gateway

_LONGEST_NAME = 63


MODELS = [
    {"name": "gpt-4o", "provider": "azure.openai/eu west"},
    {"name": "gpt-4o-mini", "provider": "azure.openai/eu west"},
    {"name": "größe", "provider": "müller"},
]
VALUES = {
    "EMPTY": "",
    "JSON": json.dumps({"a": ["ü", "\n"]}),
    "LINES": "first\nsecond\r\n\tthird: # no comment\n",
    "UNICODE": "Grüße 🚀 \u2028 \u202e",
}
ENV = [{"name": name, "value": value} for name, value in VALUES.items()]
FITS, EXCEEDS = "a" * _LONGEST_NAME, "a" * (_LONGEST_NAME + 1)


@pytest.fixture(scope="module")
def odd(lab: ControlPlane, daemon: Daemon) -> Iterator[Namespace]:
    """Return a namespace with gateways that are odd, each in its own way, and applied in one run."""
    with fresh_namespace(lab) as place:
        place.apply(
            config_map(
                "patch", patch_yaml="router_setings: {num_retries: 2}\nrouter_settings: {num_retires: 2}"
            ),
            secret("api-key-secrets", AZURE_OPENAI_EU_WEST_API_KEY="k"),
            gateway("typo", annotations={PATCH_ANNOTATION: "patch"}),
            gateway("models", aiModels=MODELS),
            gateway(FITS),
            tool_gateway(EXCEEDS),
            gateway("text", env=ENV),
            tool_gateway("tools", env=ENV),
        )
        yield place


def test_a_missing_patch_is_named_on_a_tool_gateway_too(namespace: Namespace) -> None:
    namespace.apply(tool_gateway("tools", annotations={PATCH_ANNOTATION: "nowhere"}))

    message = namespace.wait_reason("tools", "ConfigPatchInvalid", "ToolGateway")

    assert 'configmap "nowhere" not found' in message
    namespace.apply(config_map("nowhere", patch_yaml="general_settings: {store_model_in_db: true}"))
    namespace.wait_ready("tools", "ToolGateway")


def test_an_unknown_key_is_a_warning_with_the_nearest_one(odd: Namespace) -> None:
    odd.wait_ready("typo")

    assert odd.wait_event("typo", "ConfigKeyUnknown", contains="router_settings?")["type"] == "Warning"
    odd.wait_event("typo", "ConfigKeyUnknown", contains="num_retries?")
    assert "num_retires: 2" in odd.config("typo"), "a warning refuses nothing"


def test_odd_and_equal_provider_names_give_one_variable_each(odd: Namespace) -> None:
    odd.wait_ready("models")

    container = odd.existing("Deployment", "models")["spec"]["template"]["spec"]["containers"][0]
    names = [variable["name"] for variable in container["env"]]
    assert names == ["AZURE_OPENAI_EU_WEST_API_KEY", "M_LLER_API_KEY", "PROMETHEUS_MULTIPROC_DIR"]
    assert "azure.openai/eu west/gpt-4o" in odd.config("models")


def test_a_gateway_without_models_is_refused_by_the_api_server(namespace: Namespace) -> None:
    with pytest.raises(ApiError, match=r"spec\.aiModels"):
        namespace.apply(gateway("empty", aiModels=[]))


def test_a_name_at_the_limit_works_and_one_beyond_fails(odd: Namespace) -> None:
    wait_until(
        lambda: odd.conditions(EXCEEDS, "ToolGateway"), timeout=SECONDS, what=f"conditions of {EXCEEDS}"
    )
    configured = odd.conditions(EXCEEDS, "ToolGateway")["ToolGatewayConfigured"]
    assert configured["status"] == "False"
    assert EXCEEDS in configured["message"]
    assert "63" in configured["message"]
    odd.wait_ready(FITS)


def test_of_two_gateways_of_one_name_the_first_keeps_the_objects(namespace: Namespace) -> None:
    namespace.apply(gateway("same"))
    namespace.wait_ready("same")
    uid = namespace.existing("Deployment", "same")["metadata"]["uid"]

    namespace.apply(tool_gateway("same"))
    message = namespace.wait_reason("same", "NameConflict", "ToolGateway")

    assert f"AiGateway {namespace.name}/same" in message
    assert namespace.existing("Deployment", "same")["metadata"]["uid"] == uid
    namespace.wait_ready("same")

    namespace.delete("AiGateway", "same")
    namespace.wait_ready("same", "ToolGateway")
    owner = namespace.existing("Deployment", "same")["metadata"]["ownerReferences"][0]
    assert owner["kind"] == "ToolGateway"
    assert "mcp_servers" in namespace.config("same")


def test_unicode_and_lines_in_variables_arrive_as_they_are(odd: Namespace) -> None:
    for name, kind in (("text", "AiGateway"), ("tools", "ToolGateway")):
        odd.wait_ready(name, kind)
        container = odd.existing("Deployment", name)["spec"]["template"]["spec"]["containers"][0]
        found = {variable["name"]: variable.get("value", "") for variable in container["env"]}
        assert {key: found[key] for key in VALUES} == VALUES
