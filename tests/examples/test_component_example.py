"""The program in ``examples/component`` on a real control plane."""

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lab import ControlPlane
from lab.errors import KubectlError
from tests.pulumi_cli import ROOT, PulumiProject

SECRETS = {"openaiKey": "sk-openai-hunter2", "masterKey": "sk-master-hunter3"}


@pytest.fixture
def example(tmp_path: Path, lab: ControlPlane) -> PulumiProject:
    folder = tmp_path / "component"
    shutil.copytree(ROOT / "examples" / "component", folder)
    project = PulumiProject(folder, "test", tmp_path / "state", lab.kubeconfig)
    project.init()
    secrets = [word for key, value in SECRETS.items() for word in ("--secret", f"{key}={value}")]
    project.run("config", "set-all", "--plaintext", "namespace=example-team", *secrets)
    return project


def test_the_example_makes_a_gateway_and_takes_it_away(example: PulumiProject, lab: ControlPlane) -> None:
    def get(*what: str) -> Any:
        return json.loads(lab.kubectl("get", "-n", "example-team", "-o", "json", *what))

    output = example.up()
    assert example.outputs() == {
        "urls": {"models": "http://models.example-team.svc.cluster.local:4000"},
        "service": "models",
        "configMap": "models-config",
    }
    deployment = get("deployment", "models")
    assert deployment["status"]["availableReplicas"] == 1
    assert deployment["metadata"]["labels"] == {"app": "models", "team": "example-team"}
    environment = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {variable["name"] for variable in environment} == {
        "LITELLM_MASTER_KEY",
        "OPENAI_API_KEY",
        "PROMETHEUS_MULTIPROC_DIR",
    }
    config = get("configmap", "models-config")["data"]["config.yaml"]
    assert "master_key: os.environ/LITELLM_MASTER_KEY" in config
    assert "routing_strategy: least-busy" in config

    kept = example.state_text() + output + config + json.dumps(deployment)
    for value in SECRETS.values():
        assert value not in kept
        assert base64.b64encode(value.encode()).decode() not in kept

    example.up("--skip-preview", "--expect-no-changes")
    example.run("destroy", "--yes", "--skip-preview")
    with pytest.raises(KubectlError, match="not found"):
        get("namespace", "example-team")
