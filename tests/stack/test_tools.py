"""Tool gateways with routes, and guarded gateways, in the stack ``cluster`` on a real control plane."""

from typing import Any

import pytest
import yaml

from lab import ControlPlane
from tests.pulumi_cli import PulumiProject
from tests.stack.cluster import get, names
from tests.stack.texts import GROUP, ROUTES, TOOL_SERVER, tool_gateway

TOOLS = "---\n".join(
    (tool_gateway("tools", ", guardrails: [{name: personal-data}]"), tool_gateway("others"), TOOL_SERVER)
)

_FILES, _WEATHER = ROUTES.split("---\n")
MOVED = f"{_FILES}---\n{_WEATHER.replace('name: tools', 'name: others')}"

GUARDED = f"""\
apiVersion: {GROUP}
kind: AiGateway
metadata: {{name: chat}}
spec:
  aiGatewayClassName: litellm
  aiModels: [{{name: mistral-small-latest, provider: mistral}}]
  guardrails: [{{name: moderation}}]
---
apiVersion: {GROUP}
kind: Guard
metadata: {{name: moderation}}
spec: {{mode: [pre_call], providerRef: {{name: moderation}}, openaiModeration: {{}}}}
---
apiVersion: {GROUP}
kind: GuardrailProvider
metadata: {{name: moderation}}
spec: {{type: openai-moderation-api, openaiModeration: {{apiKeySecretRef: {{name: moderation, key: token}}}}}}
---
apiVersion: {GROUP}
kind: Guard
metadata: {{name: personal-data}}
spec: {{mode: [pre_call], providerRef: {{name: presidio}}}}
---
apiVersion: {GROUP}
kind: GuardrailProvider
metadata: {{name: presidio}}
spec: {{type: presidio-api, presidio: {{baseUrl: "http://presidio.example.com"}}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: moderation}}
stringData: {{token: sk-moderation-hunter2}}
"""


@pytest.fixture
def stack(cluster_project: PulumiProject) -> PulumiProject:
    """The stack ``cluster`` with two gateways for tools, two routes, and a gateway for models with a guard."""
    write(cluster_project, tools=TOOLS, routes=ROUTES, guarded=GUARDED)
    return cluster_project


def write(project: PulumiProject, **manifests: str) -> None:
    for name, text in manifests.items():
        (project.folder / "manifests" / f"{name}.yaml").write_text(text)


def servers(lab: ControlPlane, namespace: str, gateway: str) -> Any:
    """Return the MCP servers of a gateway, without the namespace in their keys."""
    config = yaml.safe_load(get(lab, namespace, "configmap", f"{gateway}-config")["data"]["config.yaml"])
    return {key.partition("__")[2]: server for key, server in config["mcp_servers"].items()}


def route_urls(project: PulumiProject) -> dict[str, str]:
    """Return gateway by route, as the URLs of the outputs say."""
    urls = project.outputs()["routeUrls"].items()
    return {name.partition("/")[2]: url.removeprefix("http://").partition(".")[0] for name, url in urls}


def test_routes_and_guards_live_from_up_to_destroy(
    stack: PulumiProject, lab: ControlPlane, lab_namespace: str
) -> None:
    stack.up("--skip-preview")
    made = {f"{kind}/{name}" for kind in ("Deployment", "Service") for name in ("chat", "others", "tools")}
    made |= {f"ConfigMap/{name}-config" for name in ("chat", "others", "tools")}
    assert names(lab, lab_namespace) == {*made, "Secret/moderation"}, "a ToolServer is not deployed"
    key = f"{lab_namespace.replace('-', '_')}__files"
    host = f"http://tools.{lab_namespace}.svc.cluster.local"
    outputs = stack.outputs()
    assert outputs["urls"][f"{lab_namespace}/tools"] == host
    assert outputs["routeUrls"][f"{lab_namespace}/files"] == f"{host}/mcp/{key}"
    assert servers(lab, lab_namespace, "tools") == {
        "files": {
            "url": f"http://server.{lab_namespace}.svc.cluster.local:9000/sse",
            "transport": "sse",
            "allow_all_keys": True,
        },
        "weather": {"url": "https://weather.example.com/mcp", "transport": "http", "allow_all_keys": True},
    }
    config = yaml.safe_load(get(lab, lab_namespace, "configmap", "chat-config")["data"]["config.yaml"])
    (guardrail,) = config["guardrails"]
    assert guardrail["guardrail_name"] == "moderation"
    variable = guardrail["litellm_params"]["api_key"].removeprefix("os.environ/")
    (container,) = get(lab, lab_namespace, "deployment", "chat")["spec"]["template"]["spec"]["containers"]
    sources = {entry["name"]: entry.get("valueFrom") for entry in container["env"]}
    assert sources[variable]["secretKeyRef"] == {"name": "moderation", "key": "token"}
    assert "hunter2" not in stack.state_text()

    stack.up("--skip-preview", "--expect-no-changes")

    before = get(lab, lab_namespace, "deployments")["items"]
    write(stack, routes=MOVED.replace("name: server}}", "name: server}}\n  toolFilter: {deny: [erase]}"))
    stack.up("--skip-preview")
    assert route_urls(stack) == {"files": "tools", "weather": "others"}
    files = servers(lab, lab_namespace, "tools")
    assert list(files) == ["files"]
    assert files["files"]["disallowed_tools"] == ["erase"]
    assert list(servers(lab, lab_namespace, "others")) == ["weather"]
    after = get(lab, lab_namespace, "deployments")["items"]
    changed = {
        new["metadata"]["name"]
        for old, new in zip(before, after, strict=True)
        if old["spec"]["template"] != new["spec"]["template"]
    }
    assert changed == {"others", "tools"}, "the pods of the gateway for models are left alone"

    broken = ROUTES.replace("weather.example.com", "wea ther").replace("name: server", "name: gone")
    write(stack, routes=broken, guarded=GUARDED.replace("{name: presidio}}", "{name: gone}}", 1))
    output = stack.fails("up", "--yes", "--skip-preview")
    server, provider = f"ToolServer {lab_namespace}/gone", f"GuardrailProvider {lab_namespace}/gone"
    reported = [
        f"manifests/routes.yaml:6: error: ToolRoute files: spec.upstream.toolServerRef: {server} does not exist",
        "manifests/routes.yaml:13: error: ToolRoute weather: spec.upstream.external.url: ",
        f"manifests/tools.yaml:4: error: ToolGateway tools: spec.guardrails[0]: {provider}, which Guard ",
    ]
    assert [text for text in reported if text not in output] == [], output
    assert get(lab, lab_namespace, "deployments")["items"] == after, "everything is kept as it is"
    assert servers(lab, lab_namespace, "tools") == files

    stack.run("destroy", "--yes", "--skip-preview")
    assert names(lab, lab_namespace) == set()
    assert not list(stack.temporary.glob("kubeconfig*")), "no copy of the credentials stays behind"
