"""The program in ``examples/component-tools`` on a real control plane."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gateway_components import strict_yaml
from lab import ControlPlane
from lab.errors import KubectlError
from tests.pulumi_cli import ROOT, PulumiProject

TEAM = "example-tools"


@pytest.fixture
def example(tmp_path: Path, lab: ControlPlane) -> PulumiProject:
    folder = tmp_path / "component-tools"
    shutil.copytree(ROOT / "examples" / "component-tools", folder)
    project = PulumiProject(folder, "test", tmp_path / "state", lab.kubeconfig)
    project.init()
    project.configure({"tool-gateway-example:namespace": TEAM})
    return project


def test_the_example_makes_both_gateways_and_takes_them_away(
    example: PulumiProject, lab: ControlPlane
) -> None:
    def get(*what: str) -> Any:
        return json.loads(lab.kubectl("get", "-n", TEAM, "-o", "json", *what))

    def config(gateway: str) -> Any:
        return strict_yaml.parse(get("configmap", f"{gateway}-config")["data"]["config.yaml"])

    example.up()
    assert example.outputs() == {
        "urls": {
            "models": f"http://models.{TEAM}.svc.cluster.local",
            "tools": f"http://tools.{TEAM}.svc.cluster.local",
        },
        "routes": {
            "weather": f"http://tools.{TEAM}.svc.cluster.local/mcp/example_tools__weather",
            "news": f"http://tools.{TEAM}.svc.cluster.local/mcp/example_tools__news",
        },
    }
    for gateway in ("tools", "models"):
        assert get("deployment", gateway)["status"]["availableReplicas"] == 1
    tools, models = config("tools"), config("models")
    assert set(tools["mcp_servers"]) == {"example_tools__weather", "example_tools__news"}
    weather = tools["mcp_servers"]["example_tools__weather"]
    assert weather["url"] == "http://weather-server.tool-servers.svc.cluster.local:8080/mcp"
    assert tools["guardrails"][0]["litellm_params"]["mode"] == ["pre_mcp_call"]
    assert models["guardrails"][0]["litellm_params"]["mode"] == ["pre_call"]

    example.up("--skip-preview", "--expect-no-changes")
    example.run("destroy", "--yes", "--skip-preview")
    with pytest.raises(KubectlError, match="not found"):
        get("namespace", TEAM)
