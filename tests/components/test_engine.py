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
    services = [yaml.safe_load(file.read_text())["metadata"] for file in tmp_path.rglob("v1-service-*.yaml")]
    noted = {service["name"]: service["annotations"] for service in services}
    assert noted == {"chat": {"seen": "chat"}, "tools": {"seen": "tools"}}
    objects = ["ConfigMap", "Deployment", "Service"]
    kinds = ["AiGateway", *objects, "ToolGateway", *objects, "ToolRoute", "ToolRoute"]
    guarded = [urn for urn, resource in project.resources().items() if resource.get("protect")]
    assert sorted(urn.split("::")[-2].rpartition(":")[2] for urn in guarded) == sorted(kinds)

    names = {"COMPONENT": "talk", "TOOL_COMPONENT": "functions"}
    renamed = project.up("--skip-preview", environment={**files, **names})
    assert "created" not in renamed.partition("Resources:")[2]
    renamed_urns = [urn for urn in project.resources() if "Gateway" in urn]
    assert {urn.rpartition("::")[2] for urn in renamed_urns} == {
        "talk",
        "functions",
        "functions/weather",
        "functions/news",
    }


def test_routes_are_components_in_the_state_with_their_urls(
    project: PulumiProject, files: Mapping[str, str]
) -> None:
    output = project.up("--skip-preview", environment=files)
    urls = {
        "weather": "http://tools.default.svc.cluster.local/mcp/default__weather",
        "news": "http://tools.default.svc.cluster.local/mcp/default__news",
    }
    assert project.outputs()["routes"] == urls
    routes = [made for made in project.resources().values() if made["type"].endswith(":ToolRoute")]
    assert {made["urn"].rpartition("/")[2]: made["outputs"] for made in routes} == {
        name: {"url": url} for name, url in urls.items()
    }
    assert 'warning: ToolGateway "tools": guardrails[0]: ' in output
    assert "post_call has no equivalent for tool calls" in output


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"GATEWAY_PORT": "0"}, 'error: AiGateway "chat": port: is 0, which is too small (Use 1 or more.)'),
        ({"NEWS_URL": "news"}, 'error: ToolGateway "tools": routes[1].url: '),
    ],
)
def test_a_mistake_in_an_output_is_one_message(
    project: PulumiProject, files: Mapping[str, str], environment: Mapping[str, str], message: str
) -> None:
    assert message in project.fails("preview", environment={**files, **environment})
