"""The stack ``cluster`` on a real control plane."""

import base64
import json
from dataclasses import replace

import pytest
import yaml

from lab import ControlPlane
from tests.pulumi_cli import PulumiProject
from tests.stack.cluster import get, names

KEY = "sk-live-hunter2"

GATEWAY = """\
apiVersion: runtime.agentic-layer.ai/v1alpha1
kind: AiGateway
metadata:
  name: chat
  annotations:
    ai-gateway-litellm.agentic-layer.ai/config-patch: chat-litellm
spec:
  aiGatewayClassName: litellm
  port: 4000
  aiModels:
    - name: gpt-4o
      provider: openai
"""

COMPANIONS = f"""\
apiVersion: v1
kind: ConfigMap
metadata:
  name: chat-litellm
  labels: {{my_label: a_b}}
data:
  patch.yaml: |
    router_settings:
      num_retries: 3
---
apiVersion: v1
kind: Secret
metadata:
  name: api-key-secrets
stringData:
  OPENAI_API_KEY: {KEY}
"""


@pytest.fixture
def cluster(cluster_project: PulumiProject) -> PulumiProject:
    """The stack ``cluster`` with a gateway for models, its patch and its credentials."""
    (cluster_project.folder / "manifests" / "chat.yaml").write_text(GATEWAY)
    (cluster_project.folder / "manifests" / "companions.yaml").write_text(COMPANIONS)
    return cluster_project


def test_a_stack_lives_from_preview_to_destroy(
    cluster: PulumiProject, lab: ControlPlane, lab_namespace: str
) -> None:
    cluster.run("preview")
    assert names(lab, lab_namespace) == set()

    cluster.up("--skip-preview")
    assert names(lab, lab_namespace) == {
        "ConfigMap/chat-config",
        "ConfigMap/chat-litellm",
        "Deployment/chat",
        "Secret/api-key-secrets",
        "Service/chat",
    }
    url = f"http://chat.{lab_namespace}.svc.cluster.local:4000"
    assert cluster.outputs() == {"urls": {f"{lab_namespace}/chat": url}, "routeUrls": {}}
    made = get(lab, lab_namespace, "deployment", "chat")
    assert made["status"]["availableReplicas"] == 1, "up waits until the gateway is available"
    config = get(lab, lab_namespace, "configmap", "chat-config")
    assert "num_retries: 3" in config["data"]["config.yaml"]
    assert get(lab, lab_namespace, "configmap", "chat-litellm")["metadata"]["labels"]["my_label"] == "a_b"

    cluster.up("--skip-preview", "--expect-no-changes")

    manifest = cluster.folder / "manifests" / "chat.yaml"
    manifest.write_text(GATEWAY.replace("gpt-4o", "gpt-5"))
    cluster.up("--skip-preview")
    changed = get(lab, lab_namespace, "configmap", "chat-config")
    assert "openai/gpt-5" in changed["data"]["config.yaml"]
    assert changed["metadata"]["uid"] == config["metadata"]["uid"], "changed in place"
    rolled = get(lab, lab_namespace, "deployment", "chat")
    assert rolled["metadata"]["uid"] == made["metadata"]["uid"]
    assert rolled["spec"]["template"] != made["spec"]["template"], "the pods are restarted"

    manifest.write_text(GATEWAY.replace("port: 4000", "port: 400000"))
    output = cluster.fails("up", "--yes", "--skip-preview")
    assert "manifests/chat.yaml:9: error: AiGateway chat: spec.port: is 400000, which is too large" in output
    assert get(lab, lab_namespace, "deployment", "chat")["metadata"] == rolled["metadata"]

    cluster.run("destroy", "--yes", "--skip-preview")
    assert names(lab, lab_namespace) == set()
    assert not list(cluster.temporary.glob("kubeconfig*")), "no copy of the credentials stays behind"


def test_a_namespace_is_made_first_and_outlives_the_stack(
    cluster: PulumiProject, lab: ControlPlane, lab_namespace: str
) -> None:
    own = f"{lab_namespace}-edge"
    manifests = cluster.folder / "manifests"
    placed = {
        name: text.replace("metadata:\n", f"metadata:\n  namespace: {own}\n", 1)
        for name, text in (("chat", GATEWAY), ("patch", COMPANIONS.partition("---\n")[0]))
    }
    (manifests / "companions.yaml").unlink()
    for name, text in placed.items():
        (manifests / f"{name}.yaml").write_text(text)
    (manifests / "zone.yaml").write_text(f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {own}}}\n")
    try:
        cluster.up("--skip-preview")
        assert names(lab, own) == {
            "ConfigMap/chat-config",
            "ConfigMap/chat-litellm",
            "Deployment/chat",
            "Service/chat",
        }
        cluster.run("destroy", "--yes", "--skip-preview")
        assert names(lab, own) == set()
        assert lab.kubectl("get", "namespace", own, "-o", "name").strip() == f"namespace/{own}"
    finally:
        lab.kubectl("delete", "namespace", own, "--ignore-not-found", "--wait=false")


def test_no_value_of_a_secret_is_kept_or_shown(
    cluster: PulumiProject, lab: ControlPlane, lab_namespace: str
) -> None:
    output = cluster.up("--diff")
    encoded = base64.b64encode(KEY.encode()).decode()
    secret = get(lab, lab_namespace, "secret", "api-key-secrets")
    assert secret["data"]["OPENAI_API_KEY"] == encoded
    kept = cluster.state_text() + output + json.dumps(get(lab, lab_namespace, "configmaps"))
    assert "chat-config" in kept
    assert KEY not in kept
    assert encoded not in kept


def test_a_refusal_of_the_cluster_is_shown_without_a_traceback(
    cluster: PulumiProject, lab: ControlPlane, lab_namespace: str
) -> None:
    powerless = replace(cluster, kubeconfig=lab.user_kubeconfig("nobody"))
    output = powerless.fails("up", "--yes")
    assert (
        f'User "nobody" cannot patch resource "configmaps" in API group "" in the namespace "{lab_namespace}"'
        in output
    )
    assert KEY not in output
    assert names(lab, lab_namespace) == set()


def contexts(lab: ControlPlane) -> str:
    """Return a kubeconfig with the control plane as ``west``, and nothing that answers as its current context."""
    config = yaml.safe_load(lab.kubeconfig.read_text())
    known = {context["name"]: context["context"] for context in config["contexts"]}
    own = known[config["current-context"]]
    nowhere = {"name": "nowhere", "cluster": {"server": "https://127.0.0.1:1"}}
    return yaml.safe_dump(
        {
            **config,
            "clusters": [*config["clusters"], nowhere],
            "contexts": [
                {"name": "west", "context": own},
                {"name": "east", "context": {**own, "cluster": "nowhere"}},
            ],
            "current-context": "east",
        }
    )


@pytest.mark.parametrize("project", ["gateways", "kubernetes"])
def test_a_stack_goes_to_the_cluster_of_its_configuration(
    cluster: PulumiProject, lab: ControlPlane, lab_namespace: str, project: str
) -> None:
    elsewhere = replace(cluster, kubeconfig=None)
    named = f'cluster: context "west" at {lab.url}'
    if project == "gateways":
        (cluster.folder / "kubeconfig").write_text(contexts(lab))
        elsewhere = replace(cluster, kubeconfig=cluster.folder / "kubeconfig")
    else:
        elsewhere.run("config", "set", "--secret", "kubernetes:kubeconfig", contexts(lab))
    elsewhere.run("config", "set", f"{project}:context", "wset")
    assert 'there is no context "wset" in the kubeconfig (did you mean west?)' in elsewhere.fails("preview")
    elsewhere.run("config", "set", f"{project}:context", "west")
    assert named in elsewhere.run("preview")
    assert named in elsewhere.up("--skip-preview")
    assert "Deployment/chat" in names(lab, lab_namespace)
    assert not list(elsewhere.temporary.glob("kubeconfig*")), "no copy of the credentials stays behind"
    (user, *_) = yaml.safe_load(lab.kubeconfig.read_text())["users"]
    (credential, *_) = user["user"].values()
    assert credential not in elsewhere.state_text()
