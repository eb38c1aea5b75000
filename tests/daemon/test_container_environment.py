"""The stand-in for a pod makes variables as a kubelet does, and what a gateway is made of comes out right in it."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from gateway_components.identity import Identity
from gateway_components.plan.plan import plan
from gateway_components.plan.snapshot import Content
from tests.daemon.pods import container_environment
from tests.plan.make import gateway, key, snapshot

Objects = Mapping[tuple[str, str], Mapping[str, str]]


def _secret_key(name: str, secret: str, **selector: Any) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": name, **selector}}}


def _environment(container: Mapping[str, Any], objects: Objects) -> dict[str, str]:
    def find(kind: str, name: str) -> dict[str, Any] | None:
        data = objects.get((kind, name))
        if data is None or kind == "ConfigMap":
            return None if data is None else {"data": data}
        return {"data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}}

    return container_environment(container, find)


MORE = {"secretRef": {"name": "more"}}
CASES: tuple[tuple[dict[str, Any], Objects, dict[str, str], str], ...] = (
    (
        {"env": [{"name": "A", "value": "env"}], "envFrom": [MORE]},
        {("Secret", "more"): {"A": "source", "B": "source"}},
        {"A": "env", "B": "source"},
        "env beats envFrom",
    ),
    (
        {"env": [], "envFrom": [MORE, {"configMapRef": {"name": "last"}, "prefix": "X_"}]},
        {("Secret", "more"): {"X_A": "1"}, ("ConfigMap", "last"): {"A": "2"}},
        {"X_A": "2"},
        "the last source wins, with its prefix",
    ),
    (
        {"env": [{"name": "A", "value": "$(B)-$(C)"}, {"name": "C", "value": "c"}], "envFrom": [MORE]},
        {("Secret", "more"): {"B": "b"}},
        {"A": "b-$(C)", "B": "b", "C": "c"},
        "a reference stands for what was made before it, and for nothing else",
    ),
    (
        {"env": [{"name": "A", "value": "a"}, {"name": "B", "value": "$$(A) $(A) $$$(A)"}]},
        {},
        {"A": "a", "B": "$(A) a $a"},
        "two dollar signs are one",
    ),
    (
        {
            "env": [_secret_key("A", "gone", optional=True)],
            "envFrom": [{"secretRef": {"name": "g", "optional": True}}],
        },
        {},
        {},
        "what is optional may be missing",
    ),
)


@pytest.mark.parametrize(("container", "objects", "made", "why"), CASES, ids=[case[3] for case in CASES])
def test_variables_are_made_as_by_a_kubelet(
    container: dict[str, Any], objects: Objects, made: dict[str, str], why: str
) -> None:
    assert _environment(container, objects) == made, why


OPENAI, KEYS = "OPENAI_API_KEY", "api-key-secrets"
WINS: tuple[tuple[dict[str, Any], Objects, dict[str, str], str], ...] = (
    ({}, {}, {OPENAI: "sk-generated"}, "the generated variable alone"),
    (
        {"envFrom": [MORE]},
        {("Secret", "more"): {OPENAI: "sk-mine"}},
        {OPENAI: "sk-mine"},
        "a key of a source",
    ),
    (
        {"envFrom": [{**MORE, "prefix": "OPENAI_"}]},
        {("Secret", "more"): {"API_KEY": "sk-mine"}},
        {OPENAI: "sk-mine"},
        "a key of a source with its prefix",
    ),
    (
        {"envFrom": [MORE], "env": [{"name": OPENAI, "value": "sk-env"}]},
        {("Secret", "more"): {OPENAI: "sk-mine"}},
        {OPENAI: "sk-env"},
        "a variable of spec.env before all",
    ),
    (
        {"envFrom": [{"secretRef": {"name": "more", "optional": True}}]},
        {},
        {OPENAI: "sk-generated"},
        "an optional source that does not exist gives nothing",
    ),
    (
        {
            "env": [_secret_key("USER", "db"), {"name": "URL", "value": "pg://$(USER)@$(HOST)"}],
            "envFrom": [MORE],
        },
        {("Secret", "db"): {"USER": "owner"}, ("Secret", "more"): {"HOST": "db"}},
        {"URL": "pg://owner@db", OPENAI: "sk-generated"},
        "references to what stands before, and to keys of sources",
    ),
    (
        {"env": [{"name": "COPY", "value": f"$({OPENAI})"}]},
        {},
        {"COPY": "sk-generated"},
        "a reference to a generated variable",
    ),
)


@pytest.mark.parametrize(("spec", "objects", "expected", "why"), WINS, ids=[case[3] for case in WINS])
def test_what_wins_in_the_pod_of_a_gateway(
    spec: dict[str, Any], objects: Objects, expected: dict[str, str], why: str
) -> None:
    there = {("Secret", KEYS): {OPENAI: "sk-generated"}, **objects}
    contents = {
        Identity("Secret" if kind == "Secret" else "ConfigMap", "team", name): Content(
            "d", keys=frozenset(data)
        )
        for (kind, name), data in there.items()
    }
    found = plan(snapshot(gateway(**spec), contents=contents)).gateways[key()]
    assert found.objects
    (container,) = found.objects.deployment["spec"]["template"]["spec"]["containers"]

    assert expected.items() <= _environment(container, there).items(), why
