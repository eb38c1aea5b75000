"""Bad input gets a condition, an event and a log line; nothing that works is lost."""

import json

import pytest

from lab import wait_until
from tests.daemon.harness import PATCH_ANNOTATION, SECONDS, Daemon, Namespace
from tests.daemon.manifests import config_map, gateway, secret

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


def test_a_refused_service_is_named(namespace: Namespace) -> None:
    namespace.apply(gateway("has.dots"))

    message = namespace.wait_reason("has.dots", "ServiceFailed")

    assert "has.dots" in message


def test_a_config_too_large_for_a_config_map_is_a_condition(namespace: Namespace) -> None:
    # 3,000 models give a gateway below the API server's limit and a configuration above it.
    namespace.apply(gateway("neighbour"))
    namespace.kubectl(
        "create", "-f", _manifest_file(namespace, gateway("huge", *(f"{n:05}" * 60 for n in range(3000))))
    )

    message = namespace.wait_reason("huge", "ConfigGenerationFailed")

    assert "a ConfigMap holds 1048576" in message
    namespace.wait_ready("neighbour")


def test_a_gateway_of_another_class_is_left_untouched(namespace: Namespace, daemon: Daemon) -> None:
    foreign, nobodys = gateway("foreign"), gateway("nobodys")
    foreign["spec"]["aiGatewayClassName"] = "somebody-elses"
    del nobodys["spec"]["aiGatewayClassName"]

    namespace.apply(foreign, nobodys, gateway("ours"))
    namespace.wait_ready("ours")

    for name in ("foreign", "nobodys"):
        assert namespace.get("Deployment", name) is None
        assert "status" not in namespace.existing("AiGateway", name)


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


CONFLICTS = [
    ("deployment", ["create", "deployment", "taken", "--image=other"], "Deployment"),
    ("service", ["create", "service", "clusterip", "taken", "--tcp=80:80"], "Service"),
    ("config", ["create", "configmap", "taken-config", "--from-literal=a=b"], "ConfigMap"),
]


@pytest.mark.parametrize(("case", "command", "kind"), CONFLICTS, ids=[case[0] for case in CONFLICTS])
def test_an_object_of_somebody_else_is_never_taken_over(
    namespace: Namespace, case: str, command: list[str], kind: str
) -> None:
    namespace.kubectl(*command)
    name = "taken-config" if kind == "ConfigMap" else "taken"
    before = namespace.existing(kind, name)["metadata"]["uid"]

    namespace.apply(gateway("taken"))
    message = namespace.wait_reason("taken", "NameConflict")

    assert f'{kind} "{name}" exists' in message
    found = namespace.existing(kind, name)["metadata"]
    assert (found["uid"], found.get("ownerReferences")) == (before, None)

    namespace.kubectl("delete", kind, name)
    namespace.wait_ready("taken")


def test_no_secret_value_leaves_its_secret(namespace: Namespace, daemon: Daemon) -> None:
    value = "sk-never-to-be-seen"
    source = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "extra", "key": "TOKEN"}}}
    namespace.apply(
        secret("api-key-secrets", OPENAI_API_KEY=value),
        secret("extra", TOKEN=value),
        gateway("discreet", env=[source], envFrom=[{"secretRef": {"name": "extra"}}]),
    )
    namespace.wait_ready("discreet")

    assert value not in daemon.text()
    for kind in ("ConfigMap", "Deployment", "Event", "AiGateway"):
        assert value not in str(namespace.list(kind))
    state = daemon.state.rglob("*")
    assert not [file for file in state if file.is_file() and value.encode() in file.read_bytes()]


def _status(conditions: list[dict[str, object]]) -> str:
    return json.dumps({"status": {"conditions": conditions}})


def _manifest_file(namespace: Namespace, manifest: dict[str, object]) -> str:
    file = namespace.lab.folder / "huge.json"
    file.write_text(json.dumps(manifest))
    return str(file)
