import shutil
from pathlib import Path

import pytest

from lab import ControlPlane
from tests.pulumi_cli import ROOT, PulumiProject


@pytest.fixture
def project_folder(tmp_path: Path) -> Path:
    """A copy of the project's program and its stacks; ``manifests`` in it is empty."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "stacks", folder / "stacks")
    shutil.copytree(ROOT / "examples" / "manifests", folder / "examples" / "manifests")
    (folder / "manifests").mkdir()
    return folder


@pytest.fixture
def dev(project_folder: Path, tmp_path: Path) -> PulumiProject:
    """The stack ``dev``, with no cluster in reach."""
    project = PulumiProject(project_folder, "dev", tmp_path / "state")
    project.init()
    return project


@pytest.fixture
def cluster_project(
    project_folder: Path, tmp_path: Path, lab: ControlPlane, lab_namespace: str
) -> PulumiProject:
    """The stack ``cluster``, pointed at ``manifests`` and at a namespace of its own."""
    project = PulumiProject(project_folder, "cluster", tmp_path / "state", lab.kubeconfig)
    project.init()
    project.configure({"gateways:manifests": "manifests", "gateways:namespace": lab_namespace})
    return project
