"""The stack ``cluster`` on a real control plane."""

import base64
import json
from collections.abc import Iterator
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

PATCH = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: chat-litellm
  labels: {my_label: a_b}
data:
  patch.yaml: |
    router_settings:
      num_retries: 3
"""

SECRET = f"""\
apiVersion: v1
kind: Secret
metadata:
  name: api-key-secrets
stringData:
  OPENAI_API_KEY: {KEY}
"""

GATEWAY_OBJECTS = {"ConfigMap/chat-config", "ConfigMap/chat-litellm", "Deployment/chat", "Service/chat"}


@pytest.fixture
def cluster(cluster_project: PulumiProject) -> PulumiProject:
    """The stack ``cluster`` with a gateway for models, its patch and its credentials."""
    (cluster_project.folder / "manifests" / "chat.yaml").write_text(GATEWAY)
    (cluster_project.folder / "manifests" / "companions.yaml").write_text(f"{PATCH}---\n{SECRET}")
    return cluster_project


@pytest.fixture
def edge(lab: ControlPlane, lab_namespace: str) -> Iterator[str]:
    """The name of a namespace that does not exist yet."""
    name = f"{lab_namespace}-edge"
    yield name
    lab.kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")


def test_a_stack_lives_from_preview_to_destroy(
    cluster: PulumiProject, lab: ControlPlane, lab_namespace: str, edge: str
) -> None:
    refused = refusals(cluster, lab, lab_namespace)
    named = f'cluster: context "west" at {lab.url}'
    cluster = replace(cluster, kubeconfig=cluster.folder / "kubeconfig")
    cluster.configure({"gateways:context": "west"})
    previewed = cluster.run("preview", "--diff")
    assert named in previewed
    assert names(lab, lab_namespace) == set()

    output = cluster.up("--skip-preview", "--diff")
    assert named in output
    assert names(lab, lab_namespace) == {*GATEWAY_OBJECTS, "Secret/api-key-secrets"}
    url = f"http://chat.{lab_namespace}.svc.cluster.local:4000"
    assert cluster.outputs() == {"urls": {f"{lab_namespace}/chat": url}, "routeUrls": {}}
    made = get(lab, lab_namespace, "deployment", "chat")
    assert made["status"]["availableReplicas"] == 1, "up waits until the gateway is available"
    config = get(lab, lab_namespace, "configmap", "chat-config")
    assert "num_retries: 3" in config["data"]["config.yaml"]
    assert get(lab, lab_namespace, "configmap", "chat-litellm")["metadata"]["labels"]["my_label"] == "a_b"
    encoded = base64.b64encode(KEY.encode()).decode()
    assert get(lab, lab_namespace, "secret", "api-key-secrets")["data"]["OPENAI_API_KEY"] == encoded

    cluster.up("--skip-preview", "--expect-no-changes")

    # A new model, a gateway in a namespace of its own, and the same cluster named in another way.
    manifests = cluster.folder / "manifests"
    (manifests / "chat.yaml").write_text(GATEWAY.replace("gpt-4o", "gpt-5"))
    placed = f"{GATEWAY}---\n{PATCH}".replace("metadata:\n", f"metadata:\n  namespace: {edge}\n")
    zone = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {edge}}}\n"
    (manifests / "edge.yaml").write_text(f"{placed}---\n{zone}")
    cluster.configure({"gateways:context": None, "kubernetes:context": "west"})
    cluster.run("config", "set", "--secret", "kubernetes:kubeconfig", contexts(lab))
    cluster = replace(cluster, kubeconfig=None)
    assert named in cluster.up("--skip-preview")
    assert not list(cluster.temporary.glob("kubeconfig*")), "no copy of the credentials stays behind"
    changed = get(lab, lab_namespace, "configmap", "chat-config")
    assert "openai/gpt-5" in changed["data"]["config.yaml"]
    assert changed["metadata"]["uid"] == config["metadata"]["uid"], "changed in place"
    rolled = get(lab, lab_namespace, "deployment", "chat")
    assert rolled["metadata"]["uid"] == made["metadata"]["uid"]
    assert rolled["spec"]["template"] != made["spec"]["template"], "the pods are restarted"
    assert names(lab, edge) == GATEWAY_OBJECTS

    (manifests / "chat.yaml").write_text(GATEWAY.replace("port: 4000", "port: 400000"))
    failed = cluster.fails("up", "--yes", "--skip-preview")
    assert "manifests/chat.yaml:9: error: AiGateway chat: spec.port: is 400000, which is too large" in failed
    assert get(lab, lab_namespace, "deployment", "chat")["metadata"] == rolled["metadata"]

    applied = json.dumps(get(lab, lab_namespace, "configmaps"))
    cluster.run("destroy", "--yes", "--skip-preview")
    assert names(lab, lab_namespace) == names(lab, edge) == set()
    assert lab.kubectl("get", "namespace", edge, "-o", "name").strip() == f"namespace/{edge}"
    kept, shown = cluster.state_text(), refused + previewed + output + applied
    assert "chat-config" in kept, "the history has what was applied"
    (user, *_) = yaml.safe_load(lab.kubeconfig.read_text())["users"]
    (credential, *_) = user["user"].values()
    assert [secret for secret in (KEY, encoded, credential) if secret in kept + shown] == []


def refusals(cluster: PulumiProject, lab: ControlPlane, namespace: str) -> str:
    """Return what is said to a user without rights; have a context misspelt, too."""
    refused = replace(cluster, kubeconfig=lab.user_kubeconfig("nobody")).fails("up", "--yes")
    forbidden = 'User "nobody" cannot patch resource "configmaps" in API group "" in the namespace'
    assert f'{forbidden} "{namespace}"' in refused
    (cluster.folder / "kubeconfig").write_text(contexts(lab))
    for key in ("gateways:context", "kubernetes:context"):
        cluster.configure({key: "wset"})
        misspelt = replace(cluster, kubeconfig=cluster.folder / "kubeconfig").fails("preview")
        assert 'there is no context "wset" in the kubeconfig (did you mean west?)' in misspelt
        cluster.configure({key: None})
    return refused


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
