"""Bad input gets a condition, an event and a log line; nothing that works is lost."""

import json
from typing import Any

import pytest

from lab import wait_until
from tests.daemon.harness import PATCH_ANNOTATION, SECONDS, Daemon, Namespace
from tests.daemon.manifests import config_map, gateway

PATCHES = [
    ("missing-key", config_map("p", other="x"), 'no key "patch.yaml"', "the text must stand under its key"),
    ("no-yaml", config_map("p", patch_yaml="a: [1"), "line 2, column 1", "the parser's place must be named"),
    ("a-list", config_map("p", patch_yaml="- a"), "holds a list", "only a map can be merged"),
    (
        "twice",
        config_map("p", patch_yaml="a: 1\na: 2"),
        'duplicate key "a"',
        "one of the two would be lost",
    ),
]


@pytest.mark.parametrize(("name", "content", "expected", "why"), PATCHES, ids=[case[0] for case in PATCHES])
def test_a_bad_patch_is_named_in_condition_event_and_log(
    namespace: Namespace, daemon: Daemon, name: str, content: dict[str, object], expected: str, why: str
) -> None:
    namespace.apply(content, gateway(name, annotations={PATCH_ANNOTATION: "p"}))

    message = namespace.wait_reason(name, "ConfigPatchInvalid")

    assert expected in message, why
    notes = wait_until(
        lambda: [
            event["note"]
            for event in namespace.list("Event")
            if event["regarding"]["name"] == name and event["type"] == "Warning"
        ],
        timeout=SECONDS,
        what="a warning event",
    )
    assert len(notes) == 1, "one failure is one event"
    assert expected in notes[0]
    line = daemon.wait_for("AiGatewayConfigured", gateway=f"AiGateway {namespace.name}/{name}")
    assert (line["level"], line["reason"]) == ("warning", "ConfigPatchInvalid")
    assert namespace.get("Deployment", name) is None


def test_a_refusal_of_the_api_server_reaches_the_condition(namespace: Namespace) -> None:
    namespace.apply(gateway("healthy"), gateway("bad-label", podMetadata={"labels": {"team": "not valid!"}}))

    message = namespace.wait_reason("bad-label", "DeploymentFailed")

    assert 'Deployment.apps "bad-label" is invalid' in message
    assert "not valid!" in message
    namespace.wait_ready("healthy")
    namespace.apply(gateway("bad-label", commonMetadata={"labels": {"team": "valid"}}))
    namespace.wait_ready("bad-label")


def test_a_config_too_large_for_a_config_map_is_a_condition(namespace: Namespace) -> None:
    # 3,000 models give a gateway below the API server's limit and a configuration above it.
    namespace.apply(gateway("neighbour"))
    namespace.kubectl(
        "create", "-f", _manifest_file(namespace, gateway("huge", *(f"{n:05}" * 60 for n in range(3000))))
    )

    message = namespace.wait_reason("huge", "ConfigGenerationFailed")

    assert "a ConfigMap holds 1048576" in message
    namespace.wait_ready("neighbour")


def test_a_gateway_can_leave_its_class_and_come_back(namespace: Namespace) -> None:
    namespace.apply(gateway("moving"))
    namespace.wait_ready("moving")
    uid = namespace.existing("Deployment", "moving")["metadata"]["uid"]

    namespace.patch("AiGateway", "moving", {"spec": {"aiGatewayClassName": "somebody-elses"}})
    wait_until(lambda: not namespace.conditions("moving"), timeout=SECONDS, what="no conditions of ours")
    assert namespace.existing("Deployment", "moving")["metadata"]["uid"] == uid

    namespace.patch("AiGateway", "moving", {"spec": {"aiGatewayClassName": "litellm"}})
    namespace.wait_ready("moving")
    assert namespace.existing("Deployment", "moving")["metadata"]["uid"] == uid, "adopted, not made anew"


def test_conditions_of_others_stay(namespace: Namespace) -> None:
    namespace.apply(gateway("shared"))
    namespace.wait_ready("shared")
    theirs: dict[str, object] = {
        "type": "Audited",
        "status": "True",
        "reason": "Seen",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    mine = list(namespace.conditions("shared").values())
    namespace.kubectl(
        "patch", "aigateway", "shared", "--subresource=status", "--type=merge", "-p", _status([*mine, theirs])
    )

    namespace.apply(gateway("shared", "other-model"))
    namespace.wait_config("shared", "other-model")
    namespace.wait_ready("shared")

    assert namespace.conditions("shared")["Audited"] == theirs


TAKEN = [
    ("deployed", "Deployment", "deployed", ["deployment", "deployed", "--image=other"]),
    ("served", "Service", "served", ["service", "clusterip", "served", "--tcp=80:80"]),
    (
        "configured",
        "ConfigMap",
        "configured-config",
        ["configmap", "configured-config", "--from-literal=a=b"],
    ),
]
"""Gateways, and what somebody else made under the name of one of their objects."""


def test_an_object_of_somebody_else_is_never_taken_over(namespace: Namespace) -> None:
    for _, _, _, made in TAKEN:
        namespace.kubectl("create", *made)
    before = [namespace.existing(kind, name)["metadata"]["uid"] for _, kind, name, _ in TAKEN]

    namespace.apply(*(gateway(taken) for taken, *_ in TAKEN))

    for (taken, kind, name, _), uid in zip(TAKEN, before, strict=True):
        assert f'{kind} "{name}" exists' in namespace.wait_reason(taken, "NameConflict")
        found = namespace.existing(kind, name)["metadata"]
        assert (found["uid"], found.get("ownerReferences")) == (uid, None)
        namespace.delete(kind, name)
    for taken, *_ in TAKEN:
        namespace.wait_ready(taken)


def _status(conditions: list[dict[str, object]]) -> str:
    return json.dumps({"status": {"conditions": conditions}})


def _manifest_file(namespace: Namespace, manifest: dict[str, object]) -> str:
    file = namespace.lab.folder / "huge.json"
    file.write_text(json.dumps(manifest))
    return str(file)


WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


def webhook_that_is_away(place: Namespace, app: str) -> dict[str, Any]:
    """Return a webhook that nobody serves, for the Service of one gateway."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["services"]}
    webhook = {
        "name": "away.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": place.name}},
        "objectSelector": {"matchLabels": {"app": app}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": place.name},
        "webhooks": [webhook],
    }


def test_a_webhook_that_is_away_fails_its_gateway_alone(namespace: Namespace, daemon: Daemon) -> None:
    namespace.lab.api.create(WEBHOOKS, webhook_that_is_away(namespace, "hooked"))
    namespace.apply(gateway("hooked"), gateway("healthy"))

    namespace.wait_reason("hooked", "ServiceFailed", contains="failed calling webhook")
    namespace.wait_ready("healthy")

    namespace.lab.api.delete(f"{WEBHOOKS}/{namespace.name}")
    namespace.wait_ready("hooked")
    assert not daemon.events("internal error")
