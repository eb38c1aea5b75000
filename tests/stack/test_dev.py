"""The stack ``dev`` as it is shipped: no cluster, YAML in a folder."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.pulumi_cli import ROOT, PulumiProject

BROKEN = """\
apiVersion: runtime.agentic-layer.ai/v1alpha1
kind: AiGateway
metadata:
  name: broken
spec:
  aiGatewayClassName: litellm
  aiModels:
    - name: gpt-4o
      provder: openai
"""


def rendered(folder: Path) -> dict[tuple[str, str], Any]:
    """Return the objects in a folder of YAML, by kind and name."""
    found = (yaml.safe_load(file.read_text()) for file in folder.rglob("*.yaml"))
    return by_name(found)


def by_name(objects: Any) -> dict[tuple[str, str], Any]:
    return {(found["kind"], found["metadata"]["name"]): without_provider(found) for found in objects}


def without_provider(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return `manifest` without what the Kubernetes provider adds to what it renders."""
    metadata = dict(manifest["metadata"])
    metadata["labels"] = {
        key: text for key, text in metadata.get("labels", {}).items() if key != "app.kubernetes.io/managed-by"
    }
    return {**manifest, "metadata": {key: part for key, part in metadata.items() if part}}


def gatewayctl_objects(*paths: str, cwd: Path) -> dict[tuple[str, str], Any]:
    command = [str(Path(sys.executable).parent / "gatewayctl"), "render", *paths]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True)
    return by_name(yaml.safe_load_all(done.stdout))


def test_namespaces_are_rendered_and_what_others_run_is_left_out(dev: PulumiProject) -> None:
    manifests = dev.folder / "examples" / "manifests"
    for file in manifests.iterdir():
        file.unlink()
    group = "runtime.agentic-layer.ai/v1alpha1"
    (manifests / "all.yaml").write_text(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: edge}\n---\n"
        f"apiVersion: {group}\nkind: AiGateway\nmetadata: {{name: models, namespace: edge}}\n"
        "spec: {aiGatewayClassName: litellm, aiModels: [{name: gemini-2.5-flash, provider: gemini}]}\n---\n"
        f"apiVersion: {group}\nkind: ToolGateway\nmetadata: {{name: tools, namespace: edge}}\n"
        "spec: {toolGatewayClassName: agentgateway}\n---\n"
        f"apiVersion: {group}\nkind: AgentGateway\nmetadata: {{name: agents}}\n"
    )
    output = dev.up("--skip-preview")
    assert "class agentgateway is not among the files" in output
    assert "1 object of another kind is left out: AgentGateway" in output
    assert rendered(dev.folder / "rendered").keys() == {
        ("Namespace", "edge"),
        ("ConfigMap", "models-config"),
        ("Deployment", "models"),
        ("Service", "models"),
    }


def test_a_stack_without_a_cluster_lives_from_up_to_destroy(dev: PulumiProject) -> None:
    manifests, folder = dev.folder / "examples" / "manifests", dev.folder / "rendered"
    salted = (dev.folder / "stacks" / "Pulumi.dev.yaml").read_text()
    shipped = (ROOT / "stacks" / "Pulumi.dev.yaml").read_text()
    assert salted.startswith(shipped)
    assert salted.removeprefix(shipped).startswith("encryptionsalt: ")

    assert "cluster: none; the objects are written into rendered" in dev.up("--skip-preview")
    found = rendered(folder)
    expected = gatewayctl_objects("examples/manifests", cwd=dev.folder)
    for manifest in (ROOT / "examples" / "manifests").glob("*.yaml"):
        expected |= by_name(
            part
            for part in yaml.safe_load_all(manifest.read_text())
            if part["kind"] in {"ConfigMap", "Secret"}
        )
    assert found.keys() == expected.keys()
    for name, manifest in expected.items():
        manifest["metadata"].setdefault("namespace", "default")
        assert found[name] == manifest
    assert dev.outputs() == {
        "urls": {
            "default/guarded": "http://guarded.default.svc.cluster.local",
            "default/openai": "http://openai.default.svc.cluster.local",
            "default/patched": "http://patched.default.svc.cluster.local:4000",
            "default/tools": "http://tools.default.svc.cluster.local",
        },
        "routeUrls": {
            "default/files": "http://tools.default.svc.cluster.local/mcp/default__files",
            "default/weather": "http://tools.default.svc.cluster.local/mcp/default__weather",
        },
    }

    # Whoever puts the stack's file back gets the salt that fits the state.
    (dev.folder / "stacks" / "Pulumi.dev.yaml").write_text(shipped)
    dev.up("--skip-preview", "--expect-no-changes")
    assert (dev.folder / "stacks" / "Pulumi.dev.yaml").read_text().startswith(f"{shipped}encryptionsalt: ")

    # After each run the folder holds every object, whatever was there before: nothing, something else, or too little.
    written = {file: file.read_bytes() for file in folder.rglob("*.yaml")}
    shutil.rmtree(folder)
    dev.run("preview")
    assert not folder.exists()
    dev.up("--skip-preview")
    assert rendered(folder) == found
    first, second, *_ = sorted(written)
    first.write_text("nobody: knows")
    second.unlink()
    dev.up("--skip-preview")
    assert rendered(folder) == found
    assert [file for file in written if file not in (first, second) and not file.stat().st_mode & 0o77] != []

    # What is at fault changes nothing: a broken manifest, and a route whose server is not in the files.
    (manifests / "broken.yaml").write_text(BROKEN)
    tools = (manifests / "tools.yaml").read_text()
    (manifests / "tools.yaml").write_text(tools[: tools.rindex("---")])
    (manifests / "openai.yaml").unlink()
    output = dev.fails("up", "--yes", "--skip-preview")
    assert "nothing was changed" in output
    assert "examples/manifests/broken.yaml:9: error: AiGateway broken: spec.aiModels[0].provder" in output
    assert "did you mean provider?" in output
    assert "examples/manifests/tools.yaml:18: error: ToolRoute files: spec.upstream.toolServerRef: " in output
    assert "only the given files are looked at" in output
    assert rendered(folder) == found

    # A gateway that goes takes its files along.
    for gone in ("broken", "guarded", "tools"):
        (manifests / f"{gone}.yaml").unlink()
    dev.up("--skip-preview")
    assert {name for _, name in rendered(folder)} == {"patched", "patched-config", "patched-litellm"}
    dev.run("destroy", "--yes", "--skip-preview")
    assert rendered(folder) == {}


def test_a_single_path_and_a_namespace_may_be_configured(dev: PulumiProject) -> None:
    dev.configure({"gateways:manifests": "examples/manifests/openai.yaml", "gateways:namespace": "team-a"})
    dev.up("--skip-preview")
    assert dev.outputs() == {
        "urls": {"team-a/openai": "http://openai.team-a.svc.cluster.local"},
        "routeUrls": {},
    }


def test_configuration_at_fault_is_explained(dev: PulumiProject) -> None:
    dev.configure({"gateways:manifests": "nowhere.yaml"})
    assert "nowhere.yaml:1: error: cannot be read" in dev.fails("preview")
    dev.configure({"gateways:manifests": "[]"})
    assert "gateways:manifests is []: name a file or folder" in dev.fails("preview")
