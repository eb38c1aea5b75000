"""What a state says was applied, on states that the real engine wrote."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway_components.engine.checkpoint import (
    applied_gateways,
    encryption_salt,
    read_checkpoint,
    whole_checkpoint,
    without_gateways,
)
from gateway_components.engine.errors import StateUnreadableError
from gateway_components.engine.folder import ScratchFolder
from gateway_components.engine.stacks import Stacks
from lab import ControlPlane
from tests.engine.test_stacks import SECONDS, wanted

MEMORY = {"resource": "limits.memory"}
DIVISORS = (1, "1", "1000m", "1000", "1k", "0.001G", "1024Ki", "1Mi", "1.0Ki", "1E")


def test_a_state_holds_what_was_applied_and_what_became_of_it(
    lab: ControlPlane, lab_namespace: str, tmp_path: Path
) -> None:
    # The last one is written over: the daemon applies what it does not wait for.
    annotations = {"note": "x", "pulumi.com/skipAwait": "false"}
    labels = {"labels": {"team": "a"}, "annotations": annotations}
    plain = wanted(lab_namespace, "plain")
    rich = wanted(
        lab_namespace,
        "rich",
        commonMetadata=labels,
        podMetadata=labels,
        port=8080,
        env=[
            {"name": "A", "value": ""},
            {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            *(
                {"name": f"Q{number}", "valueFrom": {"resourceFieldRef": {**MEMORY, "divisor": divisor}}}
                for number, divisor in enumerate(DIVISORS)
            ),
        ],
        envFrom=[{"secretRef": {"name": "extra", "optional": True}}],
    )
    bad = wanted(lab_namespace, "bad", podMetadata={"labels": {"team": "not valid!"}})
    with ScratchFolder(tmp_path / "state") as folder:
        stacks = Stacks(folder, lab.kubeconfig, SECONDS)
        outcome = stacks.apply(lab_namespace, dict([plain, rich, bad]), (), refresh=False)
        assert outcome.failures.keys() == {bad[0]}
        held = stacks.states.held(lab_namespace)
        checkpoint = b"".join(piece.read() for piece in stacks.states.checkpoint(lab_namespace) or ())

        for key, objects in (plain, rich):
            applied = held[key]
            assert applied
            assert applied.digest == objects.digest, "an equal plan needs no run"
            assert applied.uid is None
            for object_key, mark in applied.marks.items():
                live = json.loads(
                    lab.kubectl("-n", lab_namespace, "get", object_key.kind, object_key.name, "-o", "json")
                )
                assert mark.uid == live["metadata"]["uid"]
                assert "metadata.labels.app" in mark.fields
        assert held[bad[0]] is None, "of its objects one is missing"
        assert stacks.states.held(lab_namespace, [plain[0]]).keys() == {plain[0]}

        assert checkpoint
        assert stacks.states.open(lab_namespace, None) == {}
        assert stacks.states.held(lab_namespace) == {}
        assert stacks.states.open(lab_namespace, checkpoint) == held
        assert stacks.apply(lab_namespace, dict([plain]), (), refresh=False).failures == {}
        assert stacks.states.held(lab_namespace)[plain[0]] == held[plain[0]], (
            "nothing was written for what is as it was"
        )


def resource(name: str, **more: Any) -> dict[str, Any]:
    type_ = "gateway-components:index:AiGateway"
    return {"urn": f"urn:pulumi:ns::litellm-gateways::{type_}::ns/{name}", "type": type_, **more}


def test_pending_operations_of_a_killed_run_are_dropped() -> None:
    pending = {"resources": [resource("a")], "pending_operations": [{"type": "creating"}]}

    assert read_checkpoint(whole_checkpoint("ns", pending)) == {"resources": [resource("a")]}


def test_an_export_is_read_as_well() -> None:
    exported = {"version": 3, "deployment": {"resources": [resource("a")]}}

    assert read_checkpoint(json.dumps(exported).encode()) == exported["deployment"]


NO_STATES = (
    (b"", "nothing"),
    (b"not json", "another format"),
    (b"[]", "a list"),
    (b'{"version": 3}', "no deployment"),
    (b'{"checkpoint": {"latest": {"resources": [{"type": "a"}]}}}', "a resource without its name"),
    (b'{"checkpoint": {"latest": {"resources": "none"}}}', "no list of resources"),
    (b'{"checkpoint": {"latest": 7}}', "a number"),
    (b'{"checkpoint": {"latest": {"resources": [{"urn": 1, "type": "a"}]}}}', "a number as a name"),
    (b"[" * 100_000, "lists in lists"),
)


@pytest.mark.parametrize(("content", "why"), NO_STATES, ids=[case[1] for case in NO_STATES])
def test_what_is_no_state_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(StateUnreadableError):
        read_checkpoint(content)


def test_a_gateway_is_dropped_with_its_resources() -> None:
    state = {
        "resources": [resource("a"), resource("b"), {"urn": "urn:pulumi:ns::p::pulumi:pulumi:Stack::p-ns"}]
    }
    (first, *_) = applied_gateways(state)

    kept = without_gateways(state, [first])

    assert [one["urn"].rpartition("::")[2] for one in kept["resources"]] == ["ns/b", "p-ns"]


def test_the_salt_belongs_to_the_passphrase_alone() -> None:
    assert encryption_salt({"secrets_providers": {"type": "passphrase", "state": {"salt": "v1:x"}}}) == "v1:x"
    assert encryption_salt({}) is None
