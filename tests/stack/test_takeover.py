"""`pulumi up` over objects that a daemon let go of, or that `kubectl` made."""

import json
import subprocess

import pytest
import yaml

from lab import ControlPlane
from tests.daemon.harness import GATEWAYCTL, Daemon, Namespace
from tests.daemon.manifests import gateway
from tests.pulumi_cli import PulumiProject
from tests.stack.cluster import get

FORCE = {"PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}


@pytest.fixture
def stack(cluster_project: PulumiProject) -> PulumiProject:
    """The stack ``cluster`` with one gateway."""
    manifest = gateway("chat", aiGatewayClassName="litellm")
    (cluster_project.folder / "manifests" / "chat.yaml").write_text(yaml.safe_dump(manifest))
    return cluster_project


def uids(lab: ControlPlane, namespace: str) -> dict[str, str]:
    found = get(lab, namespace, "configmaps,deployments,services", "-l", "app=chat")["items"]
    return {one["kind"]: one["metadata"]["uid"] for one in found}


def test_what_a_daemon_let_go_of_is_taken_over(
    stack: PulumiProject, lab: ControlPlane, lab_namespace: str, daemon: Daemon
) -> None:
    place = Namespace(lab, lab_namespace)
    place.kubectl("apply", "-f", str(stack.folder / "manifests"))
    place.wait_ready("chat")
    made = uids(lab, lab_namespace)
    place.patch("AiGateway", "chat", {"spec": {"aiGatewayClassName": "somebody-elses"}})
    place.wait_no_conditions("AiGateway", "chat")

    stack.up("--skip-preview")
    assert uids(lab, lab_namespace) == made
    place.kubectl("delete", "aigateway", "chat", "--cascade=orphan")
    stack.up("--skip-preview", "--expect-no-changes")
    assert uids(lab, lab_namespace) == made
    stack.run("destroy", "--yes", "--skip-preview")
    assert uids(lab, lab_namespace) == {}


def test_objects_of_kubectl_are_taken_over_if_equal_or_wanted(
    stack: PulumiProject, lab: ControlPlane, lab_namespace: str
) -> None:
    command = [str(GATEWAYCTL), "render", str(stack.folder / "manifests"), "--namespace", lab_namespace]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    objects = [one for one in yaml.safe_load_all(rendered) if one]
    file = stack.folder / "rendered.json"
    file.write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}).replace("gpt-4o", "gpt-3")
    )
    place = Namespace(lab, lab_namespace)
    place.kubectl("apply", "-f", str(file))
    made = uids(lab, lab_namespace)
    assert made.keys() == {"ConfigMap", "Deployment", "Service"}

    refused = stack.fails("up", "--yes", "--skip-preview")
    assert 'conflict with "kubectl-client-side-apply"' in refused
    assert ".data.config.yaml" in refused
    assert "gpt-3" in place.config("chat"), "nothing was changed"

    stack.run("up", "--yes", "--skip-preview", environment=FORCE)
    assert "gpt-3" not in place.config("chat")
    assert uids(lab, lab_namespace) == made
    stack.up("--skip-preview", "--expect-no-changes")
