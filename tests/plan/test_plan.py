"""`plan` as a whole: what depends on what, and who is left in peace."""

import hashlib
from collections.abc import Mapping
from typing import Any

from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.parse import parse_as
from gateway_components.plan.failure import Failure, Reason
from gateway_components.plan.hashes import content_digest
from gateway_components.plan.keys import Reference
from gateway_components.plan.plan import Plan, plan
from gateway_components.plan.snapshot import Content, UnreadableGateway
from tests.plan.make import gateway, gateway_class, key, patch_contents, snapshot

PREFIX = "runtime.agentic-layer.ai/"
KEYS = Reference("Secret", "team", "api-key-secrets")
EMPTY = hashlib.sha256(b"").hexdigest()[:16]
REFERRING: dict[str, Any] = {"envFrom": [{"secretRef": {"name": "s"}}, {"configMapRef": {"name": "c"}}]}


def _annotations(planned: Plan) -> Mapping[str, str]:
    objects = planned.gateways[key()].objects
    assert objects is not None
    annotations: Mapping[str, str] = objects.deployment["spec"]["template"]["metadata"]["annotations"]
    return annotations


def _secret(name: str = "api-key-secrets", namespace: str = "team", **data: str) -> dict[Reference, Content]:
    return {Reference("Secret", namespace, name): Content(content_digest(data))}


def test_config_hash_is_that_of_the_text_in_the_config_map() -> None:
    planned = plan(snapshot(gateway(patch="patch"), contents=patch_contents("a: é")))
    objects = planned.gateways[key()].objects
    assert objects is not None
    text = objects.config_map["data"]["config.yaml"]
    assert _annotations(planned)[f"{PREFIX}config-hash"] == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_secret_hash_is_that_of_the_api_key_secret_of_the_namespace() -> None:
    contents = {**_secret(B="2", A="1"), **_secret(namespace="elsewhere", C="3")}
    expected = hashlib.sha256(b"A1B2").hexdigest()[:16]
    assert _annotations(plan(snapshot(gateway(), contents=contents)))[f"{PREFIX}secret-hash"] == expected


def test_missing_secret_hashes_as_empty() -> None:
    assert _annotations(plan(snapshot(gateway())))[f"{PREFIX}secret-hash"] == EMPTY


def test_env_hash_stands_only_where_other_objects_are_referred_to() -> None:
    assert f"{PREFIX}env-hash" not in _annotations(plan(snapshot(gateway(), contents=_secret(A="1"))))
    contents = {**_secret("s", A="1"), Reference("ConfigMap", "team", "c"): Content("digest", {})}
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
    assert not plan(snapshot(gateway(), ai_gateway_classes=())).gateways
    assert not plan(snapshot(gateway(), ai_gateway_classes=(gateway_class(controller="a/b"),))).gateways


def test_a_foreign_gateway_is_left_untouched_even_where_it_is_broken() -> None:
    assert not plan(snapshot(gateway(class_name="other", patch="missing"))).gateways


def test_a_gateway_without_a_spec_has_no_models_and_says_so() -> None:
    bare = parse_as(AiGateway, {"metadata": {"name": "example", "namespace": "team"}})
    planned = plan(snapshot(bare, ai_gateway_classes=(gateway_class(default="true"),)))
    assert planned.gateways[key()].objects is None
    assert planned.gateways[key()].failure == Failure(
        Reason.CONFIG_GENERATION_FAILED,
        "the gateway has no models",
        field="spec.aiModels",
        cure="list at least one",
    )


def test_a_gateway_never_runs_without_the_guardrails_it_asks_for() -> None:
    manifest = {
        "metadata": {"name": "example", "namespace": "team"},
        "spec": {"aiModels": [{"name": "m", "provider": "p"}], "guardrails": [{"name": "guard"}]},
    }
    guarded = parse_as(AiGateway, manifest)
    planned = plan(snapshot(guarded, ai_gateway_classes=(gateway_class(default="true"),)))
    failure = planned.gateways[key()].failure
    assert failure is not None
    assert (failure.reason, failure.field) == (Reason.GUARDRAILS_RESOLUTION_FAILED, "spec.guardrails")
    assert planned.gateways[key()].objects is None


def test_a_broken_gateway_changes_nothing_for_the_others() -> None:
    healthy = gateway("healthy")
    together = plan(snapshot(gateway("broken", patch="missing"), healthy))
    assert together.gateways[key("broken")].failure is not None
    assert together.gateways[key("healthy")] == plan(snapshot(healthy)).gateways[key("healthy")]


def test_gateways_of_one_name_in_two_namespaces_are_two() -> None:
    planned = plan(snapshot(gateway(namespace="a"), gateway(namespace="b")))
    assert [found.namespace for found in planned.gateways] == ["a", "b"]


def _unreadable(name: str, class_name: str | None = "litellm") -> UnreadableGateway:
    return UnreadableGateway(key(name), class_name, 3, "spec.port: is the text")


def test_an_unreadable_gateway_of_ours_fails_with_what_could_not_be_read() -> None:
    planned = plan(snapshot(unreadable_gateways=(_unreadable("odd"),))).gateways[key("odd")]
    assert (planned.objects, planned.generation) == (None, 3)
    assert planned.failure == Failure(Reason.CONFIG_GENERATION_FAILED, "spec.port: is the text")


def test_an_unreadable_gateway_of_others_is_left_untouched() -> None:
    assert not plan(
        snapshot(unreadable_gateways=(_unreadable("odd", "other"), _unreadable("b", None)))
    ).gateways


def test_gateways_come_in_the_order_of_their_names_whatever_the_order_of_the_input() -> None:
    readable = [gateway(name) for name in ("c", "a", "b")]
    unreadable = [_unreadable(name) for name in ("z", "x", "y")]
    one = plan(snapshot(*readable, unreadable_gateways=tuple(unreadable)))
    two = plan(snapshot(*reversed(readable), unreadable_gateways=tuple(reversed(unreadable))))
    assert list(one.gateways) == list(two.gateways) == [key(name) for name in "abcxyz"]


def test_plan_carries_uid_and_generation_of_its_gateway() -> None:
    planned = plan(snapshot(gateway(uid="u"))).gateways[key()]
    assert (planned.key, planned.uid, planned.generation) == (key(), "u", 1)
