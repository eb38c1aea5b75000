"""gatewayctl render."""

from typing import Any

import pytest
import yaml

from tests.cli.conftest import Run
from tests.manifests.texts import (
    EXTERNAL,
    GATEWAY,
    PATCH,
    PATCHED,
    ROUTE,
    SAFE,
    SECRET,
    SERVER,
    TOOLS,
    joined,
)

SAFE_GATEWAY = GATEWAY + SAFE
BROKEN = PATCHED.replace("name: example", "name: broken")


def _documents(text: str) -> list[Any]:
    return list(yaml.safe_load_all(text))


def test_render_prints_the_three_objects_of_each_gateway(run: Run) -> None:
    result = run(
        "render", "a.yaml", a=joined(SAFE_GATEWAY, SAFE_GATEWAY.replace("name: example", "name: another"))
    )
    printed = [(found["kind"], found["metadata"]["name"]) for found in _documents(result.stdout)]
    assert printed == [
        ("ConfigMap", "another-config"),
        ("Deployment", "another"),
        ("Service", "another"),
        ("ConfigMap", "example-config"),
        ("Deployment", "example"),
        ("Service", "example"),
    ]
    assert (result.exit_code, result.stderr) == (0, "")


def test_every_printed_object_is_complete(run: Run) -> None:
    for manifest in _documents(run("render", ".", "--namespace", "team", a=GATEWAY).stdout):
        assert manifest["apiVersion"]
        assert manifest["metadata"]["namespace"] == "team"


def test_namespaces_come_before_what_lives_in_them(run: Run) -> None:
    own = GATEWAY.replace("  name: example\n", "  name: example\n  namespace: edge\n")
    files = {"a": own, "b": "apiVersion: v1\nkind: Namespace\nmetadata: {name: edge}\n"}
    kinds = [found["kind"] for found in _documents(run("render", ".", **files).stdout)]
    assert kinds == ["Namespace", "ConfigMap", "Deployment", "Service"]
    assert "Namespace" not in run("render", ".", "--config-only", **files).stdout


def test_config_only_prints_each_configuration_with_its_name(run: Run) -> None:
    result = run("render", "--config-only", "a.yaml", a=GATEWAY)
    assert result.stdout.startswith("---\n# AiGateway default/example\nmodel_list:\n")
    (config,) = _documents(result.stdout)
    assert list(config) == ["model_list", "litellm_settings"]


def test_urls_of_routes_stand_before_their_gateway(run: Run) -> None:
    files = {"a": joined(GATEWAY, TOOLS), "b": joined(EXTERNAL, ROUTE, SERVER)}
    host = "http://tools.default.svc.cluster.local"
    urls = (
        f"# ToolRoute default/files: {host}/mcp/default__files\n"
        f"# ToolRoute default/weather: {host}/mcp/default__weather\n"
    )
    whole = run("render", ".", **files).stdout
    kinds = [(found["kind"], found["metadata"]["name"]) for found in _documents(whole)]
    assert kinds[3:] == [("ConfigMap", "tools-config"), ("Deployment", "tools"), ("Service", "tools")]
    assert f"---\n{urls}apiVersion: v1\nkind: ConfigMap\n" in whole
    configs = run("render", ".", "--config-only", **files).stdout
    assert f"---\n# ToolGateway default/tools\n{urls}mcp_servers:\n  default__files:\n" in configs


def test_a_broken_route_is_neither_served_nor_shown(run: Run) -> None:
    result = run("render", ".", "--config-only", a=TOOLS + SAFE, b=joined(EXTERNAL, ROUTE))
    assert result.exit_code == 1
    assert "default__weather" in result.stdout
    assert "files" not in result.stdout
    assert result.stderr.startswith("b.yaml:19: error: ToolRoute files: ")


def test_errors_go_to_stderr_and_healthy_gateways_to_stdout(run: Run) -> None:
    result = run("render", "a.yaml", a=joined(BROKEN, SAFE_GATEWAY))
    assert result.exit_code == 1
    names = [found["metadata"]["name"] for found in _documents(result.stdout)]
    assert names == ["example-config", "example", "example"]
    assert result.stderr.startswith("a.yaml:6: error: AiGateway broken: ")
    assert result.stderr.count("\n") == 1


def test_a_warning_alone_is_no_failure(run: Run) -> None:
    result = run("render", "a.yaml", a=joined(SAFE_GATEWAY, "kind: Pod\n"))
    assert (result.exit_code, result.stderr.count("warning")) == (0, 1)


def test_no_secret_value_is_printed(run: Run) -> None:
    referring = f"{GATEWAY}  envFrom: [{{secretRef: {{name: api-key-secrets}}}}]\n"
    result = run(
        "render", "a.yaml", a=joined(referring, f"{SECRET}stringData: {{OPENAI_API_KEY: hunter2}}\n")
    )
    assert result.exit_code == 0
    assert "hunter2" not in result.output


@pytest.mark.parametrize("option", [[], ["--config-only"]])
def test_output_is_the_same_in_every_run(run: Run, option: list[str]) -> None:
    files = {"a": joined(PATCHED, PATCH), "b": GATEWAY.replace("name: example", "name: b")}
    outputs = {run("render", ".", *option, **files).stdout for _ in range(2)}
    assert len(outputs) == 1
    assert outputs != {""}


def test_text_that_looks_like_a_number_reaches_kubectl_as_text(run: Run) -> None:
    spec = "  env: [{name: A, value: '1e3'}, {name: B, value: 'y'}, {name: C, value: '08'}]\n"
    printed = run("render", "a.yaml", a=f"{GATEWAY}{spec}").stdout
    assert all(f"value: '{text}'\n" in printed for text in ("1e3", "y", "08"))
