"""What we say a Deployment or Service cannot hold is what the API server refuses there."""

from typing import Any

import pytest

from gateway_components.api.gateways import AiGateway
from gateway_components.api.parse import parse_as, problems
from gateway_components.api.workload import workload_name_problem
from gateway_components.errors import dotted
from lab.control_plane import ControlPlane
from lab.errors import ApiError
from tests.api.case import Manifest, env, gateway, server, tool_gateway

DRY_RUN = "?dryRun=All&fieldValidation=Strict"

KEYS = (
    "a",
    "a.b/C_d",
    "x/" + "a" * 63,
    "a b",
    "",
    "A/b",
    "/a",
    "a/",
    "a/b/c",
    "x/" + "a" * 64,
    "é",
    "-a",
    "a\n",
)
VALUES = ("", "a", "A.b_c-1", "a" * 63, "a b", "a" * 64, "é", "-a", "a\n")
VARIABLES = ("A", "a b", "1A", "A.B", "~!@#", "A=B", "", "é", "A\tB", "A\n")
FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
    "metadata.labels['a.b/C']",
    "metadata.annotations['A.b/C']",
    "metadata.labels['a b']",
    "metadata.labels['A.b/C']",
    "metadata.annotations['a b']",
    "metadata.labels['']",
    "metadata.labels",
    "metadata.annotations",
    "metadata.name['a']",
    "metadata.labels[a]",
    "metadata.generateName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "status.phase",
    "spec",
    "",
)
VERSIONS = ("v1", "", "v2", "apps/v1")
OBJECT_NAMES = ("s", "a.b", "1", "", "A", "a_b", "a..b", "a" * 253, "a" * 254, "a\n")
OBJECT_KEYS = ("k", "A.b_c-1", ".a", "", "a b", ".", "..", "..a", "a/b", "a" * 253, "a" * 254)


def refused(lab: ControlPlane, path: str, manifest: Manifest) -> bool:
    """Return whether the API server refuses to create an object."""
    try:
        lab.api.create(path + DRY_RUN, manifest)
    except ApiError as error:
        if error.status not in {400, 422}:
            raise
        return True
    return False


def deployment_refused(lab: ControlPlane, manifest: Manifest) -> bool:
    """Return whether the API server refuses the Deployment that a gateway's labels and environment make."""
    spec = parse_as(AiGateway, manifest).spec.model_dump(by_alias=True, exclude_none=True)
    container: Any = {"name": "litellm", "image": "litellm", "env": spec["env"], "envFrom": spec["envFrom"]}
    labels = {"app": "example", **spec["podMetadata"]["labels"]}
    template = {
        "metadata": {"labels": labels, "annotations": spec["podMetadata"]["annotations"]},
        "spec": {"containers": [container]},
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "example", "labels": spec["commonMetadata"]["labels"]},
        "spec": {"selector": {"matchLabels": {"app": "example"}}, "template": template},
    }
    return refused(lab, "/apis/apps/v1/namespaces/default/deployments", deployment)


def paths(manifest: Manifest) -> list[str]:
    return [dotted(problem.path) for problem in problems(manifest)]


MANIFESTS = [
    *(gateway(commonMetadata={"labels": {key: ""}}) for key in KEYS),
    *(gateway(podMetadata={"annotations": {key: "any text\n"}}) for key in KEYS),
    *(gateway(podMetadata={"labels": {"a": value}}) for value in VALUES),
    *(gateway(env=[{"name": name}]) for name in VARIABLES),
    *(gateway(envFrom=[{"prefix": name, "secretRef": {"name": "s"}}]) for name in VARIABLES),
    *(gateway(envFrom=[{"secretRef": {"name": name}}]) for name in OBJECT_NAMES),
    *(env(configMapKeyRef={"name": name, "key": "k"}) for name in OBJECT_NAMES),
    *(env(secretKeyRef={"name": "s", "key": key}) for key in OBJECT_KEYS),
    *(env(fieldRef={"fieldPath": field}) for field in FIELDS),
    *(env(fieldRef={"apiVersion": version, "fieldPath": "metadata.name"}) for version in VERSIONS),
    *(
        env(resourceFieldRef={"resource": name})
        for name in ("limits.cpu", "requests.memory", "limits", "cpu", "")
    ),
    gateway(podMetadata={"annotations": {"a": "x" * (256 * 1024 - 1)}}),
    gateway(podMetadata={"annotations": {"a": "x" * (256 * 1024)}}),
    gateway(env=[{"name": "A", "value": "a", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]),
    gateway(env=[{"name": "A", "value": "", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]),
    env(),
    env(fieldRef={"fieldPath": "metadata.name"}, secretKeyRef={"name": "s", "key": "k"}),
    gateway(envFrom=[{}]),
    gateway(envFrom=[{"secretRef": {"name": "s"}, "configMapRef": {"name": "c"}}]),
]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda manifest: repr(manifest["spec"])[50:110])
def test_a_problem_is_reported_where_the_deployment_is_refused(lab: ControlPlane, manifest: Manifest) -> None:
    assert bool(paths(manifest)) == deployment_refused(lab, manifest), paths(manifest)


@pytest.mark.parametrize("name", ["a", "a-b", "1abc", "a" * 63, "a.b", "a" * 64])
def test_name_is_an_error_exactly_where_the_service_is_refused(lab: ControlPlane, name: str) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [{"port": 80}]},
    }
    problem = workload_name_problem(name)
    error = problem is not None and problem.severity == "error"
    assert error == refused(lab, "/api/v1/namespaces/default/services", service)


def test_a_leading_digit_is_a_warning_for_older_clusters() -> None:
    (problem,) = problems(gateway(metadata={"name": "1abc"}))
    assert (problem.severity, dotted(problem.path)) == ("warning", "metadata.name")


def test_name_without_a_service_may_have_dots() -> None:
    manifest = {
        "apiVersion": "runtime.agentic-layer.ai/v1alpha1",
        "kind": "AiGatewayClass",
        "metadata": {"name": "a.b"},
        "spec": {"controller": "c"},
    }
    assert problems(manifest) == ()


def test_path_leads_to_the_field_at_fault() -> None:
    assert paths(gateway(commonMetadata={"labels": {"a.b/c": "d e"}})) == [
        "spec.commonMetadata.labels[a.b/c]"
    ]
    assert paths(env(secretKeyRef={"name": "s", "key": "a b"})) == ["spec.env[0].valueFrom.secretKeyRef.key"]
    assert paths(gateway(envFrom=[{"configMapRef": {}}])) == ["spec.envFrom[0].configMapRef.name"]


def test_tool_gateway_is_held_to_the_same_rules() -> None:
    manifest = tool_gateway(env=[{"name": "A=B"}], podMetadata={"labels": {"a b": ""}})
    manifest["metadata"] = {"name": "a.b"}
    assert paths(manifest) == ["metadata.name", "spec.env[0].name", "spec.podMetadata.labels[a b]"]


def test_pod_of_a_server_is_left_to_the_controller_that_runs_it() -> None:
    manifest = server(env=[{"name": "A=B"}], podMetadata={"labels": {"a b": ""}}, envFrom=[{}])
    manifest["metadata"] = {"name": "a.b"}
    assert paths(manifest) == []
