"""`plan` as a whole: what depends on what, and who is left in peace."""

import hashlib
from collections.abc import Mapping
from typing import Any

import pytest

from gateway_components.api.gateways import AiGateway
from gateway_components.api.parse import parse_as
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason
from gateway_components.plan.plan import Plan, plan
from gateway_components.plan.snapshot import Content, Unreadable, content_digest
from tests.plan.make import (
    gateway,
    gateway_class,
    guard,
    guardrail_provider,
    key,
    particular,
    patch_contents,
    route,
    route_key,
    snapshot,
    tool_gateway,
    tool_key,
)

PREFIX = "runtime.agentic-layer.ai/"
KEYS = Identity("Secret", "team", "api-key-secrets")
EMPTY = hashlib.sha256(b"").hexdigest()[:16]
REFERRING: dict[str, Any] = {"envFrom": [{"secretRef": {"name": "s"}}, {"configMapRef": {"name": "c"}}]}


def _annotations(planned: Plan) -> Mapping[str, str]:
    objects = planned.gateways[key()].objects
    assert objects is not None
    annotations: Mapping[str, str] = objects.deployment["spec"]["template"]["metadata"]["annotations"]
    return annotations


def _secret(name: str = "api-key-secrets", namespace: str = "team", **data: str) -> dict[Identity, Content]:
    return {Identity("Secret", namespace, name): Content(content_digest(data))}


def test_config_hash_is_that_of_the_text_in_the_config_map() -> None:
    planned = plan(snapshot(gateway(patch="patch"), contents=patch_contents("a: é")))
    objects = planned.gateways[key()].objects
    assert objects is not None
    text = objects.config_map["data"]["config.yaml"]
    assert _annotations(planned)[f"{PREFIX}config-hash"] == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_secret_hash_is_that_of_the_api_key_secret() -> None:
    contents = {**_secret(B="2", A="1"), **_secret(namespace="elsewhere", C="3")}
    expected = hashlib.sha256(b"A1B2").hexdigest()[:16]
    assert _annotations(plan(snapshot(gateway(), contents=contents)))[f"{PREFIX}secret-hash"] == expected


def test_missing_secret_hashes_as_empty() -> None:
    assert _annotations(plan(snapshot(gateway())))[f"{PREFIX}secret-hash"] == EMPTY


def test_env_hash_is_there_only_with_other_references() -> None:
    assert f"{PREFIX}env-hash" not in _annotations(plan(snapshot(gateway(), contents=_secret(A="1"))))
    contents = {**_secret("s", A="1"), Identity("ConfigMap", "team", "c"): Content("digest", {})}
    annotations = _annotations(plan(snapshot(gateway(**REFERRING), contents=contents)))
    secret = hashlib.sha256(b"A1").hexdigest()[:16]
    expected = hashlib.sha256(f"ConfigMap/c=digest\nSecret/s={secret}\n".encode()).hexdigest()[:16]
    assert annotations[f"{PREFIX}env-hash"] == expected


def test_env_hash_takes_a_missing_object_for_an_empty_one() -> None:
    annotations = _annotations(plan(snapshot(gateway(**REFERRING))))
    expected = hashlib.sha256(f"ConfigMap/c={EMPTY}\nSecret/s={EMPTY}\n".encode()).hexdigest()[:16]
    assert annotations[f"{PREFIX}env-hash"] == expected


def test_each_change_of_a_referenced_object_changes_one_hash() -> None:
    first = {**_secret(A="1"), **_secret("s", A="1")}
    keys, other = {**first, **_secret(A="2")}, {**first, **_secret("s", A="2")}
    before, after_keys, after_other = (
        _annotations(plan(snapshot(gateway(**REFERRING), contents=contents)))
        for contents in (first, keys, other)
    )
    assert {name for name in before if before[name] != after_keys[name]} == {f"{PREFIX}secret-hash"}
    assert {name for name in before if before[name] != after_other[name]} == {f"{PREFIX}env-hash"}


def test_a_class_that_goes_lets_its_gateways_go() -> None:
    assert plan(snapshot(gateway())).gateways
    assert not plan(snapshot(gateway(), classes=())).gateways
    assert not plan(snapshot(gateway(), classes=(gateway_class(controller="a/b"),))).gateways


def test_a_foreign_gateway_is_left_alone_even_if_broken() -> None:
    assert not plan(snapshot(gateway(class_name="other", patch="missing"))).gateways


def test_a_gateway_without_a_spec_has_no_models_and_says_so() -> None:
    bare = parse_as(AiGateway, {"metadata": {"name": "example", "namespace": "team"}})
    planned = plan(snapshot(bare, classes=(gateway_class(default="true"),)))
    assert planned.gateways[key()].objects is None
    assert planned.gateways[key()].failure == Failure(
        Reason.CONFIG_GENERATION_FAILED,
        "the gateway has no models",
        path=("spec", "aiModels"),
        cure="list at least one",
    )


def test_a_gateway_never_runs_without_the_guardrails_it_asks_for() -> None:
    planned = plan(snapshot(gateway(guardrails=[{"name": "pii"}]))).gateways[key()]
    assert planned.objects is None
    assert planned.failure == Failure(
        Reason.GUARDRAILS_RESOLUTION_FAILED,
        "Guard team/pii does not exist",
        path=("spec", "guardrails", 0),
        cure="create that Guard, or remove the entry",
        related=(Identity("Guard", "team", "pii"),),
    )


def test_env_hash_covers_the_credentials_of_guardrails() -> None:
    selector = {"name": "s", "key": "token"}
    moderated = guardrail_provider(
        type_="openai-moderation-api", openaiModeration={"apiKeySecretRef": selector}
    )
    objects = (gateway(guardrails=[{"name": "pii"}]), guard(), moderated)
    one, two = (_annotations(plan(snapshot(*objects, contents=_secret("s", token=value)))) for value in "12")
    assert {name for name in one if one[name] != two[name]} == {f"{PREFIX}env-hash"}


def test_a_tool_gateway_has_a_secret_hash_and_no_api_keys() -> None:
    planned = plan(snapshot(tool_gateway(), contents=_secret(OPENAI_API_KEY="1"))).gateways[tool_key()]
    assert planned.objects is not None
    template = planned.objects.deployment["spec"]["template"]
    assert template["metadata"]["annotations"][f"{PREFIX}secret-hash"] != EMPTY
    (container,) = template["spec"]["containers"]
    assert [variable["name"] for variable in container["env"]] == ["PROMETHEUS_MULTIPROC_DIR"]


def test_a_tool_gateway_listens_on_port_80_and_says_where() -> None:
    planned = plan(snapshot(tool_gateway())).gateways[tool_key()]
    assert planned.objects is not None
    assert planned.objects.url == "http://tools.team.svc.cluster.local"
    assert planned.objects.service["spec"]["ports"] == [{"name": "http", "port": 80, "targetPort": 80}]
    (container,) = planned.objects.deployment["spec"]["template"]["spec"]["containers"]
    assert container["command"][-2:] == ["--port", "80"]


def test_a_route_of_a_gateway_that_fails_is_planned_all_the_same() -> None:
    planned = plan(snapshot(tool_gateway(patch="missing"), route()))
    assert planned.gateways[tool_key()].failure is not None
    assert planned.routes[route_key()].url == "http://tools.team.svc.cluster.local/mcp/team__files"


def test_a_route_of_an_unreadable_gateway_is_planned() -> None:
    unreadable = Unreadable("spec.env: is the text", class_name="litellm", generation=3)
    planned = plan(snapshot(route(), unreadable_gateways={tool_key(): unreadable}))
    assert planned.gateways[tool_key()].failure is not None
    assert planned.routes[route_key()].url is not None


TAKEN_AWAY = (
    ("mcp_servers: {team__files: null}", "one entry is deleted"),
    ("mcp_servers: null", "all entries are deleted"),
    ("mcp_servers: [a]", "a list replaces the entries"),
    ("mcp_servers: {team__files: text}", "a text replaces the entry"),
)


@pytest.mark.parametrize(("patch", "why"), TAKEN_AWAY, ids=[case[1] for case in TAKEN_AWAY])
def test_a_route_that_the_patch_takes_away_is_not_served(patch: str, why: str) -> None:
    planned = plan(snapshot(tool_gateway(patch="patch"), route(), contents=patch_contents(patch)))
    assert planned.gateways[tool_key()].failure is None, why
    assert planned.routes[route_key()].url is None, why
    assert planned.routes[route_key()].failure == Failure(
        Reason.GATEWAY_DEGRADED,
        "the config patch of ToolGateway team/tools removes mcp_servers.team__files",
        path=("spec", "toolGatewayRef"),
        cure="remove that from the patch, or delete this route",
        related=(tool_key(),),
    )


def test_a_patch_that_adds_to_a_route_leaves_it_served() -> None:
    patched = patch_contents("mcp_servers: {team__files: {auth_type: none, url: 'http://other'}, mine: {}}")
    planned = plan(snapshot(tool_gateway(patch="patch"), route(), contents=patched))
    assert planned.routes[route_key()].url is not None


def test_warnings_of_guards_come_before_those_of_the_patch() -> None:
    objects = (
        tool_gateway(patch="patch", guardrails=[{"name": "pii"}]),
        guard(mode=["pre_call", "post_call"]),
        guardrail_provider(),
    )
    planned = plan(snapshot(*objects, contents=patch_contents("router_setings: {}"))).gateways[tool_key()]
    assert [str(warning.reason) for warning in particular(planned)] == [
        "GuardModeIgnored",
        "GuardNotAsked",
        "ConfigKeyUnknown",
    ]


def test_failures_carry_no_traceback() -> None:
    planned = plan(snapshot(gateway(patch="gone"), tool_gateway(), route(server={"name": "gone"})))
    failures = [planned.gateways[key()].failure, planned.routes[route_key()].failure]
    assert [failure and failure.__traceback__ for failure in failures] == [None, None]
    assert all(failures)


def test_a_broken_gateway_changes_nothing_for_the_others() -> None:
    healthy = gateway("healthy")
    together = plan(snapshot(gateway("broken", patch="missing"), healthy))
    assert together.gateways[key("broken")].failure is not None
    assert together.gateways[key("healthy")] == plan(snapshot(healthy)).gateways[key("healthy")]


def test_gateways_of_one_name_in_two_namespaces_are_two() -> None:
    planned = plan(snapshot(gateway(namespace="a"), gateway(namespace="b")))
    assert [found.namespace for found in planned.gateways] == ["a", "b"]


def _unreadable(*names: str, class_name: str | None = "litellm") -> dict[Identity, Unreadable]:
    odd = Unreadable("spec.port: is the text", class_name=class_name, generation=3)
    return {key(name): odd for name in names}


def test_an_unreadable_gateway_fails_with_what_was_unreadable() -> None:
    planned = plan(snapshot(unreadable_gateways=_unreadable("odd"))).gateways[key("odd")]
    assert (planned.objects, planned.generation) == (None, 3)
    assert planned.failure == Failure(Reason.CONFIG_GENERATION_FAILED, "spec.port: is the text")


def test_an_unreadable_gateway_of_others_is_left_untouched() -> None:
    others = _unreadable("odd", class_name="other") | _unreadable("b", class_name=None)
    assert not plan(snapshot(unreadable_gateways=others)).gateways


def test_gateways_are_planned_in_the_order_of_their_names() -> None:
    readable = [gateway(name) for name in ("c", "a", "b")]
    one = plan(snapshot(*readable, unreadable_gateways=_unreadable("z", "x", "y")))
    two = plan(snapshot(*reversed(readable), unreadable_gateways=_unreadable("y", "x", "z")))
    assert list(one.gateways) == list(two.gateways) == [key(name) for name in "abcxyz"]


def test_plan_carries_uid_and_generation_of_its_gateway() -> None:
    planned = plan(snapshot(gateway(uid="u"))).gateways[key()]
    assert (planned.key, planned.uid, planned.generation) == (key(), "u", 1)
