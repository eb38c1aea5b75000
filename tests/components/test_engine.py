"""What only the real engine shows: options that it works out itself, and how it words a mistake."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pulumi_cli import PulumiProject

PROGRAM = Path(__file__).with_name("options_program.py")
RESTARTED = Path(__file__).with_name("restarted_program.py")


def project_of(program: Path, tmp_path: Path) -> PulumiProject:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "__main__.py").write_text(program.read_text())
    (folder / "Pulumi.yaml").write_text(
        "{name: options, runtime: {name: python, options: {virtualenv: .venv}}}"
    )
    project = PulumiProject(folder, "test", tmp_path / "state")
    project.init()
    return project


@pytest.fixture
def files(tmp_path: Path) -> Mapping[str, str]:
    return {"RENDER_TO": str(tmp_path / "rendered")}


MISTAKES = (
    ({"GATEWAY_PORT": "0"}, 'error: AiGateway "chat": port: is 0, which is too small (use 1 or more)'),
    ({"NEWS_URL": "news"}, 'error: ToolGateway "tools": routes[1].url: '),
)


def test_options_and_outputs_work_and_a_mistake_in_an_output_is_one_message(
    files: Mapping[str, str], tmp_path: Path
) -> None:
    project = project_of(PROGRAM, tmp_path)
    for mistake, message in MISTAKES:
        assert message in project.fails("preview", environment={**files, **mistake})

    noting = {**files, "NOTE": "yes"}
    output = project.up("--skip-preview", environment={**noting, "PROTECT": "yes"})
    services = [yaml.safe_load(file.read_text())["metadata"] for file in tmp_path.rglob("v1-service-*.yaml")]
    noted = {service["name"]: service["annotations"] for service in services}
    assert noted == {"chat": {"seen": "chat"}, "tools": {"seen": "tools"}}
    objects = ["ConfigMap", "Deployment", "Service"]
    kinds = ["AiGateway", *objects, "ToolGateway", *objects, "ToolRoute", "ToolRoute"]
    resources = project.resources()
    guarded = [urn for urn, resource in resources.items() if resource.get("protect")]
    assert sorted(urn.split("::")[-2].rpartition(":")[2] for urn in guarded) == sorted(kinds)
    urls = {
        "weather": "http://tools.default.svc.cluster.local/mcp/default__weather",
        "news": "http://tools.default.svc.cluster.local/mcp/default__news",
    }
    assert project.outputs()["routes"] == urls
    routes = [made for made in resources.values() if made["type"].endswith(":ToolRoute")]
    assert {made["urn"].rpartition("/")[2]: made["outputs"] for made in routes} == {
        name: {"url": url} for name, url in urls.items()
    }
    assert 'warning: ToolGateway "tools": guardrails[0]: ' in output
    assert "post_call has no equivalent for tool calls" in output

    names = {"COMPONENT": "talk", "TOOL_COMPONENT": "functions"}
    renamed = project.up("--skip-preview", environment={**noting, **names})
    assert "created" not in renamed.partition("Resources:")[2]
    renamed_urns = [urn for urn in project.resources() if "Gateway" in urn]
    assert {urn.rpartition("::")[2] for urn in renamed_urns} == {
        "talk",
        "functions",
        "functions/weather",
        "functions/news",
    }


def test_a_program_shapes_its_gateways_and_restarts_their_pods(
    tmp_path: Path, files: Mapping[str, str]
) -> None:
    project = project_of(RESTARTED, tmp_path)

    def deployments(**environment: str) -> dict[str, Any]:
        project.up("--skip-preview", environment={**files, **environment})
        found = [yaml.safe_load(file.read_text()) for file in tmp_path.rglob("apps_v1-deployment-*.yaml")]
        return {one["metadata"]["name"]: one for one in found}

    def hashes(deployment: Any) -> Any:
        return deployment["spec"]["template"]["metadata"]["annotations"]

    first = deployments(HOW="older", TOKEN="one")
    second = deployments(HOW="newer", TOKEN="two")
    for made in (first, second):
        for name in ("chat", "tools"):
            spec = made[name]["spec"]
            assert spec["replicas"] == 2
            assert spec["template"]["spec"]["imagePullSecrets"] == [{"name": "mirror"}]
            assert spec["template"]["spec"]["containers"][0]["name"] == "litellm"
            assert made[name]["metadata"]["labels"]["seen"] == "yes"
        assert made["chat"]["metadata"]["namespace"] == "default"
    assert hashes(first["desk"]) != hashes(second["desk"]), "the Secret that it refers to has another value"
    assert hashes(first["chat"]) == hashes(second["chat"])

    third = deployments(TOKEN="two", RESTART_ON="now", PROVIDER_NAMESPACE="team-b")
    assert hashes(third["desk"]) != hashes(second["desk"])
    assert {name: made["metadata"]["namespace"] for name, made in third.items()} == {
        "desk": "desk",
        "chat": "team-b",
        "tools": "team-b",
    }
    assert project.outputs() == {
        "urls": [
            "http://chat.team-b.svc.cluster.local",
            "http://tools.team-b.svc.cluster.local",
            "http://tools.team-b.svc.cluster.local/mcp/team_b__news",
        ],
        "namespace": "team-b",
    }
