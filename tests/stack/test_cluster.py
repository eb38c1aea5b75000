"""The stack ``cluster`` on a real control plane."""

import base64
import json
from dataclasses import replace

import pytest

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


def test_what_the_cluster_refuses_is_told_without_a_traceback(
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
