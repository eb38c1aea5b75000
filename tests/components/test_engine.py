"""What only the real engine shows: options that it works out itself, and how it words a mistake."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.pulumi_cli import PulumiProject

PROGRAM = Path(__file__).with_name("options_program.py")


@pytest.fixture
def project(tmp_path: Path) -> PulumiProject:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "__main__.py").write_text(PROGRAM.read_text())
    (folder / "Pulumi.yaml").write_text(
        "{name: options, runtime: {name: python, options: {virtualenv: .venv}}}"
    )
    project = PulumiProject(folder, "test", tmp_path / "state")
    project.init()
    return project


@pytest.fixture
def files(tmp_path: Path) -> Mapping[str, str]:
    return {"RENDER_TO": str(tmp_path / "rendered")}


def test_transforms_protection_and_aliases_reach_the_objects(
    project: PulumiProject, files: Mapping[str, str], tmp_path: Path
) -> None:
    project.up("--skip-preview", environment={**files, "PROTECT": "yes"})
    (service,) = (tmp_path / "rendered").rglob("v1-service-*.yaml")
    assert yaml.safe_load(service.read_text())["metadata"]["annotations"] == {"seen": "chat"}
    kinds = ("AiGateway", "ConfigMap", "Deployment", "Service")
    guarded = [urn for urn, resource in project.resources().items() if resource.get("protect")]
    assert sorted(urn.split("::")[-2].rpartition(":")[2] for urn in guarded) == sorted(kinds)

    renamed = project.up("--skip-preview", environment={**files, "COMPONENT": "renamed"})
    assert "created" not in renamed.partition("Resources:")[2]
    assert {urn.rpartition("::")[2] for urn in project.resources() if "AiGateway" in urn} == {"renamed"}


def test_a_mistake_in_an_output_is_one_message(project: PulumiProject, files: Mapping[str, str]) -> None:
    output = project.fails("preview", environment={**files, "GATEWAY_PORT": "0"})
    assert 'error: AiGateway "chat": port: is 0, which is too small (Use 1 or more.)' in output
