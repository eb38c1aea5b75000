"""A gateway that keeps its name while its component does not: nothing of it may be lost, on the real engine."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from lab import ControlPlane
from tests.pulumi_cli import PulumiProject

PROGRAM = Path(__file__).with_name("renamed_program.py")
WARNED = 'AiGateway "support": another component, of this stack or of another one, has made the objects'
REFUSED = "component.rename-with-aliases"


@pytest.fixture
def project(tmp_path: Path, lab: ControlPlane) -> PulumiProject:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "__main__.py").write_text(PROGRAM.read_text())
    (folder / "Pulumi.yaml").write_text(
        "{name: renamed, runtime: {name: python, options: {virtualenv: .venv}}}"
    )
    project = PulumiProject(folder, "test", tmp_path / "state", lab.kubeconfig)
    project.init()
    return project


def uids(lab: ControlPlane, namespace: str) -> dict[str, str]:
    found = json.loads(
        lab.kubectl(
            "get", "-n", namespace, "-o", "json", "configmaps,deployments,services", "-l", "app=helpdesk"
        )
    )
    return {one["kind"]: one["metadata"]["uid"] for one in found["items"]}


def test_a_gateway_outlives_the_name_of_its_component(
    project: PulumiProject, lab: ControlPlane, lab_namespace: str
) -> None:
    def how(way: str) -> Mapping[str, str]:
        return {"HOW": way, "GATEWAY_NAMESPACE": lab_namespace}

    project.up("--skip-preview", environment=how("first"))
    made = uids(lab, lab_namespace)
    assert made.keys() == {"ConfigMap", "Deployment", "Service"}

    assert WARNED in project.fails("up", "--yes", environment=how("renamed")), (
        "the preview tells how to rename"
    )
    for way in ("below another parent", "as the other kind"):
        assert REFUSED in project.fails("up", "--yes", "--skip-preview", environment=how(way)), way
        assert uids(lab, lab_namespace) == made, way

    other = replace(project, stack="other")
    other.init()
    assert REFUSED in other.fails("up", "--yes", "--skip-preview", environment=how("first"))
    other.run("destroy", "--yes", "--skip-preview")
    assert uids(lab, lab_namespace) == made

    assert "another component" not in project.up(environment=how("renamed with aliases"))
    assert uids(lab, lab_namespace) == made
    project.up("--skip-preview", environment=how("moved with aliases"))
    assert uids(lab, lab_namespace) == made
    assert not [urn for urn in project.resources() if urn.endswith("::assistant")]
    project.run("destroy", "--yes", "--skip-preview")
    assert uids(lab, lab_namespace) == {}
