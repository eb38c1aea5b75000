"""What the daemon keeps of watched objects."""

from typing import Any

import pytest

from gateway_components.api.kinds import GATEWAY_KINDS
from gateway_components.api.meta import API_VERSION
from gateway_components.daemon.watch.projections import (
    OUTLINES,
    PROJECTIONS,
    GatewayState,
    ObjectState,
    RouteState,
    deployment_state,
    object_state,
)
from gateway_components.plan.guardrail_params import ANONYMIZER_ANNOTATION
from gateway_components.plan.ownership import FIELD_MANAGER

gateway_state = PROJECTIONS["AiGateway"]


def deployment(status: dict[str, Any], generation: int = 2, replicas: int | None = 1) -> dict[str, Any]:
    spec: dict[str, Any] = {"template": {"metadata": {"annotations": {"x/config-hash": "new", "note": "n"}}}}
    if replicas is not None:
        spec["replicas"] = replicas
    return {"metadata": {"resourceVersion": "1", "generation": generation}, "spec": spec, "status": status}


DONE = {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
ROLLOUTS = [
    (DONE, {"x/config-hash": "new"}, True, "all replicas run the wanted template"),
    (DONE, {"x/config-hash": "newer"}, False, "the cache of the Deployment is older than what was applied"),
    ({**DONE, "observedGeneration": 1}, {}, False, "its controller has not seen the change"),
    ({**DONE, "availableReplicas": 0}, {}, False, "nothing serves yet"),
    ({**DONE, "replicas": 2}, {}, False, "a pod of the old template is still there"),
    ({}, {}, False, "a new Deployment has no status at all"),
]


@pytest.mark.parametrize(
    ("status", "wanted", "complete", "why"), ROLLOUTS, ids=[case[3] for case in ROLLOUTS]
)
def test_a_rollout_is_complete_only_when_all_of_it_is(
    status: dict[str, Any], wanted: dict[str, str], complete: bool, why: str
) -> None:
    assert deployment_state(deployment(status)).rollout(wanted).complete is complete, why


GO_HASH = {"gateway.agentic-layer.ai/config-hash": "theirs"}
MARKED = {"runtime.agentic-layer.ai/handing-over": "true"}
HANDED_OVER: tuple[tuple[dict[str, str], dict[str, str], dict[str, Any], bool, str], ...] = (
    (GO_HASH, {}, DONE, True, "the Go operator wrote the template"),
    ({}, MARKED, {**DONE, "availableReplicas": 0}, True, "our pods do not serve yet"),
    ({}, MARKED, {**DONE, "replicas": 2}, True, "a pod of the Go operator is still there"),
    ({}, MARKED, {**DONE, "observedGeneration": 1}, True, "the numbers are those of its template"),
    ({}, MARKED, DONE, False, "all pods are ours"),
    ({}, {}, {**DONE, "availableReplicas": 0}, False, "it is a rollout like any other"),
)


@pytest.mark.parametrize(
    ("template", "annotations", "status", "expected", "why"),
    HANDED_OVER,
    ids=[case[4] for case in HANDED_OVER],
)
def test_a_deployment_is_handed_over_until_its_pods_are_ours(
    template: dict[str, str], annotations: dict[str, str], status: dict[str, Any], expected: bool, why: str
) -> None:
    found = deployment(status)
    found["metadata"]["annotations"] = annotations
    found["spec"]["template"]["metadata"]["annotations"].update(template)
    assert deployment_state(found).handed_over is expected, why


def test_a_deployment_scaled_to_nothing_is_complete() -> None:
    state = deployment_state(deployment({"observedGeneration": 2}, replicas=0))

    assert state.rollout({}).complete


def test_a_change_of_no_interest_is_no_change() -> None:
    one, other = deployment(DONE), deployment(DONE)
    other["metadata"]["resourceVersion"] = "2"
    other["status"]["conditions"] = [{"type": "Progressing"}]

    assert deployment_state(one) == deployment_state(other)


CONDITIONS: tuple[tuple[dict[str, str], list[str], str], ...] = (
    (
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "no"},
        ["FailedCreate: no"],
        "no pod can be created",
    ),
    (
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "late"},
        ["ProgressDeadlineExceeded: late"],
        "it takes too long",
    ),
    (
        {"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused", "message": "paused"},
        ["DeploymentPaused: paused"],
        "somebody paused it",
    ),
    ({"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}, [], "it goes on"),
    ({"type": "ReplicaFailure", "status": "False", "reason": "FailedCreate"}, [], "that is over"),
    (
        {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"},
        [],
        "the numbers say it",
    ),
)


@pytest.mark.parametrize(("condition", "reported", "why"), CONDITIONS, ids=[case[2] for case in CONDITIONS])
def test_a_deployment_says_itself_why_it_makes_no_progress(
    condition: dict[str, str], reported: list[str], why: str
) -> None:
    state = deployment_state(deployment({**DONE, "availableReplicas": 0, "conditions": [condition]}))

    assert [str(reason) for reason in state.rollout({}).reasons] == reported, why
    assert (state == deployment_state(deployment({**DONE, "availableReplicas": 0}))) is not bool(reported), (
        "a change"
    )


def test_the_controller_is_the_one_reference_that_controls() -> None:
    references = [
        {"apiVersion": "v1", "kind": "Node", "name": "bystander", "uid": "1"},
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "boss", "uid": "2", "controller": True},
    ]
    raw = {"metadata": {"resourceVersion": "7", "ownerReferences": references}}

    assert object_state(raw).existing.controller == ("apps/v1", "ReplicaSet", "boss")
    assert object_state({"metadata": {"resourceVersion": "7"}}).existing.controller is None


def test_nothing_of_an_annotation_of_a_secret_is_kept() -> None:
    raw = {
        "metadata": {
            "resourceVersion": "7",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "sk-secret"},
        }
    }

    assert "sk-secret" not in repr(object_state(raw))


def test_of_a_gateway_no_text_is_kept_that_nobody_looks_at() -> None:
    metadata = {"name": "a", "annotations": {"b": "c"}, "resourceVersion": "7"}
    more = {"managedFields": [{}], "labels": {"l": "x" * 1_000}, "finalizers": ["x" * 1_000]}
    raw = {
        "metadata": {**metadata, **more},
        "spec": {"d": "x" * 1_000},
        "status": {"url": "u", "other": "x" * 1_000},
    }

    kept = gateway_state(raw)

    assert kept.raw == {"metadata": metadata, "spec": {}, "status": {"url": "u"}}
    assert len(kept.text) + len(kept.spec) < 200


def test_any_change_of_a_spec_is_seen() -> None:
    before, after = (
        gateway_state({"metadata": {"name": "a", "uid": "u"}, "spec": {"d": value}}) for value in "xy"
    )

    assert before.meaning != after.meaning


def test_a_gateway_is_parsed_as_far_as_it_can_be() -> None:
    spec = {"aiModels": [{"name": "m", "provider": "p"}]}
    fine, odd = ({"metadata": {"name": "a"}, "spec": {**spec, "port": port}} for port in (80, "many"))

    model = gateway_state(fine).model
    assert model is not None
    assert (model.spec.port, gateway_state(fine).fault) == (80, "")
    assert gateway_state(odd).model is None
    assert "spec.port" in gateway_state(odd).fault


SERVER = {"metadata": {"name": "s", "namespace": "ns"}, "spec": {"image": "i", "transportType": "sse"}}
UNCHANGED = [
    ("ToolServer", SERVER, {"status": {"url": "http://x"}}, "its own controller reports its state"),
    (
        "ToolGatewayClass",
        {"metadata": {"name": "c"}, "spec": {"controller": "d"}},
        {"metadata": {"name": "c", "resourceVersion": "2", "labels": {"a": "b"}}},
        "no gateway follows from a label",
    ),
]


@pytest.mark.parametrize(("kind", "raw", "edit", "why"), UNCHANGED, ids=[case[0] for case in UNCHANGED])
def test_what_no_plan_depends_on_is_no_change(
    kind: str, raw: dict[str, Any], edit: dict[str, Any], why: str
) -> None:
    assert PROJECTIONS[kind](raw) == PROJECTIONS[kind]({**raw, **edit}), why
    assert PROJECTIONS[kind](raw) != PROJECTIONS[kind](
        {**raw, "spec": {**raw["spec"], "controller": "e", "port": 1}}
    )


def test_only_annotations_that_a_plan_reads_are_a_change() -> None:
    project = PROJECTIONS["GuardrailProvider"]
    spec = {"type": "presidio-api", "presidio": {"baseUrl": "http://a"}}
    plain, noted, other = (
        project({"metadata": {"name": "p", "namespace": "ns", "annotations": notes}, "spec": spec})
        for notes in ({}, {ANONYMIZER_ANNOTATION: "http://b"}, {"example.com/note": "x"})
    )
    assert plain != noted
    assert plain == other


def test_a_default_class_differs_from_one_that_is_not() -> None:
    project = PROJECTIONS["ToolGatewayClass"]
    raw = {"metadata": {"name": "c"}, "spec": {"controller": "d"}}

    assert project(raw) != project({**raw, "metadata": {"name": "c", "annotations": {"default": "true"}}})


def test_an_object_without_its_owner_is_known_by_its_manager() -> None:
    entry = {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": {"f:data": {"f:config.yaml": {}}}}
    metadata = {"name": "a", "uid": "u", "resourceVersion": "1", "managedFields": [entry]}

    ours, theirs = (
        object_state({"metadata": {**metadata, "managedFields": [{**entry, "operation": operation}]}})
        for operation in ("Apply", "Update")
    )

    assert ours.existing.applied
    assert ours.mark is not None
    assert ours.mark.fields == {"data.config.yaml"}
    assert not theirs.existing.applied
    assert theirs.mark is None


GATEWAY_OWNER = {"apiVersion": API_VERSION, "kind": "AiGateway", "name": "chat", "controller": True}
METADATA: dict[str, Any] = {"name": "one", "namespace": "ns", "uid": "u-1", "resourceVersion": "7"}


@pytest.mark.parametrize("kind", ["AiGateway", "ToolGateway"])
def test_of_an_unreadable_gateway_class_and_status_are_known(kind: str) -> None:
    names = {"aiGatewayClassName": "litellm", "toolGatewayClassName": "litellm"}
    status = {"conditions": [{"type": "Ready"}]}

    state = OUTLINES[kind]({"metadata": METADATA, "spec": names, "status": status}, "too deep")

    assert isinstance(state, GatewayState)
    assert (state.model, state.fault) == (None, "too deep")
    assert GATEWAY_KINDS[kind].class_of(state.raw) == "litellm"
    assert state.raw["status"] == status


def test_of_an_unreadable_route_its_gateway_is_known() -> None:
    raw = {"metadata": METADATA, "spec": {"toolGatewayRef": {"name": "tools"}, "upstream": None}}

    state = OUTLINES["ToolRoute"](raw, "too deep")

    assert isinstance(state, RouteState)
    assert state.fault == "too deep"
    assert state.model
    assert state.model.spec.tool_gateway_ref


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret", "Service"])
def test_an_unreadable_object_exists_and_has_its_owner(kind: str) -> None:
    state = OUTLINES[kind]({"metadata": {**METADATA, "ownerReferences": [GATEWAY_OWNER]}}, "too deep")

    assert isinstance(state, ObjectState)
    assert state.version == "7"
    assert state.existing.controller == (API_VERSION, "AiGateway", "chat")


def test_an_unreadable_deployment_is_no_finished_rollout() -> None:
    state = OUTLINES["Deployment"]({"metadata": {**METADATA, "ownerReferences": [GATEWAY_OWNER]}}, "too deep")

    assert state.mark.uid == "u-1"
    assert not state.rollout({}).complete


def test_every_kind_that_can_be_unreadable_has_an_outline() -> None:
    assert PROJECTIONS.keys() | {"Deployment", "ConfigMap", "Secret", "Service"} == OUTLINES.keys()


def test_a_deep_value_of_a_set_is_a_path_like_others() -> None:
    fields: dict[str, Any] = {"f:metadata": {"f:finalizers": {f"v:{'[' * 3000}": {}}}}
    entry = {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": fields}
    raw = {"metadata": {**METADATA, "ownerReferences": [GATEWAY_OWNER], "managedFields": [entry]}}

    state = object_state(raw)

    assert state.mark
    assert len(state.mark.fields) == 1


def test_names_without_end_are_not_kept() -> None:
    owner = {"apiVersion": "v" * 100_000, "kind": "k" * 100_000, "name": "n" * 100_000, "controller": True}
    raw = {"metadata": {"resourceVersion": "1", "ownerReferences": [owner]}}

    controller = object_state(raw).existing.controller

    assert controller == ("v" * 512, "k" * 512, "n" * 512)


def test_of_what_others_wrote_in_our_name_nothing_is_kept() -> None:
    fields: dict[str, Any] = {
        "f:status": {"f:conditions": {}, **{f"f:{number}": {} for number in range(10_000)}}
    }
    entry = {"manager": FIELD_MANAGER, "operation": "Update", "fieldsV1": fields}
    metadata = {
        "name": "chat",
        "namespace": "ns",
        "uid": "u",
        "resourceVersion": "1",
        "managedFields": [entry],
    }

    kept = gateway_state({"metadata": metadata, "spec": {"aiModels": [{"name": "m", "provider": "p"}]}})

    assert kept.owned == {"conditions"}


def test_words_of_a_condition_are_kept_up_to_a_length() -> None:
    condition = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "x" * 1_000_000,
    }

    (reason,) = deployment_state(deployment({"conditions": [condition]})).progress.reasons

    assert len(reason.message) == 4_096
