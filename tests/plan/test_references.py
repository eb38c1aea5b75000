"""What a gateway depends on."""

from typing import Any

import pytest

from gateway_components.api.parse import parse_as
from gateway_components.api.tools import ToolRoute
from gateway_components.identity import Identity
from gateway_components.plan.references import (
    credential_reference,
    environment_references,
    gateway_of_route,
    patch_reference,
    references,
    server_reference,
)
from gateway_components.plan.snapshot import Resources, Unreadable
from tests.plan.make import (
    gateway,
    guard,
    guardrail_provider,
    resources,
    route,
    tool_gateway,
    tool_key,
)

NOTHING: Resources = {}
KEYS = Identity("Secret", "team", "api-key-secrets")


def test_every_gateway_depends_on_the_api_keys_of_its_namespace() -> None:
    assert references(gateway(), NOTHING.get) == {KEYS}


def test_the_annotation_names_a_config_map_of_the_same_namespace() -> None:
    assert patch_reference(gateway(patch="extra")) == Identity("ConfigMap", "team", "extra")


def test_an_empty_annotation_names_nothing() -> None:
    assert patch_reference(gateway(patch="")) is None


def test_all_ways_into_the_environment_count_once() -> None:
    found = gateway(
        patch="extra",
        env=[
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s1", "key": "k"}}},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s1", "key": "l"}}},
            {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c1", "key": "k"}}},
            {"name": "D", "value": "plain"},
            {"name": "E", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        ],
        envFrom=[{"secretRef": {"name": "s2"}}, {"configMapRef": {"name": "c2"}}],
    )
    environment = {
        Identity("Secret", "team", "s1"),
        Identity("Secret", "team", "s2"),
        Identity("ConfigMap", "team", "c1"),
        Identity("ConfigMap", "team", "c2"),
    }
    assert environment_references(found) == environment
    assert references(found, NOTHING.get) == {*environment, KEYS, Identity("ConfigMap", "team", "extra")}


def test_the_api_key_secret_counts_only_in_its_own_hash() -> None:
    assert (
        environment_references(gateway(envFrom=[{"secretRef": {"name": "api-key-secrets"}}])) == frozenset()
    )


def test_references_without_a_name_lead_nowhere() -> None:
    env = [{"name": "A", "valueFrom": {"secretKeyRef": {"key": "k"}}}, {"name": "B", "valueFrom": {}}]
    assert references(gateway(env=env, envFrom=[{"secretRef": {}}, {}]), NOTHING.get) == {KEYS}


def test_a_tool_gateway_depends_on_the_same_things() -> None:
    found = tool_gateway(patch="extra", envFrom=[{"secretRef": {"name": "s"}}])
    others = {Identity("Secret", "team", "s"), Identity("ConfigMap", "team", "extra")}
    assert references(found, NOTHING.get) == {KEYS, *others}


GUARD = Identity("Guard", "team", "pii")
PROVIDER = Identity("GuardrailProvider", "services", "checker")
ASKED = {"name": "checker", "namespace": "services"}
MODERATED = guardrail_provider(
    namespace="services",
    type_="openai-moderation-api",
    openaiModeration={"apiKeySecretRef": {"name": "s", "key": "k"}},
)


def test_guards_lead_to_providers_and_these_to_secrets() -> None:
    known = resources(guard(provider=ASKED), MODERATED)
    found = references(gateway(guardrails=[{"name": "pii"}]), known.get)
    assert found == {KEYS, GUARD, PROVIDER, Identity("Secret", "services", "s")}


MISSING: tuple[tuple[Resources, set[Identity], str], ...] = (
    ({}, {GUARD}, "a missing Guard, whose creation concerns the gateway"),
    ({GUARD: Unreadable("odd")}, {GUARD}, "a Guard that cannot be read, whose correction does"),
    (resources(guard(provider=ASKED)), {GUARD, PROVIDER}, "a missing provider"),
    (
        {**resources(guard(provider=ASKED)), PROVIDER: Unreadable("odd")},
        {GUARD, PROVIDER},
        "a provider that cannot be read",
    ),
    (resources(guard(provider={}), MODERATED), {GUARD}, "a Guard that names no provider"),
)


@pytest.mark.parametrize(("known", "expected", "why"), MISSING, ids=[case[2] for case in MISSING])
def test_what_is_missing_is_depended_on_all_the_same(
    known: Resources, expected: set[Identity], why: str
) -> None:
    assert references(gateway(guardrails=[{"name": "pii"}, {}]), known.get) == {KEYS, *expected}, why


SECRET = Identity("Secret", "team", "s")
SELECTOR = {"name": "s", "key": "k"}
CREDENTIALS: tuple[tuple[str, dict[str, Any], Identity | None, str], ...] = (
    (
        "openai-moderation-api",
        {"openaiModeration": {"apiKeySecretRef": SELECTOR}},
        SECRET,
        "a Secret of the provider's namespace",
    ),
    ("openai-moderation-api", {"openaiModeration": {}}, None, "no API key"),
    (
        "openai-moderation-api",
        {"openaiModeration": {"apiKeySecretRef": {"key": "k"}}},
        None,
        "a Secret without a name",
    ),
    (
        "bedrock-api",
        {"bedrock": {"region": "r", "credentialsSecretRef": {"name": "s"}}},
        SECRET,
        "a Secret whose namespace defaults to the provider's",
    ),
    (
        "bedrock-api",
        {"bedrock": {"region": "r", "credentialsSecretRef": {"name": "s", "namespace": "x"}}},
        Identity("Secret", "x", "s"),
        "a Secret of another namespace",
    ),
    ("bedrock-api", {"bedrock": {"region": "r", "credentialsSecretRef": {}}}, None, "no name for AWS"),
    ("bedrock-api", {"bedrock": {"region": "r"}}, None, "the pod's own identity"),
    (
        "bedrock-api",
        {"openaiModeration": {"apiKeySecretRef": SELECTOR}},
        None,
        "the block of another type does not count",
    ),
    (
        "presidio-api",
        {"presidio": {"baseUrl": "http://p", "apiKeySecretRef": SELECTOR}},
        None,
        "LiteLLM sends Presidio no API key",
    ),
)


@pytest.mark.parametrize(
    ("type_", "blocks", "expected", "why"), CREDENTIALS, ids=[case[3] for case in CREDENTIALS]
)
def test_credentials_of_a_provider(
    type_: str, blocks: dict[str, Any], expected: Identity | None, why: str
) -> None:
    assert credential_reference(guardrail_provider(type_=type_, **blocks)) == expected, why


def test_a_route_refers_to_its_gateway_and_server() -> None:
    near = route(namespace="apps", server={"name": "files"})
    assert gateway_of_route(near) == tool_key(namespace="apps")
    assert server_reference(near) == Identity("ToolServer", "apps", "files")
    far = route(gateway={"name": "tools", "namespace": "x"}, server={"name": "files", "namespace": "y"})
    assert gateway_of_route(far) == tool_key(namespace="x")
    assert server_reference(far) == Identity("ToolServer", "y", "files")


def test_a_route_that_names_nothing_depends_on_nothing() -> None:
    bare = parse_as(ToolRoute, {"metadata": {"name": "files", "namespace": "team"}})
    assert (gateway_of_route(bare), server_reference(bare)) == (None, None)
    assert server_reference(route()) is None
    assert server_reference(route(server={"namespace": "y"})) is None
    nameless = gateway_of_route(route(gateway={"namespace": "x"}))
    assert nameless == tool_key("", "x")
