"""The stack ``operator`` on a control plane of its own: the real engine installs, upgrades and takes away."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway_components.install.manifests import installation_manifests
from gateway_components.install.options import NAMESPACE, Installation
from lab import ControlPlane
from tests.daemon.manifests import gateway
from tests.pulumi_cli import ROOT, PulumiProject

UPGRADE = "gateways:install.image"

pytestmark = pytest.mark.lab


@pytest.fixture
def own_lab() -> Iterator[ControlPlane]:
    """A control plane on which nothing is installed."""
    with ControlPlane.start() as control_plane:
        yield control_plane


@pytest.fixture
def operator(own_lab: ControlPlane, tmp_path: Path) -> PulumiProject:
    """The stack ``operator`` as it is shipped."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "stacks", folder / "stacks")
    project = PulumiProject(folder, "operator", tmp_path / "state", own_lab.kubeconfig)
    project.init()
    return project


def found(lab: ControlPlane, *what: str) -> Any:
    return json.loads(lab.kubectl("get", "-o", "json", *what))


def stored(lab: ControlPlane, manifest: dict[str, Any]) -> dict[str, Any]:
    metadata = manifest["metadata"]
    scope = ["-n", metadata["namespace"]] if "namespace" in metadata else []
    group, _, version = manifest["apiVersion"].rpartition("/")
    name = f"{manifest['kind']}.{version}.{group}" if group else manifest["kind"]
    answer: dict[str, Any] = found(lab, *scope, name, metadata["name"])
    return answer


def differences(wanted: Any, actual: Any, path: str = "") -> list[str]:
    """Return where `actual` is not what is wanted; what the API server adds does not count."""
    if isinstance(wanted, dict) and isinstance(actual, dict):
        return [
            line
            for key, part in wanted.items()
            for line in differences(part, actual.get(key), f"{path}.{key}")
        ]
    if isinstance(wanted, list) and isinstance(actual, list) and len(wanted) == len(actual):
        pairs = enumerate(zip(wanted, actual, strict=True))
        return [line for at, (one, other) in pairs for line in differences(one, other, f"{path}[{at}]")]
    return [] if wanted == actual else [f"{path}: {actual!r} in place of {wanted!r}"]


def test_gateways_serve_through_install_upgrade_and_destroy(
    operator: PulumiProject, own_lab: ControlPlane
) -> None:
    assert_a_mistake_has_no_traceback(operator)

    operator.up("--skip-preview")
    for manifest in installation_manifests(Installation()):
        assert differences(manifest, stored(own_lab, manifest)) == [], manifest["metadata"]["name"]
    pods = found(own_lab, "-n", NAMESPACE, "pods")["items"]
    assert len(pods) == 2, "the namespace's rules for pods admit them"
    operator.up("--skip-preview", "--expect-no-changes")

    # What the daemon makes of a gateway; here it is made by hand, for no image runs on this control plane.
    own_lab.kubectl("apply", "-f", "-", input=json.dumps(gateway("chat")))
    own_lab.kubectl("create", "deployment", "chat", "--image=litellm")
    own_lab.kubectl("create", "secret", "generic", "litellm-gateways-state")
    own_lab.kubectl("create", "secret", "generic", "litellm-gateways-passphrase", "-n", NAMESPACE)
    before = [found(own_lab, kind, "chat")["metadata"]["uid"] for kind in ("aigateway", "deployment")]

    operator.run("config", "set", "--path", UPGRADE, "litellm-gateways:0.2.0")
    operator.up("--skip-preview")
    daemon = found(own_lab, "-n", NAMESPACE, "deployment", "litellm-gateways")
    assert daemon["spec"]["template"]["spec"]["containers"][0]["image"] == "litellm-gateways:0.2.0"
    assert daemon["metadata"]["generation"] == 2, "changed in place"

    order = operator.run("destroy", "--yes", "--skip-preview", "--json")
    deleted = deletions(order)
    assert deleted[0] == "kubernetes:apps/v1:Deployment", (
        "a daemon that sees its classes go releases all gateways"
    )
    after = [found(own_lab, kind, "chat")["metadata"]["uid"] for kind in ("aigateway", "deployment")]
    assert after == before
    assert found(own_lab, "secret", "litellm-gateways-state")
    assert found(own_lab, "-n", NAMESPACE, "secret", "litellm-gateways-passphrase")
    left = found(own_lab, "-n", NAMESPACE, "deployments,services,roles,rolebindings,poddisruptionbudgets")
    assert left["items"] == []
    bound = "clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings"
    left = found(own_lab, bound, "-l", "app.kubernetes.io/part-of=litellm-gateways")
    assert left["items"] == [], "no right stays behind, and nothing that binds it"

    operator.up("--skip-preview")
    assert found(own_lab, "aigateway", "chat")["metadata"]["uid"] == before[0], "what stayed is adopted"


def assert_a_mistake_has_no_traceback(operator: PulumiProject) -> None:
    file = operator.folder / "stacks" / "Pulumi.operator.yaml"
    shipped = file.read_text()
    content = yaml.safe_load(shipped)
    content["config"]["gateways:install"] = {"imagee": "x"}
    file.write_text(yaml.safe_dump(content))
    output = operator.fails("preview")
    assert "nothing was changed" in output
    assert "gateways:install.imagee: " in output
    file.write_text(shipped)


def deletions(events: str) -> list[str]:
    """Return the types of the Kubernetes objects that a run deleted, in the order in which that began."""
    lines = [json.loads(line) for line in events.splitlines() if line.startswith("{")]
    steps = [line["resourcePreEvent"]["metadata"] for line in lines if "resourcePreEvent" in line]
    return [
        step["type"] for step in steps if step["op"] == "delete" and step["type"].startswith("kubernetes:")
    ]
