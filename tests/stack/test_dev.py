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

GROUP = "runtime.agentic-layer.ai/v1alpha1"
OTHERS = f"""\
apiVersion: v1
kind: Namespace
metadata: {{name: edge}}
---
apiVersion: {GROUP}
kind: AiGateway
metadata: {{name: models, namespace: edge}}
spec: {{aiGatewayClassName: litellm, aiModels: [{{name: gemini-2.5-flash, provider: gemini}}]}}
---
apiVersion: {GROUP}
kind: AiGateway
metadata: {{name: single}}
spec: {{aiGatewayClassName: litellm, aiModels: [{{name: gpt-4o, provider: openai}}]}}
---
apiVersion: {GROUP}
kind: ToolGateway
metadata: {{name: tools, namespace: edge}}
spec: {{toolGatewayClassName: agentgateway}}
---
apiVersion: {GROUP}
kind: AgentGateway
metadata: {{name: agents}}
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

    refuse_faults(dev, manifests)
    assert rendered(folder) == found

    # A gateway that goes takes its files along. What comes: a single file, a namespace, what others run.
    patched = (
        (manifests / "patched.yaml").read_text().replace("metadata:\n", "metadata:\n  namespace: default\n")
    )
    (manifests / "others.yaml").write_text(f"{OTHERS}---\n{patched}")
    dev.configure({"gateways:manifests": "examples/manifests/others.yaml", "gateways:namespace": "team-a"})
    output = dev.up("--skip-preview")
    assert "class agentgateway is not among the files" in output
    assert "1 object of another kind is left out: AgentGateway" in output
    kept, zone = {("ConfigMap", "patched-litellm")}, {("Namespace", "edge")}
    for one in ("models", "patched", "single"):
        kept |= {("ConfigMap", f"{one}-config"), ("Deployment", one), ("Service", one)}
    assert rendered(folder).keys() == kept | zone
    assert dev.outputs() == {
        "urls": {
            "default/patched": "http://patched.default.svc.cluster.local:4000",
            "edge/models": "http://models.edge.svc.cluster.local",
            "team-a/single": "http://single.team-a.svc.cluster.local",
        },
        "routeUrls": {},
    }
    dev.run("destroy", "--yes", "--skip-preview")
    assert rendered(folder).keys() == zone


def refuse_faults(dev: PulumiProject, manifests: Path) -> None:
    """Have a broken manifest, a route whose server is not in the files, a file that does not exist, and none at all."""
    (manifests / "broken.yaml").write_text(BROKEN)
    tools = (manifests / "tools.yaml").read_text()
    (manifests / "tools.yaml").write_text(tools[: tools.rindex("---")])
    (manifests / "openai.yaml").unlink()
    dev.configure({"gateways:manifests": '["examples/manifests", "nowhere.yaml"]'})
    output = dev.fails("up", "--yes", "--skip-preview")
    assert "nothing was changed" in output
    assert "examples/manifests/broken.yaml:9: error: AiGateway broken: spec.aiModels[0].provder" in output
    assert "did you mean provider?" in output
    assert "examples/manifests/tools.yaml:18: error: ToolRoute files: spec.upstream.toolServerRef: " in output
    assert "only the given files are looked at" in output
    assert "nowhere.yaml:1: error: cannot be read" in output
    dev.configure({"gateways:manifests": "[]"})
    assert "gateways:manifests is []: name a file or folder" in dev.fails("preview")
