"""Texts of the configuration that LiteLLM replaces by variables of the pod."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from gateway_components import strict_yaml
from gateway_components.api.gateways import AiGateway, ToolGateway
from gateway_components.api.guardrails import Guard, GuardrailProvider
from gateway_components.api.meta import ApiObject
from gateway_components.api.parse import parse_as
from gateway_components.api.tools import ToolRoute, ToolServer
from gateway_components.errors import Finding, InputError
from gateway_components.identity import Identity
from gateway_components.plan.findings import WarningReason
from gateway_components.plan.plan import Plan, plan
from gateway_components.plan.snapshot import Content
from gateway_components.plan.variables import foreign_references, from_environment
from tests.plan.make import gateway, key, patch_contents, snapshot

STOLEN = "os.environ/DATABASE_URL"

FOREIGN: tuple[tuple[Any, list[tuple[str | int, ...]], str], ...] = (
    (STOLEN, [()], "the text itself"),
    ({"a": {"b": [{"c": STOLEN}]}}, [("a", "b", 0, "c")], "at any depth"),
    ({"a": [STOLEN, "x"]}, [("a", 0)], "an item of a list"),
    ({"a": {STOLEN: 1}}, [("a", STOLEN)], "a key"),
    ({"a": "os.environ/"}, [("a",)], "without a name"),
    ({"a": str(from_environment("A"))[:]}, [("a",)], "the text of one of ours, written anew"),
    ({"a": from_environment("A"), "b": [from_environment("B")]}, [], "ours"),
    ({"a": f"x{STOLEN}", "b": "os.environ", "c": "OS.ENVIRON/A", "d": None, "e": 1}, [], "LiteLLM leaves it"),
)


@pytest.mark.parametrize(("value", "paths", "why"), FOREIGN, ids=[case[2] for case in FOREIGN])
def test_texts_that_others_wrote_and_that_name_a_variable(value: Any, paths: list[Any], why: str) -> None:
    assert list(foreign_references(value)) == paths, why


def test_a_reference_of_ours_is_written_as_the_text_that_it_is() -> None:
    assert strict_yaml.dump({"key": from_environment("A")}) == "key: os.environ/A\n"


OBJECTS: tuple[tuple[type[ApiObject], str, dict[str, Any]], ...] = (
    (
        AiGateway,
        "models",
        {
            "aiGatewayClassName": "litellm",
            "aiModels": [{"name": "gpt-4o", "provider": "openai"}],
            "guardrails": [{"name": "personal"}, {"name": "moderation"}, {"name": "topics"}],
        },
    ),
    (ToolGateway, "tools", {"toolGatewayClassName": "litellm", "guardrails": [{"name": "personal"}]}),
    (
        ToolRoute,
        "files",
        {
            "toolGatewayRef": {"name": "tools"},
            "upstream": {"toolServerRef": {"name": "files"}},
            "toolFilter": {"allow": ["read"], "deny": ["write"]},
        },
    ),
    (
        ToolRoute,
        "mail",
        {"toolGatewayRef": {"name": "tools"}, "upstream": {"external": {"url": "https://a.example/mcp"}}},
    ),
    (
        ToolServer,
        "files",
        {"image": "a", "port": 80, "path": "/mcp", "transportType": "http", "protocol": "mcp"},
    ),
    (
        Guard,
        "personal",
        {
            "mode": ["pre_call"],
            "providerRef": {"name": "presidio"},
            "presidio": {
                "language": "en",
                "entityActions": {"PERSON": "MASK"},
                "scoreThresholds": {"ALL": "0.5"},
            },
        },
    ),
    (
        Guard,
        "moderation",
        {"mode": ["pre_call"], "providerRef": {"name": "openai"}, "openaiModeration": {"model": "m"}},
    ),
    (
        Guard,
        "topics",
        {
            "mode": ["pre_call"],
            "providerRef": {"name": "bedrock"},
            "bedrock": {"guardrailId": "abc", "guardrailVersion": "1"},
        },
    ),
    (GuardrailProvider, "presidio", {"type": "presidio-api", "presidio": {"baseUrl": "http://a"}}),
    (
        GuardrailProvider,
        "openai",
        {
            "type": "openai-moderation-api",
            "openaiModeration": {
                "baseUrl": "https://m.example",
                "apiKeySecretRef": {"name": "moderation", "key": "token"},
            },
        },
    ),
    (
        GuardrailProvider,
        "bedrock",
        {
            "type": "bedrock-api",
            "bedrock": {"region": "eu-central-1", "credentialsSecretRef": {"name": "aws"}},
        },
    ),
)
"""Gateways of both kinds with all that hangs on them, every field that may reach the configuration filled."""


def _with_theft(value: Any) -> Iterator[Any]:
    """Yield `value` with each of its texts and keys in turn made a name of a variable."""
    if isinstance(value, dict):
        for key_ in value:
            yield {(STOLEN if other == key_ else other): item for other, item in value.items()}
            yield from ({**value, key_: stolen} for stolen in _with_theft(value[key_]))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from ([*value[:position], stolen, *value[position + 1 :]] for stolen in _with_theft(item))
    elif isinstance(value, str):
        yield STOLEN


def _planned(objects: Sequence[tuple[type[ApiObject], str, dict[str, Any]]]) -> Plan:
    parsed: list[Any] = [
        parse_as(model, {"metadata": {"name": name, "namespace": "team"}, "spec": spec})
        for model, name, spec in objects
    ]
    return plan(snapshot(*parsed))


def _is_stolen(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_is_stolen(part) for item in value.items() for part in item)
    if isinstance(value, list):
        return any(map(_is_stolen, value))
    return isinstance(value, str) and value.startswith(STOLEN)


def test_no_field_takes_a_variable_into_a_configuration() -> None:
    whole = _planned(OBJECTS)
    assert not [found.failure for found in whole.gateways.values() if found.failure]
    assert not [route.failure for route in whole.routes.values() if route.failure]
    planned = 0
    for position, (model, name, spec) in enumerate(OBJECTS):
        for stolen in _with_theft(spec):
            others = [*OBJECTS[:position], (model, name, stolen), *OBJECTS[position + 1 :]]
            try:
                found = _planned(others)
            except InputError:
                continue  # the API server would not have it either
            planned += 1
            for gateway_ in found.gateways.values():
                text = gateway_.objects.config_map["data"]["config.yaml"] if gateway_.objects else "{}"
                assert not _is_stolen(strict_yaml.parse(text)), (name, stolen)
    assert planned > 30, "most of these are admitted, and refused by the plan"


def _of_secret(name: str, key_: str, *, optional: bool | None = None) -> dict[str, Any]:
    selector = {"name": name, "key": key_, **({} if optional is None else {"optional": optional})}
    return {"name": "KEY", "valueFrom": {"secretKeyRef": selector}}


def _of_map(name: str, key_: str) -> dict[str, Any]:
    return {"name": "KEY", "valueFrom": {"configMapKeyRef": {"name": name, "key": key_, "optional": True}}}


SECRET, SETTINGS, BLANK, GONE = (
    Identity("Secret", "team", "known"),
    Identity("ConfigMap", "team", "settings"),
    Identity("Secret", "team", "blank"),
    Identity("Secret", "team", "gone"),
)
CONTENTS = {
    SECRET: Content("1", keys=frozenset(("KEY", "BLANK")), empty=frozenset(("BLANK",))),
    SETTINGS: Content("2", keys=frozenset(("full", "blank")), empty=frozenset(("blank",))),
    BLANK: Content("3", keys=frozenset(("KEY",)), empty=frozenset(("KEY",))),
}
ABSENT = frozenset((GONE,))


def _warnings(patch: dict[str, Any], **spec: Any) -> list[Finding]:
    contents = {**patch_contents(strict_yaml.dump(patch)), **CONTENTS}
    found = snapshot(gateway(patch="patch", **spec), contents=contents, absent=ABSENT)
    reported = (WarningReason.VARIABLE_MISSING, WarningReason.MASTER_KEY_EMPTY)
    return [warning for warning in plan(found).gateways[key()].warnings if warning.reason in reported]


MASTER = {"general_settings": {"master_key": "os.environ/KEY"}}
CACHE = {"litellm_settings": {"cache_params": {"host": "os.environ/KEY"}}}

EMPTY: tuple[tuple[dict[str, Any], str], ...] = (
    ({"env": [{"name": "KEY", "value": ""}]}, "it is empty"),
    ({"env": [{"name": "KEY"}]}, "it has no value"),
    ({"env": [_of_map("settings", "blank")]}, "the value is empty"),
    ({"env": [_of_secret("known", "BLANK")]}, "the value in the Secret is empty"),
    ({"envFrom": [{"secretRef": {"name": "blank"}}]}, "the value of a source is empty"),
    (
        {"envFrom": [{"secretRef": {"name": "known"}}, {"secretRef": {"name": "blank"}}]},
        "the last source holds, and it is empty",
    ),
)
MISSING: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "nobody sets it"),
    ({"env": [{"name": "Key", "value": "x"}]}, "it is written otherwise"),
    ({"env": [_of_secret("known", "OTHER", optional=True)]}, "the Secret has no such key"),
    ({"env": [_of_secret("gone", "KEY", optional=True)]}, "the Secret does not exist"),
    ({"env": [_of_map("settings", "lost")]}, "the ConfigMap has no such key"),
    ({"envFrom": [{"secretRef": {"name": "known"}, "prefix": "A_"}]}, "a prefix gives it another name"),
    ({"envFrom": [{"secretRef": {"name": "gone", "optional": True}}]}, "the source may be absent, and is"),
)


@pytest.mark.parametrize(("spec", "why"), MISSING, ids=[case[1] for case in MISSING])
def test_a_master_key_that_no_pod_has_leaves_the_gateway_open(spec: dict[str, Any], why: str) -> None:
    (warning,) = _warnings(MASTER, **spec)
    assert warning.reason == WarningReason.MASTER_KEY_EMPTY, why
    assert warning.message == (
        "the master key would be missing (general_settings.master_key by the variable KEY), so the gateway serves "
        "everybody who reaches it"
    )
    assert warning.cure == "set KEY in spec.env from a Secret"
    assert warning.inside is not None
    assert warning.inside.path == ("general_settings", "master_key")


@pytest.mark.parametrize(("spec", "why"), EMPTY, ids=[case[1] for case in EMPTY])
def test_an_empty_master_key_lets_nobody_in(spec: dict[str, Any], why: str) -> None:
    (warning,) = _warnings(MASTER, **spec)
    assert warning.reason == WarningReason.MASTER_KEY_EMPTY, why
    assert warning.message.endswith("so the gateway refuses everybody")


UNSET = (*MISSING, *EMPTY)


@pytest.mark.parametrize(("spec", "why"), UNSET, ids=[case[1] for case in UNSET])
def test_a_variable_that_no_pod_has_is_reported(spec: dict[str, Any], why: str) -> None:
    (warning,) = _warnings(CACHE, **spec)
    assert warning.reason == WarningReason.VARIABLE_MISSING, why
    assert warning.message.startswith("litellm_settings.cache_params.host names the variable KEY, which ")
    assert warning.inside is not None
    assert warning.inside.path == ("litellm_settings", "cache_params", "host")


PROVIDED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"env": [{"name": "KEY", "value": "x"}]}, "by a value"),
    ({"env": [_of_secret("known", "KEY")]}, "by a Secret"),
    ({"env": [_of_map("settings", "full")]}, "by a ConfigMap"),
    ({"env": [{"name": "KEY", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}, "by a field"),
    ({"envFrom": [{"secretRef": {"name": "known"}}]}, "by a source"),
    ({"envFrom": [{"secretRef": {"name": "elsewhere"}}]}, "perhaps by a source that is not known"),
    ({"envFrom": [{"secretRef": {"name": "gone"}}]}, "no pod starts without its source"),
    ({"env": [_of_secret("elsewhere", "KEY", optional=True)]}, "perhaps by a Secret that is not known"),
    ({"env": [_of_secret("known", "OTHER")]}, "no pod starts without it, which is told elsewhere"),
)


@pytest.mark.parametrize(("spec", "why"), PROVIDED, ids=[case[1] for case in PROVIDED])
@pytest.mark.parametrize("patch", [MASTER, CACHE], ids=["master key", "another"])
def test_a_variable_that_pods_have_is_not_reported(
    patch: dict[str, Any], spec: dict[str, Any], why: str
) -> None:
    assert _warnings(patch, **spec) == [], why


def test_what_is_always_there_is_not_reported() -> None:
    names = ("HOME", "HOSTNAME", "KUBERNETES_SERVICE_HOST", "PROMETHEUS_MULTIPROC_DIR")
    assert _warnings({"environment_variables": {name: f"os.environ/{name}" for name in names}}) == []


def test_an_empty_master_key_in_the_patch_itself_is_reported() -> None:
    (warning,) = _warnings({"general_settings": {"master_key": ""}})
    assert warning.reason == WarningReason.MASTER_KEY_EMPTY
    assert "(general_settings.master_key)" in warning.message


def test_an_empty_master_key_of_spec_env_is_reported() -> None:
    spec = {"env": [{"name": "LITELLM_MASTER_KEY", "value": ""}]}
    (warning,) = [one for one in _warnings({}, **spec) if one.reason == WarningReason.MASTER_KEY_EMPTY]
    assert (warning.field, warning.inside) == ("spec.env", None)
    assert "by the variable LITELLM_MASTER_KEY" not in warning.message
    assert "(the variable LITELLM_MASTER_KEY)" in warning.message


def test_a_variable_that_the_configuration_sets_is_too_late() -> None:
    (warning,) = _warnings({**CACHE, "environment_variables": {"KEY": "x"}})
    assert warning.message.endswith("names the variable KEY, which environment_variables sets too late")


def test_with_a_key_manager_nobody_knows_what_is_missing() -> None:
    patch = {"general_settings": {"key_management_system": "hashicorp_vault", "master_key": "os.environ/KEY"}}
    assert _warnings({**CACHE, **patch}) == []


def test_a_credential_in_place_of_a_name_is_not_shown() -> None:
    (warning,) = _warnings({"litellm_settings": {"cache_params": {"host": "os.environ/sk-hunter2-hunter2"}}})
    assert "hunter2" not in str(warning)
    (master,) = _warnings({"general_settings": {"master_key": "os.environ/sk-hunter2-hunter2"}})
    assert "hunter2" not in str(master)


def test_a_variable_in_a_list_is_reported_though_pods_have_it() -> None:
    webhooks = {"budget_alerts": ["os.environ/KEY"]}
    patch = {
        "general_settings": {"allowed_ips": ["os.environ/KEY", "10.0.0.1"], "alert_to_webhook_url": webhooks}
    }
    (warning,) = _warnings(patch, env=[{"name": "KEY", "value": "10.0.0.2"}])
    assert warning.message == (
        "general_settings.allowed_ips[0] is an item of a list, in which LiteLLM does not expand variables"
    )


ODD: tuple[tuple[dict[str, Any], list[str], str], ...] = (
    ({"x": [{"y": ["os.environ/A"]}]}, ["x[0].y[0]"], "in lists"),
    ({"x": "os.environ/os.environ/A"}, ["x"], "LiteLLM takes the mark off twice"),
    ({"x": "os.environ/oidc/env/A"}, ["x"], "a token in a variable"),
    ({"x": "os.environ/oidc/google/https://a"}, [], "a token from elsewhere"),
    ({"x": "Bearer os.environ/A"}, [], "LiteLLM leaves it as it is"),
    (
        {
            "general_settings": {
                "pass_through_endpoints": [{"headers": {"Authorization": "Bearer os.environ/A"}}]
            }
        },
        ["general_settings.pass_through_endpoints[0].headers.Authorization"],
        "but not in the headers of other endpoints",
    ),
    ({"os.environ/A": 1}, [], "a key"),
)


@pytest.mark.parametrize(("patch", "fields", "why"), ODD, ids=[case[2] for case in ODD])
def test_where_a_variable_may_be_named(patch: dict[str, Any], fields: list[str], why: str) -> None:
    assert [warning.message.split(" ")[0] for warning in _warnings(patch)] == fields, why
